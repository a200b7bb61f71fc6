//! Without a cgroup of one's own nothing can be limited, and whoever asks for it is told.

use oci_spec::runtime::LinuxResources;

use super::CgroupError;

/// Refuses limits; resources that name none are fine. Device rules are not among them: where this
/// is used there are no device nodes but the host's, with the host's permissions.
pub(super) fn refuse(resources: &LinuxResources) -> Result<(), CgroupError> {
    let positive = |number: Option<i64>| number.is_some_and(|n| n > 0);
    let memory = resources.memory().as_ref().is_some_and(|memory| {
        [memory.limit(), memory.reservation(), memory.swap()]
            .into_iter()
            .any(positive)
    });
    let cpu = resources.cpu().as_ref().is_some_and(|cpu| {
        positive(cpu.quota())
            || cpu.shares().is_some_and(|shares| shares > 0)
            || cpu.cpus().as_ref().is_some_and(|set| !set.is_empty())
            || cpu.mems().as_ref().is_some_and(|set| !set.is_empty())
    });
    let pids = resources.pids().as_ref().is_some_and(|p| p.limit() > 0);
    let others = resources.block_io().is_some()
        || resources
            .hugepage_limits()
            .as_ref()
            .is_some_and(|l| !l.is_empty())
        || resources.unified().as_ref().is_some_and(|u| !u.is_empty());
    let asked = [
        (memory, "limiting memory"),
        (cpu, "limiting processor time"),
        (pids, "limiting the number of processes"),
        (others, "this limit"),
    ];
    match asked.into_iter().find(|(asked, _)| *asked) {
        Some((_, what)) => Err(CgroupError::NotDelegated(what)),
        None => Ok(()),
    }
}
