//! Facts about this host and its processes.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use tokio::io::unix::AsyncFd;

use lockgate_runtime::cgroup::Cgroup;

use crate::limits::Limits;

/// What does not change while the engine runs.
#[derive(Clone, Debug)]
pub(crate) struct HostFacts {
    /// Processes are controlled by cgroup v1 (also "hybrid").
    pub(crate) is_cgroup_v1: bool,
    /// Whether containers get cgroups at all.
    pub(crate) has_cgroups: bool,
    /// What its cgroups can limit.
    pub(crate) limits: Limits,
    /// This boot, so that a process id of another boot is not taken for one of this.
    pub(crate) boot_id: String,
}

impl HostFacts {
    /// `cgroup_parent` is where the containers' cgroups are made.
    pub(crate) fn read(cgroup_parent: &Path) -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let root = Path::new("/sys/fs/cgroup");
        let is_cgroup_v1 = !root.join("cgroup.controllers").exists();
        let parent = Cgroup::open(cgroup_parent).ok();
        let has_cgroups = parent.is_none_or(|parent| parent.is_somewhere());
        let limits = match (has_cgroups, is_cgroup_v1) {
            (false, _) => Limits::default(),
            (true, true) => Limits::read(root, true),
            // What was delegated to a user may be less than the host has.
            (true, false) => Limits::read(&nearest(root, cgroup_parent), false),
        };
        Self {
            is_cgroup_v1,
            has_cgroups,
            limits,
            boot_id: boot_id.trim().to_owned(),
        }
    }
}

/// The nearest directory that there is of the cgroup `path`.
fn nearest(root: &Path, path: &Path) -> PathBuf {
    let path = root.join(path.strip_prefix("/").unwrap_or(path));
    let found = path
        .ancestors()
        .find(|path| path.join("cgroup.controllers").exists());
    found.unwrap_or(root).to_owned()
}

/// Lets a task wait for a descriptor of the kernel's (a pidfd, an inotify instance).
#[expect(
    deprecated,
    reason = "the successor is unsafe for types whose descriptor may change; an OwnedFd's cannot"
)]
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(descriptor)
}

/// When a process was started, in clock ticks since boot; `None` if there is none of that id, or
/// it has ended and waits to be reaped.
pub(crate) fn process_start(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, so fields count from the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_start() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(process_start(pid).is_some_and(|ticks| ticks > 0));
        assert_eq!(process_start(-1), None);
    }
}
