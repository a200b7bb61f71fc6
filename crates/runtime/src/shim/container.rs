//! The container of a shim.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::external::External;
use crate::cgroup::Cgroup;
use crate::create::{CreateError, Prepared};
use crate::protocol::ExitRecord;
use crate::spec::{CONFIG_FILE, document};

/// The container, from its creation on.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) bundle: PathBuf,
    pub(super) maker: Maker,
    /// The namespaces that it does not share with the host.
    pub(super) namespaces: Vec<LinuxNamespaceType>,
    pub(super) cgroup: Cgroup,
    pub(super) started_at: Option<Timestamp>,
    pub(super) paused: bool,
    pub(super) oom_killed: bool,
    pub(super) exit: Option<ExitRecord>,
    /// Readable when the kernel runs out of memory for the container; only with a limit.
    pub(super) memory_watch: Option<OwnedFd>,
    seen_oom_kills: u64,
    /// Keeps the container's mounts until the shim ends, so that taking them down (an overlay syncs its
    /// upper file system then) delays neither the init's end nor the news of it.
    mounts: Option<OwnedFd>,
}

/// Who made it.
#[derive(Debug)]
pub(super) enum Maker {
    /// This process; the init waits in there until it is started.
    Native(Option<Prepared>),
    External(External),
}

impl Container {
    pub(super) fn new(bundle: PathBuf, maker: Maker, spec: &Spec, cgroup: Cgroup) -> Self {
        let list = spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.namespaces().as_deref());
        let namespaces = list
            .unwrap_or(&[])
            .iter()
            .map(oci_spec::runtime::LinuxNamespace::typ);
        let resources = spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.resources().as_ref());
        let memory = resources.and_then(|resources| resources.memory().as_ref());
        let is_limited = memory.is_some_and(|memory| memory.limit().is_some_and(|l| l > 0));
        let memory_watch = if is_limited {
            cgroup.watch_memory()
        } else {
            None
        };
        Self {
            bundle,
            maker,
            namespaces: namespaces.collect(),
            cgroup,
            started_at: None,
            paused: false,
            oom_killed: false,
            exit: None,
            memory_watch,
            seen_oom_kills: 0,
            mounts: None,
        }
    }

    /// Takes notice of what the memory watch tells.
    pub(super) fn read_memory_watch(&self) {
        let Some(watch) = &self.memory_watch else {
            return;
        };
        let mut buffer = [0; 1024];
        while rustix::io::read(watch, &mut buffer).is_ok_and(|count| count > 0) {}
    }

    /// Keeps the mount namespace of a process for as long as this container is known.
    pub(super) fn hold_mounts_of(&mut self, pid: i32) {
        self.mounts = std::fs::File::open(format!("/proc/{pid}/ns/mnt"))
            .ok()
            .map(OwnedFd::from);
    }

    /// Whether the kernel has killed a process for want of memory since the last time.
    pub(super) fn take_oom(&mut self) -> bool {
        let kills = self.cgroup.oom_kills().unwrap_or(self.seen_oom_kills);
        let more = kills > self.seen_oom_kills;
        self.seen_oom_kills = kills;
        self.oom_killed |= more;
        more
    }

    /// Without a pid namespace of its own the container's processes outlive its init, until now.
    pub(super) fn kill_leftovers(&self) {
        if self.namespaces.contains(&LinuxNamespaceType::Pid) {
            return;
        }
        self.signal_all(9);
    }

    /// Sends a signal to every process of the container.
    pub(super) fn signal_all(&self, signal: i32) {
        for pid in self.cgroup.procs().unwrap_or_default() {
            // It may have ended meanwhile.
            drop(lockgate_sys::signal::send(pid, signal));
        }
    }

    /// Removes what the container leaves on the host.
    pub(super) fn clean_up(&self) {
        if let Maker::External(external) = &self.maker
            && let Err(error) = external.delete()
        {
            super::note(&format!("delete: {error}"));
        }
        if let Err(error) = self.cgroup.delete() {
            super::note(&format!("{error}"));
        }
    }
}

/// Reads the specification of a bundle.
pub(super) fn read_spec(bundle: &Path) -> Result<Spec, CreateError> {
    let path = bundle.join(CONFIG_FILE);
    document::load(&path).map_err(|source| CreateError::Config { path, source })
}
