//! Counters of a cgroup, in the shape in which Docker's API shows them.

use std::collections::BTreeMap;

/// All counters of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processor time.
    pub cpu: CpuStats,
    /// Memory.
    pub memory: MemoryStats,
    /// Number of tasks.
    pub pids: PidsStats,
    /// Block devices.
    pub blkio: BlkioStats,
}

/// Processor time, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuStats {
    /// In total.
    pub total: u64,
    /// In user mode.
    pub user: u64,
    /// In the kernel.
    pub system: u64,
    /// In total for each processor; empty on v2, which does not count that.
    pub per_cpu: Vec<u64>,
    /// How often and how long the quota stopped it.
    pub throttling: Throttling,
}

/// What the processor quota did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Enforcement periods that have elapsed.
    pub periods: u64,
    /// Periods in which it was stopped.
    pub throttled_periods: u64,
    /// For how long it was stopped, in nanoseconds.
    pub throttled_time: u64,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// In use.
    pub usage: u64,
    /// The most that was in use; 0 if the kernel does not know.
    pub max_usage: u64,
    /// The limit; the machine's memory if there is none.
    pub limit: u64,
    /// How often the limit was hit.
    pub failures: u64,
    /// The lines of `memory.stat`.
    pub stats: BTreeMap<String, u64>,
}

/// Number of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PidsStats {
    /// Now.
    pub current: u64,
    /// At most; 0 means no limit.
    pub limit: u64,
}

/// Block devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlkioStats {
    /// Bytes by device and operation.
    pub service_bytes: Vec<BlkioEntry>,
    /// Operations by device and operation.
    pub serviced: Vec<BlkioEntry>,
}

/// One counter of one block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlkioEntry {
    /// Major number.
    pub major: u64,
    /// Minor number.
    pub minor: u64,
    /// `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total` on v1; `read`, `write` on v2.
    pub op: String,
    /// The count.
    pub value: u64,
}

/// The machine's memory in bytes, shown as limit where there is none.
pub(super) fn machine_memory() -> u64 {
    let info = rustix::system::sysinfo();
    info.totalram.saturating_mul(u64::from(info.mem_unit))
}
