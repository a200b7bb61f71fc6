//! Counters of cgroup v2.

use std::path::Path;

use super::super::stats::{
    BlkioEntry, BlkioStats, CpuStats, MemoryStats, PidsStats, Stats, Throttling, machine_memory,
};
use super::super::{CgroupError, file};

pub(in super::super) fn read(directory: &Path) -> Result<Stats, CgroupError> {
    // This file exists with or without controllers; if it does not, the cgroup does not.
    let cpu = file::read(directory, "cpu.stat")?;
    let number = |name| file::read_number(directory, name).ok().flatten();
    Ok(Stats {
        cpu: cpu_stats(&cpu),
        memory: memory(directory),
        pids: PidsStats {
            current: number("pids.current").unwrap_or(0),
            limit: number("pids.max").unwrap_or(0),
        },
        blkio: blkio(&file::read(directory, "io.stat").unwrap_or_default()),
    })
}

fn cpu_stats(text: &str) -> CpuStats {
    let key = |name| {
        file::pairs(text)
            .find(|(k, _)| *k == name)
            .map_or(0, |(_, value)| value)
    };
    CpuStats {
        total: key("usage_usec") * 1000,
        user: key("user_usec") * 1000,
        system: key("system_usec") * 1000,
        per_cpu: Vec::new(),
        throttling: Throttling {
            periods: key("nr_periods"),
            throttled_periods: key("nr_throttled"),
            throttled_time: key("throttled_usec") * 1000,
        },
    }
}

fn memory(directory: &Path) -> MemoryStats {
    let number = |name| file::read_number(directory, name).ok().flatten();
    let text = file::read(directory, "memory.stat").unwrap_or_default();
    MemoryStats {
        usage: number("memory.current").unwrap_or(0),
        max_usage: 0,
        limit: number("memory.max")
            .unwrap_or(u64::MAX)
            .min(machine_memory()),
        failures: file::read_key(directory, "memory.events", "max")
            .ok()
            .flatten()
            .unwrap_or(0),
        stats: file::pairs(&text)
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    }
}

/// Lines `major:minor rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`.
fn blkio(text: &str) -> BlkioStats {
    let mut stats = BlkioStats::default();
    for line in text.lines() {
        let mut fields = line.split_whitespace();
        let device = fields.next().and_then(|device| device.split_once(':'));
        let Some((Ok(major), Ok(minor))) = device.map(|(a, b)| (a.parse(), b.parse())) else {
            continue;
        };
        for (key, value) in fields.filter_map(|field| field.split_once('=')) {
            let (list, op) = match key {
                "rbytes" => (&mut stats.service_bytes, "read"),
                "wbytes" => (&mut stats.service_bytes, "write"),
                "rios" => (&mut stats.serviced, "read"),
                "wios" => (&mut stats.serviced, "write"),
                _ => continue,
            };
            let value = value.parse().unwrap_or(0);
            list.push(BlkioEntry {
                major,
                minor,
                op: op.to_owned(),
                value,
            });
        }
    }
    stats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let cpu = cpu_stats("usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\n");
        assert_eq!(
            (cpu.total, cpu.user, cpu.throttling.periods),
            (5000, 3000, 7)
        );
        let blkio = blkio("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n253:1 \n");
        assert_eq!(blkio.service_bytes.len(), 2);
        assert_eq!(blkio.serviced[1].value, 4);
    }
}
