//! cgroup v1: one hierarchy per controller.

mod limits;
pub(super) mod stats;

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::event::{EventfdFlags, eventfd};

pub(super) use limits::apply;

use super::layout::below;
use super::{Cgroup, CgroupError, file};

/// Makes the directories, with the cpusets without which no process may enter.
pub(super) fn create(cgroup: &Cgroup) -> Result<(), CgroupError> {
    let ancestors: Vec<&Path> = cgroup
        .path
        .ancestors()
        .filter(|p| p.parent().is_some())
        .collect();
    for hierarchy in &cgroup.layout.v1 {
        let has_cpusets = hierarchy.controllers.iter().any(|c| c == "cpuset");
        // Usually only the last directory is missing.
        if !has_cpusets && std::fs::create_dir(hierarchy.directory(&cgroup.path)).is_ok() {
            continue;
        }
        for path in ancestors.iter().rev() {
            let directory = hierarchy.directory(path);
            file::make_directory(&directory)?;
            if has_cpusets {
                inherit_cpusets(&directory, hierarchy.root(), path)?;
            }
        }
    }
    if let Some(root) = &cgroup.layout.unified {
        for path in ancestors.iter().rev() {
            file::make_directory(&below(root, path))?;
        }
    }
    Ok(())
}

/// Freezes or thaws, and waits until it is so.
pub(super) fn set_frozen(cgroup: &Cgroup, frozen: bool) -> Result<(), CgroupError> {
    let directory = cgroup
        .controller("freezer")
        .ok_or(CgroupError::Unsupported("freezer"))?;
    let wanted = if frozen { "FROZEN" } else { "THAWED" };
    let mut pause = 10_000;
    // A process that forks while it is frozen leaves the state at FREEZING until it is asked again.
    loop {
        file::write(&directory, "freezer.state", wanted)?;
        if file::read(&directory, "freezer.state")?.trim() == wanted {
            return Ok(());
        }
        if pause > 500_000_000 {
            file::write(&directory, "freezer.state", "THAWED")?;
            return Err(CgroupError::Unsupported("freezing these processes in time"));
        }
        file::sleep(pause);
        pause *= 2;
    }
}

/// An event counter that the kernel raises when a limit makes it kill.
pub(super) fn watch_memory(directory: &Path) -> Option<OwnedFd> {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let counter = eventfd(0, flags).ok()?;
    let control = std::fs::File::open(directory.join("memory.oom_control")).ok()?;
    let line = format!("{} {}", counter.as_raw_fd(), control.as_raw_fd());
    file::write(directory, "cgroup.event_control", &line).ok()?;
    Some(counter)
}

/// Whether the processes stand still.
pub(super) fn is_frozen(cgroup: &Cgroup) -> bool {
    let state = cgroup
        .controller("freezer")
        .map(|path| file::read(&path, "freezer.state"));
    state.is_some_and(|state| state.is_ok_and(|state| state.trim() != "THAWED"))
}

/// A new cpuset is empty; it gets its parent's processors and memory nodes.
fn inherit_cpusets(directory: &Path, root: &Path, path: &Path) -> Result<(), CgroupError> {
    let parent = below(root, path.parent().unwrap_or_else(|| Path::new("/")));
    for name in ["cpuset.cpus", "cpuset.mems"] {
        if file::read(directory, name)?.trim().is_empty() {
            file::write(directory, name, file::read(&parent, name)?.trim())?;
        }
    }
    Ok(())
}
