//! What the host cannot limit: discarded with dockerd's warning, or refused where dockerd does.

use lockgate_types::container::HostConfig;

use crate::container::config_error::ConfigError;
use crate::limits::Limits;

/// Takes out what cannot be honoured; the answer is a warning for each, for create and for update.
pub(crate) fn discard(host: &mut HostConfig, can: Limits) -> Result<Vec<String>, ConfigError> {
    let mut warnings = Vec::new();
    let mut unless = |can: bool, set: bool, warning: &str| {
        let discarded = set && !can;
        if discarded {
            warnings.push(warning.to_owned());
        }
        discarded
    };
    if unless(can.memory, host.memory != 0, MEMORY) {
        (host.memory, host.memory_swap) = (0, -1);
    }
    if unless(can.swap, host.memory > 0 && host.memory_swap != -1, SWAP) {
        host.memory_swap = -1;
    }
    if unless(
        can.swappiness,
        host.memory_swappiness.is_some_and(|s| s != -1),
        SWAPPINESS,
    ) {
        host.memory_swappiness = None;
    }
    if unless(can.reservation, host.memory_reservation != 0, RESERVATION) {
        host.memory_reservation = 0;
    }
    if unless(
        can.kernel_memory_tcp,
        host.kernel_memory_tcp != 0,
        KERNEL_MEMORY,
    ) {
        host.kernel_memory_tcp = 0;
    }
    if unless(
        can.oom_kill_disable,
        host.oom_kill_disable == Some(true),
        OOM_KILL,
    ) {
        host.oom_kill_disable = None;
    }
    // A warning alone: it stays so.
    unless(
        false,
        host.oom_kill_disable == Some(true) && host.memory == 0,
        OOM_KILL_WITHOUT_LIMIT,
    );
    if unless(
        can.pids,
        host.pids_limit.is_some_and(|limit| limit > 0),
        PIDS,
    ) {
        host.pids_limit = None;
    }
    if host.nano_cpus > 0 && !can.cfs {
        return Err(ConfigError::NanoCpusWithoutCfs);
    }
    if unless(can.shares, host.cpu_shares > 0, SHARES) {
        host.cpu_shares = 0;
    }
    if unless(can.cfs, host.cpu_period != 0 || host.cpu_quota != 0, CFS) {
        (host.cpu_period, host.cpu_quota) = (0, 0);
    }
    if unless(false, host.cpu_percent > 0, CPU_PERCENT) {
        host.cpu_percent = 0;
    }
    if !can.realtime && (host.cpu_realtime_period != 0 || host.cpu_realtime_runtime != 0) {
        return Err(ConfigError::NoRealtime);
    }
    let sets = !host.cpuset_cpus.is_empty() || !host.cpuset_mems.is_empty();
    if unless(can.cpuset, sets, CPUSET) {
        host.cpuset_cpus.clear();
        host.cpuset_mems.clear();
    }
    block_io(host, can, &mut unless);
    Ok(warnings)
}

fn block_io(host: &mut HostConfig, can: Limits, unless: &mut impl FnMut(bool, bool, &str) -> bool) {
    let some = |list: Option<usize>| list.is_some_and(|length| length > 0);
    if unless(can.weight, host.blkio_weight > 0, WEIGHT) {
        host.blkio_weight = 0;
    }
    let weights = host.blkio_weight_device.as_ref().map(Vec::len);
    if unless(can.weight_device, some(weights), WEIGHT_DEVICE) {
        host.blkio_weight_device = Some(Vec::new());
    }
    for (can, list, warning) in [
        (can.read_bps, &mut host.blkio_device_read_bps, READ_BPS),
        (can.write_bps, &mut host.blkio_device_write_bps, WRITE_BPS),
        (can.read_iops, &mut host.blkio_device_read_iops, READ_IOPS),
        (
            can.write_iops,
            &mut host.blkio_device_write_iops,
            WRITE_IOPS,
        ),
    ] {
        if unless(can, some(list.as_ref().map(Vec::len)), warning) {
            *list = Some(Vec::new());
        }
    }
}

const MEMORY: &str = "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.";
const SWAP: &str = "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
const SWAPPINESS: &str = "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.";
const RESERVATION: &str = "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.";
const KERNEL_MEMORY: &str = "Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.";
const OOM_KILL: &str = "Your kernel does not support OomKillDisable. OomKillDisable discarded.";
const OOM_KILL_WITHOUT_LIMIT: &str = "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.";
const PIDS: &str = "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.";
const SHARES: &str =
    "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.";
const CFS: &str = "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.";
const CPU_PERCENT: &str = "linux does not support CPU percent. Percent discarded.";
const CPUSET: &str =
    "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.";
const WEIGHT: &str =
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";
const WEIGHT_DEVICE: &str = "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.";
const READ_BPS: &str = "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit discarded.";
const WRITE_BPS: &str = "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write limit discarded.";
const READ_IOPS: &str = "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit discarded.";
const WRITE_IOPS: &str = "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS write limit discarded.";

#[cfg(test)]
mod tests {
    use lockgate_types::container::ThrottleDevice;

    use super::*;

    fn greedy() -> HostConfig {
        let throttle = || {
            Some(vec![ThrottleDevice {
                path: "/dev/sda".to_owned(),
                rate: 1,
            }])
        };
        HostConfig {
            memory: 64 << 20,
            memory_reservation: 32 << 20,
            memory_swappiness: Some(5),
            kernel_memory_tcp: 1,
            oom_kill_disable: Some(true),
            pids_limit: Some(5),
            cpu_shares: 5,
            cpu_quota: 5000,
            cpu_percent: 5,
            cpuset_cpus: "0".to_owned(),
            blkio_weight: 500,
            blkio_weight_device: Some(vec![lockgate_types::container::WeightDevice::default()]),
            blkio_device_read_bps: throttle(),
            blkio_device_write_bps: throttle(),
            blkio_device_read_iops: throttle(),
            blkio_device_write_iops: throttle(),
            ..HostConfig::default()
        }
    }

    #[test]
    fn nothing_is_kept_that_the_host_cannot_do_and_each_has_a_warning() {
        let mut host = greedy();
        let warnings = discard(&mut host, Limits::default()).unwrap();
        assert_eq!(warnings.len(), 16, "{warnings:#?}");
        let none = Some(Vec::new());
        let expected = HostConfig {
            memory_swap: -1,
            blkio_weight_device: Some(Vec::new()),
            blkio_device_read_bps: none.clone(),
            blkio_device_write_bps: none.clone(),
            blkio_device_read_iops: none.clone(),
            blkio_device_write_iops: none,
            ..HostConfig::default()
        };
        assert_eq!(host, expected);
    }

    #[test]
    fn what_the_host_can_do_stays() {
        let mut host = greedy();
        host.cpu_percent = 0;
        let before = host.clone();
        assert_eq!(
            discard(&mut host, Limits::ALL).unwrap(),
            Vec::<String>::new()
        );
        assert_eq!(host, before);
    }

    #[test]
    fn processors_without_a_scheduler_are_refused() {
        let mut nano = HostConfig {
            nano_cpus: 1,
            ..HostConfig::default()
        };
        let error = discard(&mut nano, Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with("NanoCPUs can not be set"));
        let mut realtime = HostConfig {
            cpu_realtime_runtime: 1,
            ..HostConfig::default()
        };
        let error = discard(&mut realtime, Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "kernel does not support CPU real-time scheduler"
        );
    }
}
