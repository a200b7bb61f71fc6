//! Limits of a container's cgroup.

use std::os::unix::fs::MetadataExt as _;

use lockgate_types::container::{HostConfig, ThrottleDevice};
use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources, LinuxThrottleDevice,
    LinuxThrottleDeviceBuilder, LinuxWeightDevice, LinuxWeightDeviceBuilder,
};

use crate::container::config_error::ConfigError;

/// The period that `NanoCpus` are counted in, in microseconds.
const PERIOD: i64 = 100_000;

/// What `HostConfig` says about resources, without devices. Also used by update.
pub(crate) fn build(host: &HostConfig) -> Result<LinuxResources, ConfigError> {
    let mut resources = LinuxResources::default();
    resources
        .set_memory(Some(memory(host)))
        .set_cpu(Some(cpu(host)))
        .set_pids(host.pids_limit.map(|limit| {
            let mut pids = LinuxPids::default();
            pids.set_limit(limit);
            pids
        }))
        .set_block_io(block_io(host)?);
    Ok(resources)
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
        .set_kernel_tcp(nonzero(host.kernel_memory_tcp))
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

fn block_io(host: &HostConfig) -> Result<Option<LinuxBlockIo>, ConfigError> {
    let mut io = LinuxBlockIo::default();
    io.set_weight((host.blkio_weight != 0).then_some(host.blkio_weight))
        .set_weight_device(weights(host)?)
        .set_throttle_read_bps_device(throttles(host.blkio_device_read_bps.as_deref())?)
        .set_throttle_write_bps_device(throttles(host.blkio_device_write_bps.as_deref())?)
        .set_throttle_read_iops_device(throttles(host.blkio_device_read_iops.as_deref())?)
        .set_throttle_write_iops_device(throttles(host.blkio_device_write_iops.as_deref())?);
    Ok((io != LinuxBlockIo::default()).then_some(io))
}

fn weights(host: &HostConfig) -> Result<Option<Vec<LinuxWeightDevice>>, ConfigError> {
    let mut devices = Vec::new();
    for device in host.blkio_weight_device.iter().flatten() {
        let (major, minor) = numbers(&device.path)?;
        let builder = LinuxWeightDeviceBuilder::default()
            .major(major)
            .minor(minor);
        devices.extend(builder.weight(device.weight).build());
    }
    Ok((!devices.is_empty()).then_some(devices))
}

fn throttles(
    devices: Option<&[ThrottleDevice]>,
) -> Result<Option<Vec<LinuxThrottleDevice>>, ConfigError> {
    let mut all = Vec::new();
    for device in devices.unwrap_or_default() {
        let (major, minor) = numbers(&device.path)?;
        let builder = LinuxThrottleDeviceBuilder::default()
            .major(major)
            .minor(minor);
        all.extend(builder.rate(device.rate).build());
    }
    Ok((!all.is_empty()).then_some(all))
}

/// The numbers of a device of the host. What is none has the numbers 0:0, which no kernel limits.
fn numbers(path: &str) -> Result<(i64, i64), ConfigError> {
    let meta = std::fs::metadata(path).map_err(|error| ConfigError::BlockDevice {
        path: path.to_owned(),
        reason: reason(&error),
    })?;
    let device = meta.rdev();
    Ok((
        rustix::fs::major(device).into(),
        rustix::fs::minor(device).into(),
    ))
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
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
        let resources = build(&HostConfig::default()).unwrap();
        assert_eq!(
            resources.memory().as_ref().unwrap(),
            &LinuxMemory::default()
        );
        assert!(resources.pids().is_none() && resources.block_io().is_none());
    }
}
