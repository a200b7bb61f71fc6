//! What is known of each container between two commands.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::Timestamp;
use oci_spec::runtime::Spec;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use super::{Global, OciError, failed};
use crate::cgroup::Cgroup;
use crate::create::Hooks;
use crate::spec::document;

/// The contents of `state.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) pid: i32,
    /// Tells this process from a later one with the same number: field 22 of `/proc/<pid>/stat`.
    pub(super) start_time: u64,
    pub(super) bundle: PathBuf,
    pub(super) root: PathBuf,
    pub(super) created: Timestamp,
    pub(super) cgroup: PathBuf,
    #[serde(deserialize_with = "document::spec")]
    pub(super) config: Spec,
}

/// A container's directory.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

impl Place {
    /// The place of an id, which must be a plain name.
    pub(super) fn of(global: &Global, id: &str) -> Result<Self, OciError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+.-".contains(&b);
        if id.is_empty() || id == "." || id == ".." || !id.bytes().all(plain) || id.len() > 255 {
            return Err(OciError::InvalidId(id.to_owned()));
        }
        Ok(Self(global.root.join(id)))
    }

    /// Makes it; it must be new.
    pub(super) fn make(&self) -> Result<(), OciError> {
        let parent = self.0.parent().unwrap_or_else(|| Path::new("/"));
        fs::create_dir_all(parent).map_err(failed("creating the root directory"))?;
        match fs::create_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OciError::Exists),
            result => result.map_err(failed("creating the container's directory")),
        }
    }

    pub(super) fn remove(&self) -> Result<(), OciError> {
        fs::remove_dir_all(&self.0).map_err(failed("removing the container's directory"))
    }

    /// The user who made it.
    pub(super) fn owner(&self) -> Option<u32> {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(&self.0).ok().map(|metadata| metadata.uid())
    }

    pub(super) fn fifo(&self) -> PathBuf {
        self.0.join("exec.fifo")
    }

    pub(super) fn read(&self) -> Result<Record, OciError> {
        match fs::read(self.0.join("state.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OciError::NotFound),
            Err(error) => Err(failed("reading the state")(error)),
            Ok(json) => serde_json::from_slice(&json).map_err(failed("reading the state")),
        }
    }

    pub(super) fn write(&self, record: &Record) -> Result<(), OciError> {
        let json = serde_json::to_vec(record).map_err(failed("writing the state"))?;
        write_atomic(&self.0.join("state.json"), &json, Durability::Crash)
            .map_err(failed("writing the state"))
    }

    pub(super) fn status(&self, record: &Record) -> Status {
        if start_time(record.pid) != Some(record.start_time) {
            Status::Stopped
        } else if self.fifo().exists() {
            Status::Created
        } else if Cgroup::open(&record.cgroup).is_ok_and(|cgroup| cgroup.is_frozen()) {
            Status::Paused
        } else {
            Status::Running
        }
    }
}

impl Record {
    /// The hooks of its specification.
    pub(super) fn hooks(&self) -> Hooks<'_> {
        Hooks {
            spec: &self.config,
            id: &self.id,
            bundle: &self.bundle,
        }
    }

    /// A handle on the init, if it is still the one.
    pub(super) fn open_init(&self) -> Result<OwnedFd, OciError> {
        let pid = Pid::from_raw(self.pid).ok_or(OciError::NotRunning)?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|_gone| OciError::NotRunning)?;
        if start_time(self.pid) == Some(self.start_time) {
            Ok(handle)
        } else {
            Err(OciError::NotRunning)
        }
    }
}

/// When a process was started, in ticks since boot; `None` for one that has ended.
pub(super) fn start_time(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}
