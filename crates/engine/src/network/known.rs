//! All networks of an engine: those that are always there, and those that users made.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lockgate_net::Shared;
use lockgate_types::NetworkId;

use super::builtin::Builtin;
use super::custom::{self, Custom, Defaults};

/// The networks by id.
pub(crate) struct Known {
    pub(crate) builtin: Builtin,
    pub(crate) defaults: Defaults,
    pub(crate) shared: Shared,
    custom: RwLock<BTreeMap<NetworkId, Arc<Custom>>>,
    /// One network is made at a time, so that no two get the same name or addresses.
    making: Mutex<()>,
}

impl Known {
    /// Brings up what is on disk.
    pub(crate) fn open(builtin: Builtin, defaults: Defaults, shared: Shared) -> io::Result<Self> {
        let found = custom::open_all(&defaults, &shared)?;
        let custom = found
            .into_iter()
            .map(|(id, custom)| (id, Arc::new(custom)))
            .collect();
        Ok(Self {
            builtin,
            defaults,
            shared,
            custom: RwLock::new(custom),
            making: Mutex::new(()),
        })
    }

    /// The id of the network with that name.
    pub(crate) fn id(&self, name: &str) -> Option<NetworkId> {
        self.builtin
            .id(name)
            .cloned()
            .or_else(|| Some(self.named(name)?.record.id.clone()))
    }

    /// The network of a user with that name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Custom>> {
        self.all()
            .into_iter()
            .find(|custom| custom.record.name == name)
    }

    /// The network of a user with that id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Custom>> {
        let id = NetworkId::parse(id).ok()?;
        self.read().get(&id).cloned()
    }

    /// The network of a user that `text` means: its id, its name, or a prefix of its id alone.
    pub(crate) fn find(&self, text: &str) -> Option<Arc<Custom>> {
        if let Some(custom) = self.get(text).or_else(|| self.named(text)) {
            return Some(custom);
        }
        let mut matches = self.all();
        matches.retain(|custom| !text.is_empty() && custom.record.id.as_str().starts_with(text));
        let found = matches.pop()?;
        matches.is_empty().then_some(found)
    }

    /// All networks of users.
    pub(crate) fn all(&self) -> Vec<Arc<Custom>> {
        self.read().values().cloned().collect()
    }

    pub(crate) fn insert(&self, custom: Arc<Custom>) {
        let mut all = self.custom.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(custom.record.id.clone(), custom);
    }

    pub(crate) fn remove(&self, id: &NetworkId) {
        let mut all = self.custom.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
    }

    /// Keeps others from making networks.
    pub(crate) fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<NetworkId, Arc<Custom>>> {
        self.custom.read().unwrap_or_else(PoisonError::into_inner)
    }
}
