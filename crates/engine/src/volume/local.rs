//! The `local` driver: `D/volumes/<name>/{_data/,volume.json}`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockgate_sys::file::{Durability, sync_directory, write_atomic};
use lockgate_types::{ContainerId, ErrorKind, Timestamp, VolumeName, random_hex};
use serde::{Deserialize, Serialize};

use super::error::OptionError;
use super::mount::{MountOptions, unmount};
use crate::within;

/// All volumes of the `local` driver.
#[derive(Debug)]
pub(crate) struct LocalVolumes {
    root: PathBuf,
    /// Root of the containers, as this host knows it.
    owner: (u32, u32),
    trash: PathBuf,
    volumes: Mutex<BTreeMap<VolumeName, Volume>>,
}

#[derive(Debug)]
struct Volume {
    record: VolumeRecord,
    /// Running containers that have what is mounted in it.
    holders: BTreeSet<ContainerId>,
}

/// What is remembered of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeRecord {
    pub(crate) name: VolumeName,
    pub(crate) created: Timestamp,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) options: Option<BTreeMap<String, String>>,
    /// Made for one container that named none.
    #[serde(default)]
    pub(crate) anonymous: bool,
}

/// A volume cannot be made, mounted or removed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeFault {
    /// A driver that is not built in.
    #[error("error looking up volume plugin {0}: plugin \"{0}\" not found")]
    Driver(String),
    /// Options that make no sense.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The file system refuses.
    #[error("failed to {verb} volume {name}: {source}")]
    File {
        /// create or remove.
        verb: &'static str,
        /// Which.
        name: VolumeName,
        /// Why.
        source: io::Error,
    },
    /// What the volume is made of cannot be mounted.
    #[error("error while mounting volume '{name}': failed to mount local volume: {source}")]
    Mount {
        /// Which.
        name: VolumeName,
        /// Why.
        source: io::Error,
    },
}

impl VolumeFault {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Driver(_) => ErrorKind::NotFound,
            Self::Option(_) => ErrorKind::InvalidInput,
            Self::File { .. } | Self::Mount { .. } => ErrorKind::Internal,
        }
    }
}

impl LocalVolumes {
    /// Reads what is there. A volume without record was never answered: it goes, if it is empty.
    /// The store must have been opened before, it makes and empties `trash/`.
    /// The data of new ones belongs to `owner`.
    pub(crate) fn open(data_root: &Path, owner: (u32, u32)) -> io::Result<Self> {
        let (root, trash) = (data_root.join("volumes"), data_root.join("trash"));
        fs::create_dir_all(&root)?;
        fs::create_dir_all(&trash)?;
        let mut volumes = BTreeMap::new();
        for entry in fs::read_dir(&root)? {
            let path = entry?.path();
            match read(&path) {
                Some(record) => {
                    let volume = Volume {
                        record,
                        holders: BTreeSet::new(),
                    };
                    volumes.insert(volume.record.name.clone(), volume);
                }
                None => remove_leftover(&path),
            }
        }
        Ok(Self {
            root,
            owner,
            trash,
            volumes: Mutex::new(volumes),
        })
    }

    /// The directory that containers see.
    pub(crate) fn mountpoint(&self, name: &VolumeName) -> PathBuf {
        self.root.join(name.as_str()).join("_data")
    }

    /// The volume of that name.
    pub(crate) fn get(&self, name: &VolumeName) -> Option<VolumeRecord> {
        self.lock().get(name).map(|volume| volume.record.clone())
    }

    /// All volumes, by name.
    pub(crate) fn all(&self) -> Vec<VolumeRecord> {
        self.lock()
            .values()
            .map(|volume| volume.record.clone())
            .collect()
    }

    /// Makes a volume; `false` if it was there. On return it is on disk.
    pub(crate) fn ensure(
        &self,
        mut record: VolumeRecord,
        driver: &str,
    ) -> Result<bool, VolumeFault> {
        if !matches!(driver, "" | "local") {
            return Err(VolumeFault::Driver(driver.to_owned()));
        }
        let mut volumes = self.lock();
        if volumes.contains_key(&record.name) {
            return Ok(false);
        }
        MountOptions::parse(record.options.as_ref())?;
        if record.anonymous {
            let labels = record.labels.get_or_insert_default();
            labels.insert(ANONYMOUS.to_owned(), String::new());
        }
        create(&self.root, &record, self.owner).map_err(|source| VolumeFault::File {
            verb: "create",
            name: record.name.clone(),
            source,
        })?;
        volumes.insert(
            record.name.clone(),
            Volume {
                record,
                holders: BTreeSet::new(),
            },
        );
        Ok(true)
    }

    /// Mounts what the volume is made of, if that is a mount, for a container that starts. May be
    /// called again for the same container.
    /// What is mounted must be below one of `within`, if that is given.
    pub(crate) fn hold(
        &self,
        name: &VolumeName,
        user: &ContainerId,
        within: Option<&[PathBuf]>,
    ) -> Result<(), VolumeFault> {
        let target = self.mountpoint(name);
        let mut volumes = self.lock();
        let Some(volume) = volumes.get_mut(name) else {
            return Ok(());
        };
        let Some(options) = MountOptions::parse(volume.record.options.as_ref())? else {
            return Ok(());
        };
        let failed = |source| VolumeFault::Mount {
            name: name.clone(),
            source,
        };
        match within.filter(|_| options.is_of_the_host()) {
            None => options.mount(&target).map_err(failed)?,
            Some(roots) => {
                let device = within::open(options.device(), roots);
                let device = device.map_err(|error| failed(io::Error::other(error)))?;
                options.mount_opened(&device, &target).map_err(failed)?;
            }
        }
        volume.holders.insert(user.clone());
        Ok(())
    }

    /// Takes the mount away when the last running container that had it is gone.
    pub(crate) fn release(&self, name: &VolumeName, user: &ContainerId) -> Result<(), VolumeFault> {
        let target = self.mountpoint(name);
        let mut volumes = self.lock();
        let Some(volume) = volumes.get_mut(name) else {
            return Ok(());
        };
        volume.holders.remove(user);
        if volume.record.options.is_none() || !volume.holders.is_empty() {
            return Ok(());
        }
        unmount(&target).map_err(|source| VolumeFault::Mount {
            name: name.clone(),
            source,
        })
    }

    /// Removes a volume that nobody uses; `false` if there was none. It is out of sight before its
    /// contents go, so a crash leaves the whole volume or none.
    pub(crate) fn remove(&self, name: &VolumeName) -> Result<bool, VolumeFault> {
        let gone = self.trash.join(random_hex());
        let fault = |source| VolumeFault::File {
            verb: "remove",
            name: name.clone(),
            source,
        };
        {
            let mut volumes = self.lock();
            if !volumes.contains_key(name) {
                return Ok(false);
            }
            // Removal must not reach through a mount.
            unmount(&self.mountpoint(name)).map_err(fault)?;
            fs::rename(self.root.join(name.as_str()), &gone).map_err(fault)?;
            volumes.remove(name);
        }
        fs::remove_dir_all(&gone).map_err(fault)?;
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VolumeName, Volume>> {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether prune takes it without being told to take all.
pub(crate) fn is_anonymous(record: &VolumeRecord) -> bool {
    record
        .labels
        .as_ref()
        .is_some_and(|labels| labels.contains_key(ANONYMOUS))
}

/// Bytes of files below `root`, each content once. Stays on one file system and follows no link.
pub(crate) fn tree_size(root: &Path) -> io::Result<i64> {
    let device = fs::symlink_metadata(root)?.dev();
    let mut seen = HashSet::new();
    let mut pending = vec![root.to_owned()];
    let mut size = 0_u64;
    while let Some(directory) = pending.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            // Containers remove things while we look.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                if metadata.dev() == device {
                    pending.push(entry.path());
                }
            } else if metadata.nlink() < 2 || seen.insert(metadata.ino()) {
                size = size.saturating_add(metadata.len());
            }
        }
    }
    Ok(i64::try_from(size).unwrap_or(i64::MAX))
}

fn create(root: &Path, record: &VolumeRecord, (uid, gid): (u32, u32)) -> io::Result<()> {
    let directory = root.join(record.name.as_str());
    let data = directory.join("_data");
    fs::create_dir_all(&data)?;
    if (uid, gid) != (0, 0) {
        chown(&data, Some(uid), Some(gid))?;
    }
    write_atomic(
        &directory.join(RECORD),
        &serde_json::to_vec(record)?,
        Durability::PowerLoss,
    )?;
    sync_directory(root)
}

fn read(directory: &Path) -> Option<VolumeRecord> {
    serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()
}

/// Removes what creating a volume left behind; anything with data in it is left to a person.
fn remove_leftover(path: &Path) {
    let removed = fs::remove_dir(path.join("_data")).and_then(|()| fs::remove_dir(path));
    if let Err(error) = removed {
        tracing::warn!(path = %path.display(), %error, "not a volume, left alone");
    }
}

const RECORD: &str = "volume.json";
/// How Docker marks volumes that nobody named.
const ANONYMOUS: &str = "com.docker.volume.anonymous";
