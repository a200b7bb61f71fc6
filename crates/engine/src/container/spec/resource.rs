//! Limits of a container's cgroup.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use lockgate_types::container::{HostConfig, ThrottleDevice};
use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources, LinuxThrottleDevice,
    LinuxThrottleDeviceBuilder, LinuxWeightDevice, LinuxWeightDeviceBuilder,
};

/// The period that `NanoCpus` are counted in, in microseconds.
const PERIOD: i64 = 100_000;

/// What `HostConfig` says about resources, without devices. Also used by update.
pub(crate) fn build(host: &HostConfig) -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources
        .set_memory(Some(memory(host)))
        .set_cpu(Some(cpu(host)))
        .set_pids(host.pids_limit.map(|limit| {
            let mut pids = LinuxPids::default();
            pids.set_limit(limit);
            pids
        }))
        .set_block_io(block_io(host));
    resources
}

fn memory(host: &HostConfig) -> LinuxMemory {
    let mut memory = LinuxMemory::default();
    memory
        .set_limit(nonzero(host.memory))
        .set_reservation(nonzero(host.memory_reservation))
        .set_swap(nonzero(host.memory_swap))
        .set_swappiness(
            host.memory_swappiness
                .and_then(|value| u64::try_from(value).ok()),
        )
        .set_disable_oom_killer(host.oom_kill_disable.filter(|disable| *disable));
    memory
}

fn cpu(host: &HostConfig) -> LinuxCpu {
    let (period, quota) = if host.nano_cpus > 0 {
        (
            PERIOD,
            host.nano_cpus.saturating_mul(PERIOD) / 1_000_000_000,
        )
    } else {
        (host.cpu_period, host.cpu_quota)
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(positive(host.cpu_shares))
        .set_quota(nonzero(quota))
        .set_period(positive(period))
        .set_realtime_period(positive(host.cpu_realtime_period))
        .set_realtime_runtime(nonzero(host.cpu_realtime_runtime))
        .set_cpus(text(&host.cpuset_cpus))
        .set_mems(text(&host.cpuset_mems));
    cpu
}

fn block_io(host: &HostConfig) -> Option<LinuxBlockIo> {
    let mut io = LinuxBlockIo::default();
    io.set_weight((host.blkio_weight != 0).then_some(host.blkio_weight))
        .set_weight_device(weights(host))
        .set_throttle_read_bps_device(throttles(host.blkio_device_read_bps.as_deref()))
        .set_throttle_write_bps_device(throttles(host.blkio_device_write_bps.as_deref()))
        .set_throttle_read_iops_device(throttles(host.blkio_device_read_iops.as_deref()))
        .set_throttle_write_iops_device(throttles(host.blkio_device_write_iops.as_deref()));
    (io != LinuxBlockIo::default()).then_some(io)
}

fn weights(host: &HostConfig) -> Option<Vec<LinuxWeightDevice>> {
    let devices: Vec<LinuxWeightDevice> = host
        .blkio_weight_device
        .iter()
        .flatten()
        .filter_map(|device| {
            let (major, minor) = numbers(&device.path)?;
            let builder = LinuxWeightDeviceBuilder::default()
                .major(major)
                .minor(minor);
            builder.weight(device.weight).build().ok()
        })
        .collect();
    (!devices.is_empty()).then_some(devices)
}

fn throttles(devices: Option<&[ThrottleDevice]>) -> Option<Vec<LinuxThrottleDevice>> {
    let devices: Vec<LinuxThrottleDevice> = devices
        .unwrap_or_default()
        .iter()
        .filter_map(|device| {
            let (major, minor) = numbers(&device.path)?;
            let builder = LinuxThrottleDeviceBuilder::default()
                .major(major)
                .minor(minor);
            builder.rate(device.rate).build().ok()
        })
        .collect();
    (!devices.is_empty()).then_some(devices)
}

/// The numbers of a block device of the host.
fn numbers(path: &str) -> Option<(i64, i64)> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.file_type().is_block_device() {
        return None;
    }
    let device = meta.rdev();
    Some((
        rustix::fs::major(device).into(),
        rustix::fs::minor(device).into(),
    ))
}

fn nonzero(value: i64) -> Option<i64> {
    (value != 0).then_some(value)
}

fn positive(value: i64) -> Option<u64> {
    u64::try_from(value).ok().filter(|value| *value > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_become_a_quota_of_a_tenth_of_a_second() {
        let host = HostConfig {
            nano_cpus: 1_500_000_000,
            ..HostConfig::default()
        };
        let cpu = cpu(&host);
        assert_eq!((cpu.period(), cpu.quota()), (Some(100_000), Some(150_000)));
    }

    #[test]
    fn what_is_not_limited_is_left_out() {
        let resources = build(&HostConfig::default());
        assert_eq!(
            resources.memory().as_ref().unwrap(),
            &LinuxMemory::default()
        );
        assert!(resources.pids().is_none() && resources.block_io().is_none());
    }
}
