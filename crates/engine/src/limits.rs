//! Which limits the cgroups of this host know.
//!
//! Asked once when the engine opens. A limit that is not here is refused or discarded with a warning
//! when a container is created, as dockerd does, and never fails later or is forgotten.

use std::path::Path;

/// What can be limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) memory: bool,
    pub(crate) swap: bool,
    pub(crate) reservation: bool,
    pub(crate) swappiness: bool,
    pub(crate) oom_kill_disable: bool,
    pub(crate) kernel_memory_tcp: bool,
    pub(crate) pids: bool,
    pub(crate) shares: bool,
    pub(crate) cfs: bool,
    pub(crate) realtime: bool,
    pub(crate) cpuset: bool,
    pub(crate) weight: bool,
    pub(crate) weight_device: bool,
    pub(crate) read_bps: bool,
    pub(crate) write_bps: bool,
    pub(crate) read_iops: bool,
    pub(crate) write_iops: bool,
}

impl Limits {
    /// Looks below the place where cgroups are mounted, `/sys/fs/cgroup`.
    pub(crate) fn read(root: &Path, is_v1: bool) -> Self {
        if is_v1 {
            Self::v1(root)
        } else {
            Self::v2(root)
        }
    }

    fn v1(root: &Path) -> Self {
        let has = |file: &str| root.join(file).exists();
        Self {
            memory: has("memory"),
            swap: has("memory/memory.memsw.limit_in_bytes"),
            reservation: has("memory/memory.soft_limit_in_bytes"),
            swappiness: has("memory/memory.swappiness"),
            oom_kill_disable: has("memory/memory.oom_control"),
            kernel_memory_tcp: has("memory/memory.kmem.tcp.limit_in_bytes"),
            pids: has("pids"),
            shares: has("cpu/cpu.shares"),
            cfs: has("cpu/cpu.cfs_quota_us"),
            realtime: has("cpu/cpu.rt_period_us"),
            cpuset: has("cpuset"),
            // What the BFQ scheduler adds has other names and works on its devices alone.
            weight: has("blkio/blkio.weight"),
            weight_device: has("blkio/blkio.weight_device"),
            read_bps: has("blkio/blkio.throttle.read_bps_device"),
            write_bps: has("blkio/blkio.throttle.write_bps_device"),
            read_iops: has("blkio/blkio.throttle.read_iops_device"),
            write_iops: has("blkio/blkio.throttle.write_iops_device"),
        }
    }

    fn v2(root: &Path) -> Self {
        let controllers = std::fs::read_to_string(root.join("cgroup.controllers"));
        let controllers = controllers.unwrap_or_default();
        let has = |name: &str| controllers.split_whitespace().any(|known| known == name);
        let (memory, cpu, io) = (has("memory"), has("cpu"), has("io"));
        Self {
            memory,
            swap: memory,
            reservation: memory,
            // These three are gone with v1.
            swappiness: false,
            oom_kill_disable: false,
            kernel_memory_tcp: false,
            pids: has("pids"),
            shares: cpu,
            cfs: cpu,
            realtime: false,
            cpuset: has("cpuset"),
            weight: io,
            weight_device: io,
            read_bps: io,
            write_bps: io,
            read_iops: io,
            write_iops: io,
        }
    }

    /// Everything, for tests.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self {
        memory: true,
        swap: true,
        reservation: true,
        swappiness: true,
        oom_kill_disable: true,
        kernel_memory_tcp: true,
        pids: true,
        shares: true,
        cfs: true,
        realtime: true,
        cpuset: true,
        weight: true,
        weight_device: true,
        read_bps: true,
        write_bps: true,
        read_iops: true,
        write_iops: true,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_v2_limits_by_controller() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        let limits = Limits::read(root.path(), false);
        assert!(limits.memory && limits.pids && limits.cfs);
        assert!(!limits.weight && !limits.swappiness && !limits.realtime && !limits.cpuset);
    }

    #[test]
    fn a_host_of_v1_limits_by_file() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Limits::read(root.path(), true), Limits::default());
        std::fs::create_dir(root.path().join("blkio")).unwrap();
        std::fs::write(root.path().join("blkio/blkio.bfq.weight"), "").unwrap();
        assert!(!Limits::read(root.path(), true).weight);
        std::fs::write(root.path().join("blkio/blkio.weight"), "").unwrap();
        assert!(Limits::read(root.path(), true).weight);
    }
}
