//! Resource limits: what dockerd refuses, and what it adapts.

use std::fs;

use lockgate_types::container::{HostConfig, Ulimit};

use crate::container::config_error::{ConfigError, SetKind};

/// Checks limits, of create and of update.
pub(crate) fn check(host: &HostConfig) -> Result<(), ConfigError> {
    if host.shm_size < 0 {
        return Err(ConfigError::ShmSize);
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        return Err(ConfigError::OomScoreAdj(host.oom_score_adj));
    }
    memory(host)?;
    cpu(host)?;
    if host.blkio_weight != 0 && !(10..=1000).contains(&host.blkio_weight) {
        return Err(ConfigError::BlkioWeight);
    }
    if host.io_maximum_iops != 0 {
        return Err(ConfigError::IoMaximum("IOPs"));
    }
    if host.io_maximum_bandwidth != 0 {
        return Err(ConfigError::IoMaximum("bandwidth"));
    }
    for limit in host.ulimits.iter().flatten() {
        if !Ulimit::NAMES.contains(&limit.name.as_str()) {
            return Err(ConfigError::Ulimit(limit.name.clone()));
        }
        if !limit.is_within() {
            return Err(ConfigError::UlimitRange {
                soft: limit.soft,
                hard: limit.hard,
            });
        }
    }
    Ok(())
}

fn memory(host: &HostConfig) -> Result<(), ConfigError> {
    const MINIMUM: i64 = 6 << 20;
    if host.memory != 0 && host.memory < MINIMUM {
        return Err(ConfigError::MemoryLimit);
    }
    if host.memory == 0 && host.memory_swap > 0 {
        return Err(ConfigError::SwapWithoutMemory);
    }
    if host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory {
        return Err(ConfigError::SwapBelowMemory);
    }
    if let Some(swappiness) = host.memory_swappiness
        && !(-1..=100).contains(&swappiness)
    {
        return Err(ConfigError::Swappiness(swappiness));
    }
    if host.memory_reservation != 0 && host.memory_reservation < MINIMUM {
        return Err(ConfigError::MemoryReservation);
    }
    if host.memory > 0 && host.memory_reservation > 0 && host.memory < host.memory_reservation {
        return Err(ConfigError::MemoryBelowReservation);
    }
    Ok(())
}

fn cpu(host: &HostConfig) -> Result<(), ConfigError> {
    if host.nano_cpus > 0 && host.cpu_period > 0 {
        return Err(ConfigError::NanoCpusAndPeriod);
    }
    if host.nano_cpus > 0 && host.cpu_quota > 0 {
        return Err(ConfigError::NanoCpusAndQuota);
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let most = i64::try_from(cpus)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000_000);
    if host.nano_cpus < 0 || host.nano_cpus > most {
        return Err(ConfigError::NanoCpus(cpus));
    }
    if host.cpu_shares < 0 {
        return Err(ConfigError::CpuShares(host.cpu_shares));
    }
    if host.cpu_period != 0 && !(1_000..=1_000_000).contains(&host.cpu_period) {
        return Err(ConfigError::CpuPeriod);
    }
    if host.cpu_quota > 0 && host.cpu_quota < 1_000 {
        return Err(ConfigError::CpuQuota);
    }
    if host.cpu_realtime_period != 0
        && host.cpu_realtime_runtime != 0
        && host.cpu_realtime_runtime > host.cpu_realtime_period
    {
        return Err(ConfigError::Realtime);
    }
    sets(host)
}

/// Processors and memory nodes must be there.
fn sets(host: &HostConfig) -> Result<(), ConfigError> {
    let online = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.trim().to_owned()
    };
    for (what, wanted, path) in [
        (
            SetKind::Cpus,
            &host.cpuset_cpus,
            "/sys/devices/system/cpu/online",
        ),
        (
            SetKind::Mems,
            &host.cpuset_mems,
            "/sys/devices/system/node/online",
        ),
    ] {
        let numbers =
            parse_cpus(wanted).ok_or_else(|| ConfigError::Cpuset(what, wanted.clone()))?;
        if numbers.is_empty() {
            continue;
        }
        // A kernel without NUMA has one node and no such file.
        let available = match online(path) {
            text if text.is_empty() => "0".to_owned(),
            text => text,
        };
        let known = parse_cpus(&available).unwrap_or_default();
        if !numbers.iter().all(|number| known.contains(number)) {
            let requested = wanted.clone();
            return Err(ConfigError::CpusetUnavailable {
                what,
                requested,
                available,
            });
        }
    }
    Ok(())
}

/// Reads `0-2,7`; `None` if it is malformed.
fn parse_cpus(text: &str) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last > 8192 {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

/// Fills in what follows from other values, as dockerd does.
pub(super) fn adapt(host: &mut HostConfig, is_v1: bool) {
    if host.memory > 0 && host.memory_swap == 0 {
        host.memory_swap = host.memory.saturating_mul(2);
    }
    if host.pids_limit.is_some_and(|limit| limit <= 0) {
        host.pids_limit = None;
    }
    if host.memory_swappiness == Some(-1) {
        host.memory_swappiness = None;
    }
    if host.oom_kill_disable.is_none() && is_v1 {
        host.oom_kill_disable = Some(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_contradict_each_other_are_refused() {
        let cases: [(HostConfig, &str); 6] = [
            (
                HostConfig {
                    memory: 1 << 20,
                    ..HostConfig::default()
                },
                "Minimum memory limit allowed is 6MB",
            ),
            (
                HostConfig {
                    memory_swap: 1 << 30,
                    ..HostConfig::default()
                },
                "You should always set the Memory limit when using Memoryswap limit, see usage",
            ),
            (
                HostConfig {
                    memory: 1 << 30,
                    memory_swap: 1 << 29,
                    ..HostConfig::default()
                },
                "Minimum memoryswap limit should be larger than memory limit, see usage",
            ),
            (
                HostConfig {
                    nano_cpus: 1,
                    cpu_period: 1000,
                    ..HostConfig::default()
                },
                "Conflicting options: Nano CPUs and CPU Period cannot both be set",
            ),
            (
                HostConfig {
                    cpuset_cpus: "x".to_owned(),
                    ..HostConfig::default()
                },
                "Invalid value x for cpuset cpus: invalid format: x",
            ),
            (
                HostConfig {
                    shm_size: -1,
                    ..HostConfig::default()
                },
                "SHM size can not be less than 0",
            ),
        ];
        for (host, text) in cases {
            assert_eq!(check(&host).unwrap_err().to_string(), text);
        }
        check(&HostConfig::default()).unwrap();
    }

    #[test]
    fn swap_is_twice_the_memory_if_not_said() {
        let mut host = HostConfig {
            memory: 64 << 20,
            ..HostConfig::default()
        };
        adapt(&mut host, true);
        assert_eq!(host.memory_swap, 128 << 20);
        assert_eq!(host.oom_kill_disable, Some(false));
    }

    #[test]
    fn processor_sets_are_lists_of_ranges() {
        assert_eq!(parse_cpus("0-2,7"), Some(vec![0, 1, 2, 7]));
        assert_eq!(parse_cpus(""), Some(vec![]));
        for bad in ["a", "2-1", "1-", ",", "0-99999999"] {
            assert_eq!(parse_cpus(bad), None, "{bad}");
        }
    }
}
