//! Taking one sample. Everything here blocks.

use std::collections::BTreeMap;
use std::fs;

use lockgate_runtime::cgroup::{self, Cgroup, Version};
use lockgate_types::Timestamp;

use super::view::{
    BlkioEntry, BlkioStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, Stats,
    ThrottlingData,
};
use crate::config::EngineConfig;
use crate::container::handle::Facts;
use crate::container::spec::cgroup_path;

/// The usage of a running container; `None` if it does not run.
pub(super) fn take(engine: &EngineConfig, facts: &Facts) -> Option<Stats> {
    if !facts.state.status.has_process() {
        return None;
    }
    let cgroup = Cgroup::open(&cgroup_path(engine, &facts.record)).ok()?;
    let counters = match cgroup.stats() {
        Ok(counters) => counters,
        Err(error) => {
            tracing::debug!(%error, "cannot read a cgroup");
            return None;
        }
    };
    let is_v1 = cgroup.version() == Version::V1;
    let shares_host = facts.record.host_config.network_mode == "host";
    Some(Stats {
        read: Timestamp::now(),
        pids_stats: PidsStats {
            current: Some(counters.pids.current),
            limit: (counters.pids.limit > 0).then_some(counters.pids.limit),
        },
        blkio_stats: blkio(&counters.blkio, is_v1),
        cpu_stats: cpu(counters.cpu),
        memory_stats: memory(counters.memory, is_v1),
        networks: if shares_host {
            None
        } else {
            networks(facts.state.pid)
        },
        ..zero()
    })
}

/// What is shown of a container that does not run.
pub(super) fn zero() -> Stats {
    Stats {
        name: String::new(),
        id: None,
        read: Timestamp::ZERO,
        preread: Timestamp::ZERO,
        pids_stats: PidsStats::default(),
        blkio_stats: BlkioStats::default(),
        num_procs: 0,
        storage_stats: BTreeMap::new(),
        cpu_stats: CpuStats::default(),
        precpu_stats: CpuStats::default(),
        memory_stats: MemoryStats::default(),
        networks: None,
    }
}

fn cpu(cpu: cgroup::CpuStats) -> CpuStats {
    CpuStats {
        cpu_usage: CpuUsage {
            total_usage: cpu.total,
            percpu_usage: (!cpu.per_cpu.is_empty()).then_some(cpu.per_cpu),
            usage_in_kernelmode: cpu.system,
            usage_in_usermode: cpu.user,
        },
        system_cpu_usage: system_time(),
        online_cpus: std::thread::available_parallelism()
            .ok()
            .and_then(|count| u32::try_from(count.get()).ok()),
        throttling_data: ThrottlingData {
            periods: cpu.throttling.periods,
            throttled_periods: cpu.throttling.throttled_periods,
            throttled_time: cpu.throttling.throttled_time,
        },
    }
}

/// Processor time of the whole host in nanoseconds: the first seven columns, as dockerd counts.
fn system_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: u64 = line
        .split_whitespace()
        .take(7)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(ticks.saturating_mul(1_000_000_000) / per_second)
}

fn memory(memory: cgroup::MemoryStats, is_v1: bool) -> MemoryStats {
    MemoryStats {
        usage: Some(memory.usage),
        max_usage: is_v1.then_some(memory.max_usage),
        stats: Some(memory.stats),
        failcnt: (memory.failures > 0).then_some(memory.failures),
        limit: Some(memory.limit),
    }
}

fn blkio(blkio: &cgroup::BlkioStats, is_v1: bool) -> BlkioStats {
    let entries = |entries: &[cgroup::BlkioEntry]| -> Option<Vec<BlkioEntry>> {
        let list: Vec<BlkioEntry> = entries
            .iter()
            .map(|entry| BlkioEntry {
                major: entry.major,
                minor: entry.minor,
                op: entry.op.clone(),
                value: entry.value,
            })
            .collect();
        (is_v1 || !list.is_empty()).then_some(list)
    };
    let empty = || is_v1.then(Vec::new);
    BlkioStats {
        io_service_bytes_recursive: entries(&blkio.service_bytes),
        io_serviced_recursive: entries(&blkio.serviced),
        io_queue_recursive: empty(),
        io_service_time_recursive: empty(),
        io_wait_time_recursive: empty(),
        io_merged_recursive: empty(),
        io_time_recursive: empty(),
        sectors_recursive: empty(),
    }
}

/// The counters of a process's network interfaces, without loopback.
fn networks(pid: i32) -> Option<BTreeMap<String, NetworkStats>> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/dev")).ok()?;
    let interfaces: BTreeMap<String, NetworkStats> =
        text.lines().skip(2).filter_map(interface).collect();
    (!interfaces.is_empty()).then_some(interfaces)
}

fn interface(line: &str) -> Option<(String, NetworkStats)> {
    let (name, counters) = line.split_once(':')?;
    let name = name.trim();
    if name == "lo" {
        return None;
    }
    let counters: Vec<u64> = counters
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    let at = |index: usize| counters.get(index).copied().unwrap_or_default();
    let stats = NetworkStats {
        rx_bytes: at(0),
        rx_packets: at(1),
        rx_errors: at(2),
        rx_dropped: at(3),
        tx_bytes: at(8),
        tx_packets: at(9),
        tx_errors: at(10),
        tx_dropped: at(11),
    };
    Some((name.to_owned(), stats))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_read_from_proc() {
        let line = "  eth0: 862 11 0 0 0 0 0 0 126 3 0 0 0 0 0 0";
        let (name, stats) = interface(line).unwrap();
        assert_eq!(
            (name.as_str(), stats.rx_bytes, stats.tx_packets),
            ("eth0", 862, 3)
        );
        assert!(interface("    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0").is_none());
    }

    #[test]
    fn the_host_has_used_some_time() {
        assert!(system_time().is_some_and(|nanos| nanos > 0));
    }
}
