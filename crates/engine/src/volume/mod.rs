//! Volumes: directories that outlive containers.

mod create;
mod error;
mod list;
mod local;
mod mount;
mod prune;
mod remove;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_types::event::EventKind;
use lockgate_types::{ContainerId, Timestamp, VolumeName};

use crate::engine::Inner;

pub use create::CreateVolume;
pub use error::{CreateVolumeError, OptionError, RemoveVolumeError, VolumeError};
pub use list::VolumeUsage;
pub use local::VolumeFault;
pub(crate) use local::{LocalVolumes, VolumeRecord};
pub use prune::PrunedVolumes;

/// Volumes of this engine.
#[derive(Clone)]
pub struct Volumes {
    inner: Arc<Inner>,
}

/// A volume as it is shown. Its driver is always `local`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeInfo {
    /// Its name.
    pub name: VolumeName,
    /// The directory that containers see.
    pub mountpoint: String,
    /// When it was made.
    pub created: Timestamp,
    /// Labels, if some were given.
    pub labels: Option<BTreeMap<String, String>>,
    /// `type`, `o`, `device`, if some were given.
    pub options: Option<BTreeMap<String, String>>,
}

impl Volumes {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    fn info(&self, record: VolumeRecord) -> VolumeInfo {
        let mountpoint = self.inner.volumes.mountpoint(&record.name);
        VolumeInfo {
            mountpoint: mountpoint.to_string_lossy().into_owned(),
            name: record.name,
            created: record.created,
            labels: record.labels,
            options: record.options,
        }
    }

    /// The containers that have the volume, whether they run or not.
    fn users(&self, name: &VolumeName) -> Vec<ContainerId> {
        let containers = self.inner.registry.all();
        let users = containers.iter().filter(|container| {
            let facts = container.facts();
            let mut mounts = facts.record.mounts.iter().map(|mount| &mount.point);
            mounts.any(|point| !point.driver.is_empty() && point.name == name.as_str())
        });
        users.map(|container| container.id.clone()).collect()
    }

    fn tell(&self, name: &VolumeName, action: &str) {
        let attributes = BTreeMap::from([("driver".to_owned(), DRIVER.to_owned())]);
        self.inner
            .events
            .publish(EventKind::Volume, action, name.as_str(), attributes);
    }
}

impl fmt::Debug for Volumes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Volumes")
    }
}

/// The one driver.
const DRIVER: &str = "local";
