//! Taking back a create that fails half way.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_types::container::ContainerConfig;
use lockgate_types::{ContainerId, ContainerName, OWNER_LABEL, Timestamp, VolumeName};

use crate::container::config_error::ConfigError;
use crate::container::error::{CreateError, FaultError};
use crate::container::events;
use crate::container::record::Record;
use crate::container::registry::NameTaken;
use crate::engine::Inner;
use crate::rootfs;
use crate::volume::VolumeRecord;

/// What has been done so far; dropped before the commit, it takes everything back.
pub(super) struct Undo<'a> {
    engine: &'a Inner,
    id: ContainerId,
    name: Option<ContainerName>,
    pub(super) steps: Vec<Step>,
}

pub(super) enum Step {
    Snapshot,
    Volume(VolumeName),
    Directory(PathBuf),
}

impl<'a> Undo<'a> {
    pub(super) fn new(engine: &'a Inner, id: ContainerId) -> Self {
        Self {
            engine,
            id,
            name: None,
            steps: Vec::new(),
        }
    }

    /// It is done: nothing is taken back any more.
    pub(super) fn keep(&mut self) {
        self.steps.clear();
        self.name = None;
    }

    pub(super) fn reserve(&mut self, wanted: &ContainerName) -> Result<(), CreateError> {
        match self.engine.registry.reserve(wanted, &self.id) {
            Ok(()) => {
                self.name = Some(wanted.clone());
                Ok(())
            }
            Err(NameTaken(by)) => Err(CreateError::NameInUse {
                name: wanted.to_string(),
                by,
            }),
        }
    }

    pub(super) fn snapshot(&mut self, record: &Record) -> Result<(), CreateError> {
        let made = self
            .engine
            .store
            .snapshot_create(&record.id, record.image.as_ref());
        let snapshot = made.map_err(|error| FaultError::Store(error.to_string()))?;
        self.steps.push(Step::Snapshot);
        let directory = &record.config.working_dir;
        if rootfs::is_file(&snapshot, directory).map_err(FaultError::file("look into the image"))? {
            return Err(ConfigError::WorkingDirFile(directory.clone()).into());
        }
        rootfs::furnish(&snapshot).map_err(FaultError::file("furnish the writable layer"))?;
        Ok(())
    }

    /// Makes the volume of a mount if it is not there, and fills it from the image if it is empty.
    pub(super) fn volume(&mut self, record: &mut Record, index: usize) -> Result<(), CreateError> {
        let Some(mount) = record.mounts.get_mut(index) else {
            return Ok(());
        };
        if mount.point.driver.is_empty() {
            return Ok(());
        }
        let name = match mount.point.name.as_str() {
            "" => VolumeName::anonymous(),
            name => VolumeName::parse(name)
                .map_err(|error| ConfigError::VolumeName(name.to_owned(), error))?,
        };
        let volumes = &self.engine.volumes;
        let volume = VolumeRecord {
            name: name.clone(),
            created: Timestamp::now(),
            labels: owned(mount.volume_labels.clone(), &record.config),
            options: mount.volume_options.clone(),
            anonymous: mount.anonymous,
        };
        let made = volumes
            .ensure(volume, &mount.point.driver)
            .map_err(|error| CreateError::Volume {
                kind: error.kind(),
                text: format!("create {name}: {error}"),
            })?;
        if made {
            self.steps.push(Step::Volume(name.clone()));
            events::volume(self.engine, name.as_str(), "create");
        }
        let data = volumes.mountpoint(&name);
        mount.point.name = name.to_string();
        mount.point.source = data.to_string_lossy().into_owned();
        if !mount.no_copy && record.image.is_some() {
            let snapshot = self.engine.store.snapshot(&record.id);
            let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
            rootfs::fill_volume(&snapshot, &mount.point.destination, &data)
                .map_err(FaultError::file("fill a volume from the image"))?;
        }
        Ok(())
    }
}

/// A volume that is made for a container belongs to whoever the container belongs to.
fn owned(
    labels: Option<BTreeMap<String, String>>,
    config: &ContainerConfig,
) -> Option<BTreeMap<String, String>> {
    let of_container = config.labels.iter().flatten();
    let mut owner = of_container.filter(|(key, _)| *key == OWNER_LABEL);
    let Some((key, owner)) = owner.next() else {
        return labels;
    };
    let mut labels = labels.unwrap_or_default();
    labels.insert(key.clone(), owner.clone());
    Some(labels)
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        for step in self.steps.drain(..).rev() {
            let undone = match step {
                Step::Snapshot => self
                    .engine
                    .store
                    .snapshot_remove(&self.id)
                    .map_err(|error| error.to_string()),
                Step::Volume(name) => self
                    .engine
                    .volumes
                    .remove(&name)
                    .map(drop)
                    .map_err(|error| error.to_string()),
                Step::Directory(path) => match std::fs::remove_dir_all(path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        Err(error.to_string())
                    }
                    _ => Ok(()),
                },
            };
            if let Err(error) = undone {
                tracing::warn!(container = %self.id, error, "cannot undo a failed create");
            }
        }
        if let Some(name) = self.name.take() {
            self.engine.registry.release(&name, &self.id);
        }
    }
}
