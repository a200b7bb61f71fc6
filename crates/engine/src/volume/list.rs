//! Which volumes there are.

use lockgate_types::VolumeName;

use super::error::VolumeError;
use super::local::tree_size;
use super::{DRIVER, VolumeInfo, Volumes};
use crate::filter::Filters;

/// A volume and how much it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeUsage {
    /// The volume.
    pub volume: VolumeInfo,
    /// Containers that have it, running or not.
    pub users: i64,
    /// Bytes in it, -1 if they cannot be counted.
    pub size: i64,
}

impl Volumes {
    /// Lists volumes by name. Filters: `dangling`, `driver`, `label`, `label!`, `name`.
    pub fn list(&self, filters: &Filters) -> Result<Vec<VolumeInfo>, VolumeError> {
        filters.check_keys(&["dangling", "driver", "label", "name"])?;
        let dangling = filters.boolean("dangling")?;
        let mut volumes = self.inner.volumes.all();
        volumes.retain(|volume| {
            filters.matches_pattern("name", volume.name.as_str())
                && filters.matches_exactly("driver", DRIVER)
                && filters.matches_labels(volume.labels.as_ref())
                && dangling.is_none_or(|wanted| self.users(&volume.name).is_empty() == wanted)
        });
        Ok(volumes
            .into_iter()
            .map(|record| self.info(record))
            .collect())
    }

    /// Tells everything about one volume.
    pub fn inspect(&self, name: &str) -> Result<VolumeInfo, VolumeError> {
        let volume = VolumeName::parse(name)
            .ok()
            .and_then(|name| self.inner.volumes.get(&name));
        let volume = volume.ok_or_else(|| VolumeError::NotFound(name.to_owned()))?;
        Ok(self.info(volume))
    }

    /// All volumes with sizes and users. Walks them all: call it on a blocking thread.
    pub fn usage(&self) -> Vec<VolumeUsage> {
        let volumes = self.inner.volumes.all().into_iter().map(|record| {
            let users = self.users(&record.name).len();
            let size = tree_size(&self.inner.volumes.mountpoint(&record.name));
            VolumeUsage {
                volume: self.info(record),
                users: i64::try_from(users).unwrap_or(i64::MAX),
                size: size.unwrap_or(-1),
            }
        });
        volumes.collect()
    }
}
