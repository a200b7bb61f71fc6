//! Removal of images that nobody needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_store::Image;
use lockgate_types::Timestamp;
use lockgate_types::event::EventKind;

use super::Images;
use super::error::{ImageError, RemoveImageError};
use super::remove::{DeletedImage, RemoveImage};
use crate::filter::Filters;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunedImages {
    /// Names and images.
    pub deleted: Vec<DeletedImage>,
    /// Bytes of content that are free now.
    pub reclaimed: u64,
}

impl Images {
    /// Removes images without name (with `dangling=false`: all) that no container uses.
    /// Filters: `dangling`, `label`, `label!`, `until`.
    pub async fn prune(&self, filters: Filters) -> Result<PrunedImages, RemoveImageError> {
        let images = self.clone();
        let work = tokio::task::spawn_blocking(move || images.prune_now(&filters));
        work.await.unwrap_or(Err(RemoveImageError::Closing))
    }

    fn prune_now(&self, filters: &Filters) -> Result<PrunedImages, RemoveImageError> {
        filters
            .check_keys(&["dangling", "label", "label!", "until"])
            .map_err(ImageError::from)?;
        let dangling = filters
            .boolean("dangling")
            .map_err(ImageError::from)?
            .unwrap_or(true);
        let until = filters.until(Timestamp::now()).map_err(ImageError::from)?;
        let before = self.inner.store.usage().layers;
        let mut pruned = PrunedImages::default();
        for image in self.candidates(filters, dangling, until) {
            let tags = self.inner.store.refs_of(&image.id);
            let names: Vec<String> = match tags.as_slice() {
                [] => vec![image.id.hex()],
                tags if dangling && tags.iter().any(|tag| tag.tag().is_some()) => continue,
                tags => tags.iter().map(ToString::to_string).collect(),
            };
            for name in names {
                match self.remove_now(&name, RemoveImage::default()) {
                    Ok(mut records) => pruned.deleted.append(&mut records),
                    Err(error) => tracing::debug!(%name, %error, "image kept"),
                }
            }
        }
        let freed = before - self.inner.store.usage().layers;
        pruned.reclaimed = u64::try_from(freed).unwrap_or(0);
        let attributes = BTreeMap::from([("reclaimed".to_owned(), pruned.reclaimed.to_string())]);
        self.inner
            .events
            .publish(EventKind::Image, "prune", "", attributes);
        Ok(pruned)
    }

    fn candidates(
        &self,
        filters: &Filters,
        dangling: bool,
        until: Option<Timestamp>,
    ) -> Vec<Arc<Image>> {
        let store = &self.inner.store;
        let mut images = store.images();
        images.retain(|image| {
            let has_children = !store.children(&image.id).is_empty();
            let is_intermediate = has_children && (dangling || store.refs_of(&image.id).is_empty());
            let created = image.config.created;
            let is_old = until.is_none_or(|until| created.is_some_and(|time| time <= until));
            !is_intermediate
                && is_old
                && filters.matches_labels(image.config.config.labels.as_ref())
        });
        images
    }
}
