//! `GET /containers/{id}/stats`

use std::collections::BTreeMap;

use futures_util::stream;
use lockgate_api::latest::stats as wire;
use lockgate_api::{Shape, encode};
use lockgate_engine::{
    BlkioEntry, BlkioStats, CpuStats, MemoryStats, NetworkStats, Stats, StatsQuery,
};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply::{self, JSON};

pub(crate) async fn stats(ask: &Ask) -> Result<Reply, Failure> {
    let (version, query) = (ask.version(), ask.query());
    let stream = query.flag_or("stream", true);
    let one_shot = version.since(41) && query.flag("one-shot");
    if stream && one_shot {
        return Err(Failure::invalid(
            "cannot have stream=true and one-shot=true",
        ));
    }
    let wanted = StatsQuery { stream, one_shot };
    let mut samples = ask.engine.containers().stats(ask.name(), wanted).await?;
    let encoded = move |sample: Stats| {
        let mut answer = sample_of(sample);
        answer.shape(version);
        encode(&answer)
    };
    if !stream {
        let sample = samples.next().await.map(encoded).unwrap_or_default();
        return Ok(reply::json_bytes(http::StatusCode::OK, sample));
    }
    let lines = stream::unfold(samples, move |mut samples| async move {
        let line = encoded(samples.next().await?);
        Some((Ok(line.into()), samples))
    });
    Ok(reply::streaming(JSON, lines))
}

fn sample_of(from: Stats) -> wire::Stats {
    let networks = from.networks.map(|networks| {
        networks
            .into_iter()
            .map(|(name, counters)| (name, network(&counters)))
            .collect()
    });
    wire::Stats {
        name: from.name,
        id: from.id.map(|id| id.to_string()).unwrap_or_default(),
        os_type: "linux".to_owned(),
        read: from.read,
        preread: from.preread,
        pids_stats: wire::PidsStats {
            current: from.pids_stats.current.unwrap_or_default(),
            limit: from.pids_stats.limit.unwrap_or_default(),
        },
        blkio_stats: blkio(from.blkio_stats),
        num_procs: from.num_procs,
        storage_stats: wire::StorageStats {},
        cpu_stats: cpu(from.cpu_stats),
        precpu_stats: cpu(from.precpu_stats),
        memory_stats: memory(from.memory_stats),
        networks,
    }
}

fn cpu(from: CpuStats) -> wire::CpuStats {
    wire::CpuStats {
        cpu_usage: wire::CpuUsage {
            total_usage: from.cpu_usage.total_usage,
            percpu_usage: from.cpu_usage.percpu_usage,
            usage_in_kernelmode: from.cpu_usage.usage_in_kernelmode,
            usage_in_usermode: from.cpu_usage.usage_in_usermode,
        },
        system_cpu_usage: from.system_cpu_usage.unwrap_or_default(),
        online_cpus: from.online_cpus.unwrap_or_default(),
        throttling_data: wire::ThrottlingData {
            periods: from.throttling_data.periods,
            throttled_periods: from.throttling_data.throttled_periods,
            throttled_time: from.throttling_data.throttled_time,
        },
    }
}

fn memory(from: MemoryStats) -> wire::MemoryStats {
    wire::MemoryStats {
        usage: from.usage.unwrap_or_default(),
        max_usage: from.max_usage.unwrap_or_default(),
        stats: from.stats.map(|stats| shown(&stats)),
        failcnt: from.failcnt.unwrap_or_default(),
        limit: from.limit.unwrap_or_default(),
    }
}

/// Of the kernel's counters those that dockerd shows, every one of them.
fn shown(all: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let value = |key: &str| all.get(key).copied().unwrap_or_default();
    if all.contains_key("anon") {
        return V2.map(|key| (key.to_owned(), value(key))).into();
    }
    let limits = V1_LIMITS.into_iter().map(str::to_owned);
    let own = V1.into_iter().map(str::to_owned);
    let total = V1.into_iter().map(|key| format!("total_{key}"));
    let keys = limits.chain(own).chain(total);
    keys.filter(|_| !all.is_empty())
        .map(|key| (key.clone(), value(&key)))
        .collect()
}

/// Counters of `memory.stat` of version 1, each also with `total_` before it.
const V1: [&str; 15] = [
    "active_anon",
    "active_file",
    "cache",
    "dirty",
    "inactive_anon",
    "inactive_file",
    "mapped_file",
    "pgfault",
    "pgmajfault",
    "pgpgin",
    "pgpgout",
    "rss",
    "rss_huge",
    "unevictable",
    "writeback",
];
const V1_LIMITS: [&str; 2] = ["hierarchical_memory_limit", "hierarchical_memsw_limit"];

/// Counters of `memory.stat` of version 2.
const V2: [&str; 31] = [
    "active_anon",
    "active_file",
    "anon",
    "anon_thp",
    "file",
    "file_dirty",
    "file_mapped",
    "file_writeback",
    "inactive_anon",
    "inactive_file",
    "kernel_stack",
    "pgactivate",
    "pgdeactivate",
    "pgfault",
    "pglazyfree",
    "pglazyfreed",
    "pgmajfault",
    "pgrefill",
    "pgscan",
    "pgsteal",
    "shmem",
    "slab",
    "slab_reclaimable",
    "slab_unreclaimable",
    "sock",
    "thp_collapse_alloc",
    "thp_fault_alloc",
    "unevictable",
    "workingset_activate",
    "workingset_nodereclaim",
    "workingset_refault",
];

fn blkio(from: BlkioStats) -> wire::BlkioStats {
    let entry = |from: BlkioEntry| wire::BlkioEntry {
        major: from.major,
        minor: from.minor,
        op: from.op,
        value: from.value,
    };
    let entries = |from: Option<Vec<BlkioEntry>>| {
        from.map(|entries| entries.into_iter().map(entry).collect::<Vec<_>>())
    };
    wire::BlkioStats {
        io_service_bytes_recursive: entries(from.io_service_bytes_recursive),
        io_serviced_recursive: entries(from.io_serviced_recursive),
        io_queue_recursive: entries(from.io_queue_recursive),
        io_service_time_recursive: entries(from.io_service_time_recursive),
        io_wait_time_recursive: entries(from.io_wait_time_recursive),
        io_merged_recursive: entries(from.io_merged_recursive),
        io_time_recursive: entries(from.io_time_recursive),
        sectors_recursive: entries(from.sectors_recursive),
    }
}

fn network(from: &NetworkStats) -> wire::NetworkStats {
    wire::NetworkStats {
        rx_bytes: from.rx_bytes,
        rx_packets: from.rx_packets,
        rx_errors: from.rx_errors,
        rx_dropped: from.rx_dropped,
        tx_bytes: from.tx_bytes,
        tx_packets: from.tx_packets,
        tx_errors: from.tx_errors,
        tx_dropped: from.tx_dropped,
    }
}
