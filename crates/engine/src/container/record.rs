//! What a container is, as it is kept on disk.
//!
//! ```text
//! D/containers/<id>/
//!   container.json   the record below; a directory without it was never answered and is removed
//!   state.json       RunState; absent for a container that never ran
//!   exit.json        written by the shim when the process ends
//!   hostname hosts resolv.conf
//!   <id>-json.log    written by the shim
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::container::{ContainerConfig, HostConfig, MountPoint};
use lockgate_types::network::EndpointSettings;
use lockgate_types::{ContainerId, ContainerName, Digest, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::RunState;

/// The version of the record's shape.
pub(crate) const SCHEMA: u32 = 1;

/// A container as it was created, or last changed by rename or update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) schema: u32,
    pub(crate) id: ContainerId,
    pub(crate) name: ContainerName,
    pub(crate) created: Timestamp,
    /// The image it was made from; `None` for one that was made from nothing.
    pub(crate) image: Option<Digest>,
    pub(crate) path: String,
    pub(crate) args: Vec<String>,
    pub(crate) config: ContainerConfig,
    pub(crate) host_config: HostConfig,
    /// The networks to join at start, by name.
    pub(crate) networks: BTreeMap<String, EndpointSettings>,
    pub(crate) mounts: Vec<MountRecord>,
}

/// One mount, resolved: what is shown, and what the runtime needs beyond that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MountRecord {
    pub(crate) point: MountPoint,
    /// Without the mounts below the source.
    pub(crate) non_recursive: bool,
    /// Read-only for the mounts below the source as well, or fail. What is read-only is so with
    /// all below it anyway, but for the next.
    pub(crate) read_only_recursive: bool,
    /// Read-only itself alone.
    pub(crate) read_only_non_recursive: bool,
    /// The path inside the volume or image that is shown, empty for all of it.
    pub(crate) subpath: String,
    /// The image that is shown.
    pub(crate) image: Option<Digest>,
    /// What of the host the source must be below, whatever links it goes through; `None` for anything.
    pub(crate) within: Option<Vec<PathBuf>>,
    /// The same of what a volume is made of.
    #[serde(default)]
    pub(crate) device_within: Option<Vec<PathBuf>>,
    /// Options of a tmpfs, such as `size=64m`.
    pub(crate) tmpfs_options: Vec<String>,
    /// The volume was made for this container and goes with it.
    pub(crate) anonymous: bool,
    /// Not listed by inspect (`HostConfig.Tmpfs`).
    pub(crate) hidden: bool,
    /// Do not fill an empty volume with what the image has in that place.
    pub(crate) no_copy: bool,
    /// For the volume, if it has to be made.
    pub(crate) volume_labels: Option<BTreeMap<String, String>>,
    /// For the volume's driver, if it has to be made.
    pub(crate) volume_options: Option<BTreeMap<String, String>>,
}

impl Record {
    /// Makes `directory` with the record in it; on return it outlives a loss of power.
    ///
    /// One sync does: the file systems that overlay works on commit the new names with the new
    /// file. The file is not renamed into place, because a torn one was never answered.
    pub(crate) fn create(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)?;
        let mut file = File::create_new(directory.join(RECORD))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()
    }

    /// Replaces the record.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        write_atomic(&directory.join(RECORD), &bytes, Durability::PowerLoss)
    }

    /// Reads the record, `None` if it is not there or torn: then it was never answered. Anything
    /// else that cannot be read is an error and stays.
    pub(crate) fn read(directory: &Path) -> io::Result<Option<Self>> {
        match fs::read(directory.join(RECORD)) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(record) => Ok(Some(record)),
                Err(error) if error.is_eof() => Ok(None),
                Err(error) => Err(error.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The command line as list shows it.
    pub(crate) fn command(&self) -> String {
        let mut text = self.path.clone();
        for arg in &self.args {
            text.push(' ');
            if arg.contains(' ') {
                text.push('\'');
                text.push_str(arg);
                text.push('\'');
            } else {
                text.push_str(arg);
            }
        }
        text
    }
}

impl RunState {
    /// Replaces `state.json`; readers see the old state or the new one.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        write_atomic(
            &directory.join(STATE),
            &serde_json::to_vec(self)?,
            Durability::Crash,
        )
    }

    /// Reads `state.json`; the state of a new container if there is none.
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        match fs::read(directory.join(STATE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

const RECORD: &str = "container.json";
const STATE: &str = "state.json";
/// The file in which the shim records the exit.
pub(crate) const EXIT: &str = "exit.json";
