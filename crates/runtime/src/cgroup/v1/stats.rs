//! Counters of cgroup v1. A controller that is missing leaves zeros, as in Docker.

use std::path::Path;

use super::super::stats::{BlkioEntry, BlkioStats, CpuStats, MemoryStats, PidsStats, Stats};
use super::super::{Cgroup, file};

pub(in super::super) fn read(cgroup: &Cgroup) -> Stats {
    let mut stats = Stats::default();
    if let Some(directory) = cgroup.controller("cpuacct") {
        read_cpuacct(&directory, &mut stats.cpu);
    }
    if let Some(directory) = cgroup.controller("cpu") {
        let key = |name| {
            file::read_key(&directory, "cpu.stat", name)
                .ok()
                .flatten()
                .unwrap_or(0)
        };
        stats.cpu.throttling.periods = key("nr_periods");
        stats.cpu.throttling.throttled_periods = key("nr_throttled");
        stats.cpu.throttling.throttled_time = key("throttled_time");
    }
    if let Some(directory) = cgroup.controller("memory") {
        stats.memory = memory(&directory);
    }
    if let Some(directory) = cgroup.controller("pids") {
        let number = |name| {
            file::read_number(&directory, name)
                .ok()
                .flatten()
                .unwrap_or(0)
        };
        stats.pids = PidsStats {
            current: number("pids.current"),
            limit: number("pids.max"),
        };
    }
    if let Some(directory) = cgroup.controller("blkio") {
        stats.blkio = BlkioStats {
            service_bytes: blkio(&directory, "blkio.throttle.io_service_bytes_recursive"),
            serviced: blkio(&directory, "blkio.throttle.io_serviced_recursive"),
        };
    }
    stats
}

fn read_cpuacct(directory: &Path, cpu: &mut CpuStats) {
    cpu.total = file::read_number(directory, "cpuacct.usage")
        .ok()
        .flatten()
        .unwrap_or(0);
    let text = file::read(directory, "cpuacct.usage_percpu").unwrap_or_default();
    cpu.per_cpu = text
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    // Counted in ticks of which there are 100 in a second on every architecture we run on.
    let key = |name| {
        file::read_key(directory, "cpuacct.stat", name)
            .ok()
            .flatten()
            .unwrap_or(0)
    };
    cpu.user = key("user") * 10_000_000;
    cpu.system = key("system") * 10_000_000;
}

fn memory(directory: &Path) -> MemoryStats {
    let number = |name| {
        file::read_number(directory, name)
            .ok()
            .flatten()
            .unwrap_or(0)
    };
    let text = file::read(directory, "memory.stat").unwrap_or_default();
    MemoryStats {
        usage: number("memory.usage_in_bytes"),
        max_usage: number("memory.max_usage_in_bytes"),
        limit: number("memory.limit_in_bytes").min(super::super::stats::machine_memory()),
        failures: number("memory.failcnt"),
        stats: file::pairs(&text)
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    }
}

/// Lines `major:minor operation count`; the last one is a total without a device.
fn blkio(directory: &Path, name: &str) -> Vec<BlkioEntry> {
    let text = file::read(directory, name).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (major, minor) = fields.next()?.split_once(':')?;
            Some(BlkioEntry {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
                op: fields.next()?.to_owned(),
                value: fields.next()?.parse().ok()?,
            })
        })
        .collect()
}
