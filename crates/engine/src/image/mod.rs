//! Operations on images, one file per verb.

mod change;
mod error;
mod glob;
mod history;
mod import;
mod inspect;
mod list;
mod load;
mod prune;
mod remove;
mod save;
mod tag;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_store::Image;
use lockgate_types::event::EventKind;
use lockgate_types::{ContainerId, Digest, ImageRef};

use crate::engine::Inner;

pub use change::ChangeError;
pub(crate) use change::apply_changes;
pub use error::{
    ImageError, ImportImageError, LoadImageError, RemoveConflict, RemoveImageError, TagImageError,
};
pub use history::ImageHistory;
pub use import::ImportImage;
pub use inspect::ImageInspect;
pub use list::{ImageListQuery, ImageSummary};
pub use load::LoadMessage;
pub use prune::PrunedImages;
pub use remove::{DeletedImage, RemoveImage};
pub use save::SavePlan;
pub(crate) use tag::new_reference;

/// Images of this engine.
#[derive(Clone)]
pub struct Images {
    inner: Arc<Inner>,
}

impl Images {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// How many images there are, without those that only others are built on.
    pub fn count(&self) -> usize {
        let store = &self.inner.store;
        let is_shown = |image: &Arc<Image>| {
            !store.refs_of(&image.id).is_empty() || store.children(&image.id).is_empty()
        };
        store
            .images()
            .iter()
            .filter(|image| is_shown(image))
            .count()
    }

    /// Bytes of content in all layers, each counted once.
    pub fn content_size(&self) -> i64 {
        self.inner.store.usage().layers
    }

    /// The containers that were made from the image.
    fn users(&self, id: &Digest) -> Vec<User> {
        let containers = self.inner.registry.all();
        let users = containers.iter().filter_map(|container| {
            let facts = container.facts();
            let mut shown = facts.record.mounts.iter().map(|mount| mount.image.as_ref());
            let uses =
                facts.record.image.as_ref() == Some(id) || shown.any(|image| image == Some(id));
            uses.then(|| User {
                id: container.id.clone(),
                running: facts.state.status.has_process(),
            })
        });
        users.collect()
    }

    fn find(&self, name: &str) -> Result<Arc<Image>, ImageError> {
        Ok(self.inner.store.resolve(name)?)
    }

    /// Publishes what happened to an image.
    pub(crate) fn tell(&self, id: &Digest, name: &str, action: &str) {
        let image = self.inner.store.image(id);
        let labels = image.and_then(|image| image.config.config.labels.clone());
        let mut attributes: BTreeMap<String, String> = labels.unwrap_or_default();
        attributes.insert("name".to_owned(), name.to_owned());
        self.inner
            .events
            .publish(EventKind::Image, action, id.to_string(), attributes);
    }
}

/// A container that was made from an image.
struct User {
    id: ContainerId,
    running: bool,
}

impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Images")
    }
}

/// The tags and the digest references among `references`, as people write them.
fn split_references(references: &[ImageRef]) -> (Vec<String>, Vec<String>) {
    let (digests, tags): (Vec<&ImageRef>, Vec<&ImageRef>) = references
        .iter()
        .partition(|reference| reference.digest().is_some());
    let familiar = |list: Vec<&ImageRef>| list.into_iter().map(ImageRef::familiar).collect();
    (familiar(tags), familiar(digests))
}
