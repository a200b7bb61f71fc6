//! Limits and devices.

use std::collections::BTreeMap;

use lockgate_types::container::{
    DeviceMapping, DeviceRequest, HostConfig, ThrottleDevice, Ulimit, WeightDevice,
};

use super::units;
use crate::args::RunArgs;

/// Checks `--ulimit` when it is read.
pub(crate) fn check_ulimit(text: &str) -> Result<String, String> {
    ulimit(text).map(|_limit| text.to_owned())
}

/// Checks `--blkio-weight-device` when it is read.
pub(crate) fn check_weight(text: &str) -> Result<String, String> {
    weight(text).map(|_weight| text.to_owned())
}

/// Checks `--device-read-bps` and its like when they are read.
pub(crate) fn check_bps(text: &str) -> Result<String, String> {
    bps(text).map(|_rate| text.to_owned())
}

/// Checks `--device-read-iops` and its like when they are read.
pub(crate) fn check_iops(text: &str) -> Result<String, String> {
    iops(text).map(|_rate| text.to_owned())
}

/// Checks `--gpus` when it is read.
pub(crate) fn check_gpus(text: &str) -> Result<String, String> {
    gpu(text).map(|_request| text.to_owned())
}

/// Checks `--sysctl` when it is read: only what has a namespace of its own can be set.
pub(crate) fn check_sysctl(text: &str) -> Result<String, String> {
    let name = text.split_once('=').map(|(name, _)| name);
    let is_namespaced = name.is_some_and(|name| {
        SYSCTLS.contains(&name) || name.starts_with("net.") || name.starts_with("fs.mqueue.")
    });
    if is_namespaced {
        Ok(text.to_owned())
    } else {
        Err(format!("sysctl '{text}' is not allowed"))
    }
}

const SYSCTLS: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Fills in everything that limits or is a device.
pub(super) fn build(args: &RunArgs, host: &mut HostConfig) -> Result<(), String> {
    let number = |flag: &str| args.number_or_zero(flag);
    let text = |flag: &str| args.text(flag).to_owned();
    host.cgroup_parent = text("cgroup-parent");
    host.memory = number("memory");
    host.memory_reservation = number("memory-reservation");
    host.memory_swap = number("memory-swap");
    host.memory_swappiness = Some(args.number("memory-swappiness").unwrap_or(-1));
    host.oom_kill_disable = Some(args.is("oom-kill-disable"));
    host.oom_score_adj = number("oom-score-adj");
    host.nano_cpus = number("cpus");
    host.cpu_count = number("cpu-count");
    host.cpu_percent = number("cpu-percent");
    host.cpu_shares = number("cpu-shares");
    host.cpu_period = number("cpu-period");
    host.cpu_quota = number("cpu-quota");
    host.cpu_realtime_period = number("cpu-rt-period");
    host.cpu_realtime_runtime = number("cpu-rt-runtime");
    host.cpuset_cpus = text("cpuset-cpus");
    host.cpuset_mems = text("cpuset-mems");
    host.pids_limit = Some(number("pids-limit"));
    host.shm_size = number("shm-size");
    host.blkio_weight = u16::try_from(number("blkio-weight"))
        .map_err(|_error| format!("invalid block IO weight: {}", number("blkio-weight")))?;
    host.blkio_weight_device = Some(all(args, "blkio-weight-device", weight)?);
    host.blkio_device_read_bps = Some(all(args, "device-read-bps", bps)?);
    host.blkio_device_write_bps = Some(all(args, "device-write-bps", bps)?);
    host.blkio_device_read_iops = Some(all(args, "device-read-iops", iops)?);
    host.blkio_device_write_iops = Some(all(args, "device-write-iops", iops)?);
    host.ulimits = Some(ulimits(args.list("ulimit"))?);
    let (devices, named) = devices(args.list("device"))?;
    host.devices = Some(devices);
    let mut requests = all(args, "gpus", gpu)?;
    requests.extend(named);
    host.device_requests = (!requests.is_empty()).then_some(requests);
    let rules = args.list("device-cgroup-rule");
    if let Some(bad) = rules.iter().find(|rule| !is_device_rule(rule)) {
        return Err(format!("invalid device cgroup format '{bad}'"));
    }
    host.device_cgroup_rules = (!rules.is_empty()).then(|| rules.to_vec());
    Ok(())
}

fn all<T>(
    args: &RunArgs,
    flag: &str,
    read: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    args.list(flag).iter().map(|text| read(text)).collect()
}

fn weight(text: &str) -> Result<WeightDevice, String> {
    let (path, weight) = device_and_value(text)?;
    let weight: u16 = weight
        .parse()
        .ok()
        .filter(|weight| *weight == 0 || (10..=1000).contains(weight))
        .ok_or_else(|| format!("invalid weight for device: {text}"))?;
    Ok(WeightDevice { path, weight })
}

fn bps(text: &str) -> Result<ThrottleDevice, String> {
    let (path, rate) = device_and_value(text)?;
    let rate = units::parse_bytes(&rate)
        .ok()
        .and_then(|rate| u64::try_from(rate).ok());
    let rate = rate.ok_or_else(|| {
        format!(
            "invalid rate for device: {text}. The correct format is \
             <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional \
             and can be kb, mb, or gb"
        )
    })?;
    Ok(ThrottleDevice { path, rate })
}

fn iops(text: &str) -> Result<ThrottleDevice, String> {
    let (path, rate) = device_and_value(text)?;
    let rate = rate.parse().map_err(|_error| {
        format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>. \
             Number must be a positive integer"
        )
    })?;
    Ok(ThrottleDevice { path, rate })
}

fn device_and_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once(':').filter(|(path, _)| !path.is_empty());
    let (path, value) = pair.ok_or_else(|| format!("bad format: {text}"))?;
    if !path.starts_with("/dev/") {
        return Err(format!("bad format for device path: {text}"));
    }
    Ok((path.to_owned(), value.to_owned()))
}

fn ulimits(values: &[String]) -> Result<Vec<Ulimit>, String> {
    let mut by_name = BTreeMap::new();
    for value in values {
        let limit = ulimit(value)?;
        by_name.insert(limit.name.clone(), limit);
    }
    Ok(by_name.into_values().collect())
}

/// `nofile=1024`, `nofile=1024:2048`, `core=-1`.
fn ulimit(text: &str) -> Result<Ulimit, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("invalid ulimit argument: {text}"))?;
    if !Ulimit::NAMES.contains(&name) {
        return Err(format!("invalid ulimit type: {name}"));
    }
    let (soft, hard) = value.split_once(':').unwrap_or((value, value));
    let number = |text: &str| {
        let parsed: Option<i64> = text.parse().ok();
        parsed.ok_or_else(|| format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
    };
    let (soft, hard) = (number(soft)?, number(hard)?);
    let limit = Ulimit {
        name: name.to_owned(),
        hard,
        soft,
    };
    if !limit.is_within() {
        return Err(format!(
            "ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
        ));
    }
    Ok(limit)
}

/// Devices by path, and by CDI name (`vendor.com/class=name`).
fn devices(values: &[String]) -> Result<(Vec<DeviceMapping>, Vec<DeviceRequest>), String> {
    let is_cdi = |text: &str| {
        text.split_once('=').is_some_and(|(kind, name)| {
            kind.contains('/') && !kind.starts_with('/') && !name.is_empty()
        })
    };
    let (named, paths): (Vec<&String>, Vec<&String>) = values.iter().partition(|text| is_cdi(text));
    let mut requests = Vec::new();
    if !named.is_empty() {
        requests.push(DeviceRequest {
            driver: "cdi".to_owned(),
            device_ids: Some(named.into_iter().cloned().collect()),
            ..DeviceRequest::default()
        });
    }
    let devices: Result<Vec<_>, _> = paths.into_iter().map(|text| device(text)).collect();
    Ok((devices?, requests))
}

/// `/dev/a[:/dev/b][:rwm]`.
fn device(text: &str) -> Result<DeviceMapping, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_mode = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| "rwm".contains(c))
            && text.chars().all(|c| text.matches(c).count() == 1)
    };
    let (host, container, mode) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, mode] if is_mode(mode) => (*host, *host, *mode),
        [host, container] => (*host, *container, "rwm"),
        [host, container, mode] => (*host, *container, *mode),
        _ => return Err(format!("bad format for path: {text}")),
    };
    let container = if container.is_empty() {
        host
    } else {
        container
    };
    if !container.starts_with('/') {
        return Err(format!("{container} is not an absolute path"));
    }
    if !is_mode(mode) {
        return Err(format!("bad mode specified: {mode}"));
    }
    Ok(DeviceMapping {
        path_on_host: host.to_owned(),
        path_in_container: container.to_owned(),
        cgroup_permissions: mode.to_owned(),
    })
}

/// `c 1:3 rwm`, `a *:* r`.
fn is_device_rule(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |text: &str| text == "*" || text.parse::<u32>().is_ok();
    match words.as_slice() {
        [kind, numbers, access] => {
            ["a", "b", "c"].contains(kind)
                && numbers
                    .split_once(':')
                    .is_some_and(|(a, b)| number(a) && number(b))
                && !access.is_empty()
                && access.chars().all(|c| "rwm".contains(c))
        }
        _ => false,
    }
}

/// `all`, `2`, `"device=0,1"`, `driver=nvidia,count=1,capabilities=compute`.
fn gpu(text: &str) -> Result<DeviceRequest, String> {
    let mut request = DeviceRequest::default();
    let mut capabilities = Vec::new();
    let mut has_count = false;
    for field in text.split(',') {
        match field.split_once('=') {
            None if request.device_ids.is_some() => {
                request
                    .device_ids
                    .get_or_insert_default()
                    .push(field.trim_matches('"').to_owned());
            }
            None => {
                request.count = gpu_count(field)?;
                has_count = true;
            }
            Some(("driver", value)) => value.clone_into(&mut request.driver),
            Some(("count", value)) => {
                request.count = gpu_count(value)?;
                has_count = true;
            }
            Some(("device" | "\"device", value)) => {
                request.device_ids = Some(vec![value.trim_matches('"').to_owned()]);
            }
            Some(("capabilities", value)) => capabilities.push(value.to_owned()),
            Some((key, _)) => {
                return Err(format!("unexpected key '{key}' in '{field}'"));
            }
        }
    }
    if !has_count && request.device_ids.is_none() {
        request.count = 1;
    }
    capabilities.push("gpu".to_owned());
    request.capabilities = Some(vec![capabilities]);
    request.options = Some(BTreeMap::new());
    Ok(request)
}

fn gpu_count(text: &str) -> Result<i64, String> {
    if text == "all" {
        return Ok(-1);
    }
    text.parse().map_err(|_error| {
        format!("invalid count ({text}): value must be either \"all\" or an integer")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulimits_are_soft_and_hard() {
        let limit = ulimit("nofile=10:20").unwrap();
        assert_eq!((limit.soft, limit.hard), (10, 20));
        assert_eq!(ulimit("core=-1").unwrap().hard, -1);
        for (text, reason) in [
            ("x", "invalid ulimit argument: x"),
            ("foo=1", "invalid ulimit type: foo"),
            ("core=a", "strconv.ParseInt: parsing \"a\": invalid syntax"),
        ] {
            assert_eq!(ulimit(text).unwrap_err(), reason);
        }
        ulimit("nofile=20:10").unwrap_err();
    }

    #[test]
    fn devices_have_two_paths_and_a_mode() {
        let mapping = device("/dev/zero:/dev/x:r").unwrap();
        assert_eq!(
            (
                mapping.path_in_container.as_str(),
                mapping.cgroup_permissions.as_str()
            ),
            ("/dev/x", "r")
        );
        assert_eq!(
            device("/dev/zero:rw").unwrap().path_in_container,
            "/dev/zero"
        );
        assert_eq!(
            device("/dev/zero:/dev/x:z").unwrap_err(),
            "bad mode specified: z"
        );
        assert_eq!(
            device("/dev/zero:x").unwrap_err(),
            "x is not an absolute path"
        );
        let (paths, requests) = devices(&["/dev/a".into(), "v.com/gpu=0".into()]).unwrap();
        assert_eq!((paths.len(), requests.len()), (1, 1));
    }

    #[test]
    fn rules_and_rates_are_checked() {
        assert!(is_device_rule("c 1:3 rwm") && is_device_rule("a *:* m"));
        assert!(!is_device_rule("x 1:3 rwm") && !is_device_rule("c 1 rwm"));
        assert_eq!(bps("/dev/sda:1mb").unwrap().rate, 1 << 20);
        assert_eq!(iops("/dev/sda:100").unwrap().rate, 100);
        assert_eq!(
            weight("/dev/sda:5").unwrap_err(),
            "invalid weight for device: /dev/sda:5"
        );
        assert_eq!(
            iops("sda:1").unwrap_err(),
            "bad format for device path: sda:1"
        );
    }

    #[test]
    fn gpus_are_counted_or_named() {
        assert_eq!(gpu("all").unwrap().count, -1);
        assert_eq!(gpu("2").unwrap().count, 2);
        assert_eq!(gpu("device=0,1").unwrap().device_ids.unwrap(), ["0", "1"]);
    }
}
