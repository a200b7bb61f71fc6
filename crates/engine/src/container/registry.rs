//! All containers: by id, by name, by unique prefix of an id.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use lockgate_types::{ContainerId, ContainerName};

use super::error::LookupError;
use super::handle::Container;

/// The index of all containers. Locks are held for map operations only.
#[derive(Default)]
pub(crate) struct Registry {
    index: RwLock<Index>,
}

#[derive(Default)]
struct Index {
    by_id: BTreeMap<ContainerId, Arc<Container>>,
    /// Also names of containers that are still being made.
    by_name: HashMap<ContainerName, ContainerId>,
}

/// A name is taken.
#[derive(Debug)]
pub(crate) struct NameTaken(pub(crate) ContainerId);

impl Registry {
    /// Takes `name` for `id`, if it is free.
    pub(crate) fn reserve(&self, name: &ContainerName, id: &ContainerId) -> Result<(), NameTaken> {
        let mut index = self.write();
        if let Some(owner) = index.by_name.get(name) {
            Err(NameTaken(owner.clone()))
        } else {
            index.by_name.insert(name.clone(), id.clone());
            Ok(())
        }
    }

    /// Frees `name`, if `id` has it.
    pub(crate) fn release(&self, name: &ContainerName, id: &ContainerId) {
        let mut index = self.write();
        if index.by_name.get(name) == Some(id) {
            index.by_name.remove(name);
        }
    }

    /// Makes a container known.
    pub(crate) fn insert(&self, container: Arc<Container>) {
        self.write().by_id.insert(container.id.clone(), container);
    }

    /// Forgets a container and frees its names.
    pub(crate) fn remove(&self, id: &ContainerId) {
        let mut index = self.write();
        index.by_id.remove(id);
        index.by_name.retain(|_, owner| owner != id);
    }

    /// All containers, in no particular order.
    pub(crate) fn all(&self) -> Vec<Arc<Container>> {
        self.read().by_id.values().cloned().collect()
    }

    /// The container that `text` means: an id, a name (with or without slash), or a prefix of one id.
    pub(crate) fn find(&self, text: &str) -> Result<Arc<Container>, LookupError> {
        if text.is_empty() {
            return Err(LookupError::Empty);
        }
        let index = self.read();
        if let Some(container) = index.exact(text) {
            return Ok(container);
        }
        let not_found = || LookupError::NotFound(text.to_owned());
        if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(not_found());
        }
        let mut matches = index.with_prefix(text);
        let first = matches.next().ok_or_else(not_found)?;
        match matches.next() {
            None => Ok(Arc::clone(first)),
            Some(_) => Err(LookupError::Ambiguous(text.to_owned())),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn exact(&self, text: &str) -> Option<Arc<Container>> {
        let by_id = ContainerId::parse(text)
            .ok()
            .and_then(|id| self.by_id.get(&id));
        let by_name = || {
            let name = ContainerName::parse(text).ok()?;
            self.by_id.get(self.by_name.get(&name)?)
        };
        by_id.or_else(by_name).cloned()
    }

    /// Ids sort as their text does, so those with a prefix lie together.
    fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Arc<Container>> {
        let least = ContainerId::parse(&format!("{prefix:0<64}")).ok();
        let start = match least {
            Some(least) => std::ops::Bound::Included(least),
            None => std::ops::Bound::Unbounded,
        };
        self.by_id
            .range((start, std::ops::Bound::Unbounded))
            .map(|(_, container)| container)
            .take_while(move |container| container.id.as_str().starts_with(prefix))
    }
}
