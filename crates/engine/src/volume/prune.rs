//! Removal of volumes that nobody needs.

use std::collections::BTreeMap;

use lockgate_types::VolumeName;
use lockgate_types::event::EventKind;

use super::Volumes;
use super::error::{RemoveVolumeError, VolumeError};
use super::local::{is_anonymous, tree_size};
use crate::filter::Filters;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunedVolumes {
    /// Names.
    pub deleted: Vec<VolumeName>,
    /// Bytes that were in them.
    pub reclaimed: u64,
}

impl Volumes {
    /// Removes volumes that no container has: anonymous ones, or with the filter `all` every one.
    /// Further filters: `label`, `label!`.
    pub async fn prune(&self, filters: Filters) -> Result<PrunedVolumes, RemoveVolumeError> {
        let volumes = self.clone();
        let work = tokio::task::spawn_blocking(move || volumes.prune_now(&filters));
        work.await.unwrap_or(Err(RemoveVolumeError::Closing))
    }

    fn prune_now(&self, filters: &Filters) -> Result<PrunedVolumes, RemoveVolumeError> {
        filters
            .check_keys(&["all", "label", "label!"])
            .map_err(VolumeError::from)?;
        let all = filters
            .boolean("all")
            .map_err(VolumeError::from)?
            .unwrap_or(false);
        let mut pruned = PrunedVolumes::default();
        for volume in self.inner.volumes.all() {
            let is_meant = all || is_anonymous(&volume);
            let is_used = || !self.users(&volume.name).is_empty();
            if !is_meant || !filters.matches_labels(volume.labels.as_ref()) || is_used() {
                continue;
            }
            let size = tree_size(&self.inner.volumes.mountpoint(&volume.name)).unwrap_or(0);
            match self.inner.volumes.remove(&volume.name) {
                Ok(true) => {
                    self.tell(&volume.name, "destroy");
                    pruned.reclaimed += u64::try_from(size).unwrap_or(0);
                    pruned.deleted.push(volume.name);
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(volume = %volume.name, %error, "volume kept"),
            }
        }
        let attributes = BTreeMap::from([("reclaimed".to_owned(), pruned.reclaimed.to_string())]);
        self.inner
            .events
            .publish(EventKind::Volume, "prune", "", attributes);
        Ok(pruned)
    }
}
