//! Device nodes of a container, and what its cgroup lets it do with them.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use lockgate_runtime::spec::{default_device_rules, device_rule};
use lockgate_types::container::{DeviceMapping, HostConfig};
use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType};

use crate::container::config_error::ConfigError;

/// The nodes to make: those asked for, or all of the host's for a privileged container.
pub(super) fn collect(host: &HostConfig) -> Result<Vec<LinuxDevice>, ConfigError> {
    let mut devices = Vec::new();
    if host.privileged {
        // A node that goes away while the directory is read is no loss.
        walk(Path::new("/dev"), Path::new("/dev"), 0, &mut devices);
    }
    for mapping in host.devices.iter().flatten() {
        let source = Path::new(&mapping.path_on_host);
        let target = target(mapping);
        let failed = |reason: String| ConfigError::Device {
            path: mapping.path_on_host.clone(),
            reason,
        };
        let real = fs::canonicalize(source)
            .map_err(|_error| failed("no such file or directory".to_owned()))?;
        if real.is_dir() {
            walk(&real, target, 0, &mut devices);
        } else {
            devices
                .push(node(&real, target).ok_or_else(|| failed("not a device node".to_owned()))?);
        }
    }
    Ok(devices)
}

/// The rules of the device cgroup, later ones winning.
pub(super) fn rules(
    host: &HostConfig,
    devices: &[LinuxDevice],
) -> Result<Vec<LinuxDeviceCgroup>, ConfigError> {
    if host.privileged {
        return Ok(vec![device_rule(
            true,
            LinuxDeviceType::A,
            None,
            None,
            "rwm",
        )]);
    }
    let mut rules = default_device_rules();
    for device in devices {
        let access = host
            .devices
            .iter()
            .flatten()
            .find(|mapping| device.path().starts_with(target(mapping)))
            .map_or("", |mapping| mapping.cgroup_permissions.as_str());
        let access = if access.is_empty() { "rwm" } else { access };
        let (major, minor) = (Some(device.major()), Some(device.minor()));
        rules.push(device_rule(true, device.typ(), major, minor, access));
    }
    for text in host.device_cgroup_rules.iter().flatten() {
        rules.push(parse_rule(text).ok_or_else(|| ConfigError::DeviceRule(text.clone()))?);
    }
    Ok(rules)
}

/// Where a device is to appear: in the place it has on the host, if nothing else is said.
fn target(mapping: &DeviceMapping) -> &Path {
    match mapping.path_in_container.as_str() {
        "" => Path::new(&mapping.path_on_host),
        path => Path::new(path),
    }
}

/// Reads `c 42:* rmw`.
fn parse_rule(text: &str) -> Option<LinuxDeviceCgroup> {
    let mut words = text.split_whitespace();
    let kind = match words.next()? {
        "a" => LinuxDeviceType::A,
        "b" => LinuxDeviceType::B,
        "c" => LinuxDeviceType::C,
        _ => return None,
    };
    let (major, minor) = words.next()?.split_once(':')?;
    let access = words.next()?;
    let number = |text: &str| match text {
        "*" => Some(None),
        text => text
            .parse::<u32>()
            .ok()
            .map(|number| Some(i64::from(number))),
    };
    if words.next().is_some() || access.is_empty() || !access.bytes().all(|b| b"rwm".contains(&b)) {
        return None;
    }
    Some(device_rule(
        true,
        kind,
        number(major)?,
        number(minor)?,
        access,
    ))
}

/// All nodes below a directory, but for what a container gets of its own.
fn walk(source: &Path, target: &Path, depth: u32, devices: &mut Vec<LinuxDevice>) {
    let Ok(entries) = fs::read_dir(source) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let (path, inside): (PathBuf, PathBuf) = (entry.path(), target.join(entry.file_name()));
        let skipped = depth == 0 && OWN.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && !skipped && depth < 8 {
            walk(&path, &inside, depth + 1, devices);
        } else if !skipped && (kind.is_char_device() || kind.is_block_device()) {
            devices.extend(node(&path, &inside));
        }
    }
}

pub(crate) fn node(source: &Path, target: &Path) -> Option<LinuxDevice> {
    let meta = fs::symlink_metadata(source).ok()?;
    let kind = meta.file_type();
    let typ = if kind.is_char_device() {
        LinuxDeviceType::C
    } else if kind.is_block_device() {
        LinuxDeviceType::B
    } else {
        return None;
    };
    let number = meta.rdev();
    let mut device = LinuxDevice::default();
    device
        .set_path(target.to_owned())
        .set_typ(typ)
        .set_major(rustix::fs::major(number).into())
        .set_minor(rustix::fs::minor(number).into())
        .set_file_mode(Some(meta.mode() & 0o777))
        .set_uid(Some(meta.uid()))
        .set_gid(Some(meta.gid()));
    Some(device)
}

/// Entries of `/dev` that every container has of its own.
const OWN: [&str; 8] = [
    "console", "fd", "mqueue", "ptmx", "pts", "shm", ".lxc", ".udev",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn host(path: &str, access: &str) -> HostConfig {
        HostConfig {
            devices: Some(vec![DeviceMapping {
                path_on_host: path.to_owned(),
                path_in_container: "/dev/x".to_owned(),
                cgroup_permissions: access.to_owned(),
            }]),
            ..HostConfig::default()
        }
    }

    #[test]
    fn a_device_keeps_its_numbers_under_another_name() {
        let host = host("/dev/zero", "r");
        let devices = collect(&host).unwrap();
        assert_eq!((devices[0].major(), devices[0].minor()), (1, 5));
        assert_eq!(devices[0].path(), Path::new("/dev/x"));
        let rules = rules(&host, &devices).unwrap();
        assert_eq!(rules.last().unwrap().access().as_deref(), Some("r"));
    }

    #[test]
    fn what_is_no_device_is_refused_with_dockers_text() {
        let text = |path: &str| collect(&host(path, "")).unwrap_err().to_string();
        assert_eq!(
            text("/dev/nope"),
            "error gathering device information while adding custom device \"/dev/nope\": no such file or directory"
        );
        assert!(text("/etc/passwd").ends_with("not a device node"));
    }

    #[test]
    fn rules_have_a_type_numbers_and_an_access() {
        assert!(parse_rule("c 42:* rmw").is_some());
        for bad in [
            "",
            "c",
            "c 1",
            "c 1:2",
            "x 1:2 r",
            "c 1:2 x",
            "c -1:2 r",
            "c 1:2 r w",
        ] {
            assert!(parse_rule(bad).is_none(), "{bad}");
        }
    }
}
