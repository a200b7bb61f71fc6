//! Control groups of containers, on cgroup v1 and v2.
//!
//! A container has one directory on v2, and one in each hierarchy on v1. Processes enter by
//! themselves: on v1 through descriptors of the `tasks` files into which the new process writes `0`
//! (docs/adr/0003-cgroup-v1-self-attach.md), on v2 by being born there.

mod file;
mod layout;
mod nowhere;
mod stats;
mod v1;
mod v2;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lockgate_sys::userns;
use lockgate_types::ErrorKind;
use oci_spec::runtime::LinuxResources;

pub use layout::Version;
pub use stats::{BlkioEntry, BlkioStats, CpuStats, MemoryStats, PidsStats, Stats, Throttling};

use crate::reason::{Reason, ignore};
use layout::Layout;

/// Why an operation on a cgroup failed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The host mounts no cgroups.
    #[error("no cgroup file system is mounted")]
    Missing,
    /// A file of the cgroup could not be used.
    #[error("cgroup file `{path}`: {}", Reason(source))]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The path would leave the cgroup file system.
    #[error("cgroup path must be absolute and without `..`: `{0}`")]
    Path(PathBuf),
    /// The kernel would take another number for it without a word.
    #[error("the {bound} allowed cpu-shares is {limit}")]
    Shares {
        /// minimum or maximum.
        bound: &'static str,
        /// The number.
        limit: u64,
    },
    /// An ordinary user without a cgroup of their own.
    #[error(
        "cgroup: {0} needs a cgroup, and none is delegated to this user; on a host with cgroup v2 start the \
         daemon as a systemd user service with Delegate=yes"
    )]
    NotDelegated(&'static str),
    /// The host cannot do that.
    #[error("cgroup: {0} is not supported by this host")]
    Unsupported(&'static str),
}

impl CgroupError {
    /// Whose fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::NotDelegated(_) | Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Path(_) | Self::Shares { .. } => ErrorKind::InvalidInput,
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
    layout: &'static Layout,
    path: PathBuf,
}

/// How a new process gets into a cgroup; made before the process is.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Files of v1 into which the process writes `0`.
    pub(crate) tasks: Vec<OwnedFd>,
    /// A directory of v2 that it is born into.
    pub(crate) born_into: Option<OwnedFd>,
}

impl Entrance {
    /// Lets the calling process, which has one thread, enter on v1.
    pub(crate) fn enter(&self) -> io::Result<()> {
        for tasks in &self.tasks {
            rustix::io::write(tasks, b"0")?;
        }
        Ok(())
    }
}

impl Cgroup {
    /// A handle on the cgroup `path` (such as `/lockgate/<id>`), which need not exist.
    pub fn open(path: &Path) -> Result<Self, CgroupError> {
        use std::path::Component;
        let plain = |c: Component<'_>| matches!(c, Component::RootDir | Component::Normal(_));
        if !path.is_absolute() || !path.components().all(plain) || path == Path::new("/") {
            return Err(CgroupError::Path(path.to_owned()));
        }
        let layout = layout::of_this_host()?;
        let ours = !userns::is_nested() || layout.lets_us_write(path);
        Ok(Self {
            layout: if ours { layout } else { &layout::NOWHERE },
            path: path.to_owned(),
        })
    }

    /// Whether there is a cgroup at all: an ordinary user has one only where it was delegated. Without,
    /// processes stay where they are, nothing is limited and nothing counted.
    pub fn is_somewhere(&self) -> bool {
        !std::ptr::eq(self.layout, &raw const layout::NOWHERE)
    }

    /// Makes the cgroup with these limits; after a failure it is gone again.
    pub fn create(path: &Path, resources: Option<&LinuxResources>) -> Result<Self, CgroupError> {
        let cgroup = Self::open(path)?;
        cgroup.make(resources).inspect_err(|_| {
            // The first error is the one to tell.
            drop(cgroup.delete());
        })?;
        Ok(cgroup)
    }

    /// The interface in use.
    pub fn version(&self) -> Version {
        self.layout.version
    }

    /// The path below the cgroup file systems.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it exists (in the first hierarchy).
    pub fn exists(&self) -> bool {
        self.directories()
            .next()
            .is_some_and(|directory| directory.is_dir())
    }

    /// The counters that `docker stats` shows.
    pub fn stats(&self) -> Result<Stats, CgroupError> {
        match self.layout.version {
            Version::V1 => Ok(v1::stats::read(self)),
            Version::V2 => v2::stats::read(&self.unified()),
        }
    }

    /// The ids of all processes in it and below, as the host sees them.
    pub fn procs(&self) -> Result<Vec<i32>, CgroupError> {
        let mut pids = Vec::new();
        if let Some(directory) = self.directories().next() {
            file::for_each_directory(&directory, &mut |directory| {
                let text = file::read(directory, "cgroup.procs")?;
                pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
                Ok(())
            })?;
        }
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }

    /// Changes the limits that `resources` names.
    pub fn update(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        if !self.is_somewhere() {
            return nowhere::refuse(resources);
        }
        match self.layout.version {
            Version::V1 => v1::apply(self, resources),
            Version::V2 => v2::apply(&self.unified(), resources),
        }
    }

    /// Stops all processes; returns when they have stopped.
    pub fn freeze(&self) -> Result<(), CgroupError> {
        if !self.is_somewhere() {
            return Err(CgroupError::NotDelegated("pausing"));
        }
        match self.layout.version {
            Version::V1 => v1::set_frozen(self, true),
            Version::V2 => v2::set_frozen(&self.unified(), true),
        }
    }

    /// Lets frozen processes go on.
    pub fn thaw(&self) -> Result<(), CgroupError> {
        match self.layout.version {
            Version::V1 => v1::set_frozen(self, false),
            Version::V2 => v2::set_frozen(&self.unified(), false),
        }
    }

    /// Whether it is frozen.
    pub fn is_frozen(&self) -> bool {
        match self.layout.version {
            Version::V1 => v1::is_frozen(self),
            Version::V2 => v2::is_frozen(&self.unified()),
        }
    }

    /// How many processes the kernel has killed here for want of memory.
    pub fn oom_kills(&self) -> Result<u64, CgroupError> {
        let (directory, name) = match self.layout.version {
            Version::V1 => (self.controller("memory"), "memory.oom_control"),
            Version::V2 => (Some(self.unified()), "memory.events"),
        };
        let Some(directory) = directory else {
            return Ok(0);
        };
        Ok(file::read_key(&directory, name, "oom_kill")?.unwrap_or(0))
    }

    /// A descriptor that becomes readable when the kernel runs out of memory here; [`Self::oom_kills`] tells
    /// whether it killed. `None` if the host cannot tell.
    pub(crate) fn watch_memory(&self) -> Option<OwnedFd> {
        match self.layout.version {
            Version::V1 => v1::watch_memory(&self.controller("memory")?),
            Version::V2 => v2::watch_memory(&self.unified()),
        }
    }

    /// Removes the directories, with those that the container made in them. What is gone already is
    /// no error. A process that is still about to leave is waited for, a second at most.
    pub fn delete(&self) -> Result<(), CgroupError> {
        let mut result = Ok(());
        for directory in self.directories() {
            if let Err(error) = file::remove_tree(&directory) {
                result = Err(error);
            }
        }
        result
    }

    /// Removes the directories if nothing is in them.
    pub fn remove_if_empty(&self) {
        for directory in self.directories() {
            // Fails where others have cgroups or processes in it: then it stays.
            ignore(std::fs::remove_dir(&directory));
        }
    }

    /// Opens what a new process needs to enter.
    pub(crate) fn entrance(&self) -> Result<Entrance, CgroupError> {
        let tasks = self.layout.v1.iter().map(|hierarchy| {
            let directory = hierarchy.directory(&self.path);
            file::open_for_writing(&directory, "tasks")
        });
        let tasks = tasks.collect::<Result<_, _>>()?;
        let born_into = self.layout.unified.as_ref();
        let born_into =
            born_into.map(|root| file::open_directory(&layout::below(root, &self.path)));
        Ok(Entrance {
            tasks,
            born_into: born_into.transpose()?,
        })
    }

    /// Its directories with their controllers, as the container is to see them.
    pub(crate) fn views(&self) -> Vec<(&[String], PathBuf)> {
        let v1 = self.layout.v1.iter();
        let mut views: Vec<(&[String], PathBuf)> = v1
            .map(|h| (h.controllers.as_slice(), h.directory(&self.path)))
            .collect();
        if self.layout.version == Version::V2 {
            views.push((&[], self.unified()));
        }
        views
    }

    fn make(&self, resources: Option<&LinuxResources>) -> Result<(), CgroupError> {
        if !self.is_somewhere() {
            return resources.map_or(Ok(()), nowhere::refuse);
        }
        match self.layout.version {
            Version::V1 => v1::create(self)?,
            Version::V2 => v2::create(self)?,
        }
        resources.map_or(Ok(()), |resources| match self.layout.version {
            Version::V1 => v1::apply(self, resources),
            Version::V2 => {
                v2::apply(&self.unified(), resources)?;
                if userns::is_nested() {
                    // Device programs are for the host's root. There are no nodes but bound ones.
                    return Ok(());
                }
                v2::devices::apply(&self.unified(), resources.devices().as_deref())
            }
        })
    }

    /// Its directory in each hierarchy.
    fn directories(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let v1 = self
            .layout
            .v1
            .iter()
            .map(|hierarchy| hierarchy.directory(&self.path));
        v1.chain(
            self.layout
                .unified
                .iter()
                .map(|root| layout::below(root, &self.path)),
        )
    }

    /// Its directory in the v1 hierarchy of a controller.
    fn controller(&self, name: &str) -> Option<PathBuf> {
        let hierarchy = self
            .layout
            .v1
            .iter()
            .find(|h| h.controllers.iter().any(|c| c == name))?;
        Some(hierarchy.directory(&self.path))
    }

    /// Its directory in the v2 hierarchy.
    fn unified(&self) -> PathBuf {
        layout::below(
            self.layout
                .unified
                .as_deref()
                .unwrap_or_else(|| Path::new("/")),
            &self.path,
        )
    }
}

#[cfg(test)]
mod tests;
