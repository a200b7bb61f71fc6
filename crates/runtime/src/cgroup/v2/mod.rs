//! cgroup v2: one hierarchy with all controllers.

pub(super) mod devices;
pub(super) mod stats;

use std::os::fd::OwnedFd;
use std::path::Path;

use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources, LinuxThrottleDevice,
};

use super::layout::below;
use super::{Cgroup, CgroupError, file};

/// Makes the directory, with all controllers handed down to it.
pub(super) fn create(cgroup: &Cgroup) -> Result<(), CgroupError> {
    let root = cgroup
        .layout
        .unified
        .as_deref()
        .ok_or(CgroupError::Missing)?;
    let ancestors: Vec<&Path> = cgroup.path.ancestors().collect();
    for pair in ancestors.windows(2).rev() {
        let [child, parent] = pair else { continue };
        hand_down(&below(root, parent))?;
        file::make_directory(&below(root, child))?;
    }
    Ok(())
}

/// Writes the limits that are named, except the device rules.
pub(super) fn apply(directory: &Path, resources: &LinuxResources) -> Result<(), CgroupError> {
    if let Some(memory) = resources.memory() {
        apply_memory(directory, memory)?;
    }
    if let Some(cpu) = resources.cpu() {
        apply_cpu(directory, cpu)?;
    }
    if let Some(limit) = resources
        .pids()
        .as_ref()
        .map(LinuxPids::limit)
        .filter(|l| *l != 0)
    {
        file::write(directory, "pids.max", &or_max(limit))?;
    }
    if let Some(blkio) = resources.block_io() {
        apply_io(directory, blkio)?;
    }
    for limit in resources.hugepage_limits().iter().flatten() {
        let name = format!("hugetlb.{}.max", limit.page_size());
        file::write(directory, &name, &limit.limit().to_string())?;
    }
    let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
    unified.sort();
    for (name, value) in unified {
        if name.contains('/') {
            return Err(CgroupError::Unsupported("unified (a name with a slash)"));
        }
        file::write(directory, name, value)?;
    }
    Ok(())
}

/// Freezes or thaws, and waits until it is so.
pub(super) fn set_frozen(directory: &Path, frozen: bool) -> Result<(), CgroupError> {
    file::write(directory, "cgroup.freeze", if frozen { "1" } else { "0" })?;
    let mut pause = 10_000;
    while file::read_key(directory, "cgroup.events", "frozen")? != Some(u64::from(frozen)) {
        if pause > 500_000_000 {
            file::write(directory, "cgroup.freeze", "0")?;
            return Err(CgroupError::Unsupported("freezing these processes in time"));
        }
        file::sleep(pause);
        pause *= 2;
    }
    Ok(())
}

/// A descriptor that is readable when the counters of memory events have changed.
pub(super) fn watch_memory(directory: &Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    inotify::add_watch(&watch, directory.join("memory.events"), WatchFlags::MODIFY).ok()?;
    Some(watch)
}

/// Whether the processes stand still.
pub(super) fn is_frozen(directory: &Path) -> bool {
    file::read_key(directory, "cgroup.events", "frozen").is_ok_and(|frozen| frozen == Some(1))
}

/// `cpu.weight` (1 to 10000) for v1's shares (2 to 262144).
pub(super) fn weight_from_shares(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

fn apply_memory(directory: &Path, memory: &LinuxMemory) -> Result<(), CgroupError> {
    let limit = memory.limit().filter(|l| *l != 0);
    file::write_some(directory, "memory.max", limit.map(or_max))?;
    let reservation = memory.reservation().filter(|r| *r != 0);
    file::write_some(directory, "memory.low", reservation.map(or_max))?;
    // The specification counts memory and swap together, the kernel swap alone.
    let swap = memory.swap().filter(|s| *s != 0).map(|swap| match limit {
        Some(limit) if swap > 0 && limit > 0 => (swap - limit).max(0),
        _ => swap,
    });
    if directory.join("memory.swap.max").exists() {
        file::write_some(directory, "memory.swap.max", swap.map(or_max))?;
    }
    Ok(())
}

fn apply_cpu(directory: &Path, cpu: &LinuxCpu) -> Result<(), CgroupError> {
    let weight = cpu.shares().filter(|s| *s != 0).map(weight_from_shares);
    file::write_some(directory, "cpu.weight", weight)?;
    file::write_some(directory, "cpu.idle", cpu.idle())?;
    let (quota, period) = (
        cpu.quota().filter(|q| *q != 0),
        cpu.period().filter(|p| *p != 0),
    );
    if quota.is_some() || period.is_some() {
        let quota = or_max(quota.unwrap_or(-1));
        file::write(
            directory,
            "cpu.max",
            &format!("{quota} {}", period.unwrap_or(100_000)),
        )?;
    }
    file::write_some(directory, "cpu.max.burst", cpu.burst())?;
    for (name, value) in [("cpuset.cpus", cpu.cpus()), ("cpuset.mems", cpu.mems())] {
        file::write_some(directory, name, value.as_ref().filter(|v| !v.is_empty()))?;
    }
    Ok(())
}

fn apply_io(directory: &Path, blkio: &LinuxBlockIo) -> Result<(), CgroupError> {
    if let Some(weight) = blkio.weight().filter(|w| *w != 0) {
        if directory.join("io.bfq.weight").exists() {
            file::write(directory, "io.bfq.weight", &weight.to_string())?;
        } else {
            // 10 to 1000 becomes 1 to 10000.
            let weight = 1 + (u64::from(weight).max(10) - 10) * 9999 / 990;
            file::write(directory, "io.weight", &weight.to_string())?;
        }
    }
    for entry in blkio.weight_device().iter().flatten() {
        let line = format!(
            "{}:{} {}",
            entry.major(),
            entry.minor(),
            entry.weight().unwrap_or(0)
        );
        file::write(directory, "io.bfq.weight", &line)?;
    }
    let lists: [(&str, &Option<Vec<LinuxThrottleDevice>>); 4] = [
        ("rbps", blkio.throttle_read_bps_device()),
        ("wbps", blkio.throttle_write_bps_device()),
        ("riops", blkio.throttle_read_iops_device()),
        ("wiops", blkio.throttle_write_iops_device()),
    ];
    for (key, list) in lists {
        for entry in list.iter().flatten() {
            let line = format!("{}:{} {key}={}", entry.major(), entry.minor(), entry.rate());
            file::write(directory, "io.max", &line)?;
        }
    }
    Ok(())
}

/// Lets the children of a directory have all controllers that it has.
fn hand_down(directory: &Path) -> Result<(), CgroupError> {
    let available = file::read(directory, "cgroup.controllers")?;
    let enabled = file::read(directory, "cgroup.subtree_control")?;
    let enabled: Vec<&str> = enabled.split_whitespace().collect();
    for controller in available
        .split_whitespace()
        .filter(|c| !enabled.contains(c))
    {
        // One that refuses (a real-time task, a threaded child) is missed only if a limit needs it,
        // and then the file that is missing is named.
        drop(file::write(
            directory,
            "cgroup.subtree_control",
            &format!("+{controller}"),
        ));
    }
    Ok(())
}

/// Negative numbers mean no limit.
fn or_max(value: i64) -> String {
    if value < 0 {
        "max".to_owned()
    } else {
        value.to_string()
    }
}
