//! The long form of mounts: objects with a type.

use std::fs;

use lockgate_types::VolumeName;
use lockgate_types::container::{Mount, MountPoint, MountType};

use super::bind;
use super::mounts::clean;
use crate::container::config_error::ConfigError;
use crate::container::record::MountRecord;

/// Reads one entry of `HostConfig.Mounts`.
pub(super) fn parse(mount: &Mount) -> Result<MountRecord, ConfigError> {
    let kind = kind_name(mount.kind);
    if mount.target.is_empty() {
        return Err(ConfigError::MountField {
            kind,
            field: "Target",
        });
    }
    if !mount.target.starts_with('/') {
        return Err(ConfigError::MountPath {
            kind,
            path: mount.target.clone(),
        });
    }
    let destination = clean(&mount.target);
    if destination == "/" {
        return Err(ConfigError::MountRoot { kind });
    }
    let point = MountPoint {
        kind: mount.kind,
        destination,
        rw: !mount.read_only,
        ..MountPoint::default()
    };
    let record = MountRecord {
        point,
        ..MountRecord::default()
    };
    match mount.kind {
        MountType::Bind => bind_mount(mount, record),
        MountType::Volume => volume_mount(mount, record),
        MountType::Tmpfs => tmpfs_mount(mount, record),
        MountType::Cluster | MountType::Image | MountType::Npipe => {
            Err(ConfigError::MountKind(kind))
        }
    }
}

fn bind_mount(mount: &Mount, mut record: MountRecord) -> Result<MountRecord, ConfigError> {
    if mount.source.is_empty() {
        return Err(ConfigError::MountField {
            kind: "bind",
            field: "Source",
        });
    }
    if !mount.source.starts_with('/') {
        return Err(ConfigError::MountPath {
            kind: "bind",
            path: mount.source.clone(),
        });
    }
    if mount.volume_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "bind",
            field: "VolumeOptions",
        });
    }
    if mount.tmpfs_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "bind",
            field: "TmpfsOptions",
        });
    }
    let options = mount.bind_options.clone().unwrap_or_default();
    let propagation = options.propagation.as_str();
    if !propagation.is_empty() && !bind::PROPAGATIONS.contains(&propagation) {
        return Err(ConfigError::Propagation(propagation.to_owned()));
    }
    record.point.source = clean(&mount.source);
    record.point.propagation = if propagation.is_empty() {
        "rprivate".to_owned()
    } else {
        propagation.to_owned()
    };
    record.non_recursive = options.non_recursive;
    record.read_only_recursive = options.read_only_force_recursive;
    if !options.create_mountpoint && fs::symlink_metadata(&record.point.source).is_err() {
        return Err(ConfigError::BindSource(mount.source.clone()));
    }
    Ok(record)
}

fn volume_mount(mount: &Mount, mut record: MountRecord) -> Result<MountRecord, ConfigError> {
    if mount.bind_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "volume",
            field: "BindOptions",
        });
    }
    if mount.tmpfs_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "volume",
            field: "TmpfsOptions",
        });
    }
    let options = mount.volume_options.clone().unwrap_or_default();
    let driver = options.driver_config.clone().unwrap_or_default();
    record.point.driver = if driver.name.is_empty() {
        "local".to_owned()
    } else {
        driver.name
    };
    "z".clone_into(&mut record.point.mode);
    record.no_copy = options.no_copy;
    if !options.subpath.is_empty() {
        // A path inside a volume belongs to whoever writes to the volume: it can be made to lead out.
        return Err(ConfigError::Subpath(options.subpath));
    }
    record.volume_labels = options.labels;
    record.volume_options = driver.options;
    if mount.source.is_empty() {
        record.anonymous = true;
    } else {
        let name = VolumeName::parse(&mount.source).map_err(ConfigError::VolumeName)?;
        record.point.name = name.to_string();
    }
    Ok(record)
}

fn tmpfs_mount(mount: &Mount, mut record: MountRecord) -> Result<MountRecord, ConfigError> {
    if !mount.source.is_empty() {
        return Err(ConfigError::MountExtra {
            kind: "tmpfs",
            field: "Source",
        });
    }
    if mount.bind_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "tmpfs",
            field: "BindOptions",
        });
    }
    if mount.volume_options.is_some() {
        return Err(ConfigError::MountExtra {
            kind: "tmpfs",
            field: "VolumeOptions",
        });
    }
    let options = mount.tmpfs_options.clone().unwrap_or_default();
    if let Some(size) = options.size_bytes.filter(|size| *size != 0) {
        record.tmpfs_options.push(format!("size={size}"));
    }
    if let Some(mode) = options.mode.filter(|mode| *mode != 0) {
        record.tmpfs_options.push(format!("mode={mode:o}"));
    }
    for option in options.options.into_iter().flatten() {
        record.tmpfs_options.push(option.join("="));
    }
    Ok(record)
}

fn kind_name(kind: MountType) -> &'static str {
    match kind {
        MountType::Bind => "bind",
        MountType::Cluster => "cluster",
        MountType::Image => "image",
        MountType::Npipe => "npipe",
        MountType::Tmpfs => "tmpfs",
        MountType::Volume => "volume",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_checked_by_their_type() {
        let mount = |kind, source: &str, target: &str| Mount {
            kind,
            source: source.to_owned(),
            target: target.to_owned(),
            ..Mount::default()
        };
        for (mount, text) in [
            (
                mount(MountType::Bind, "", "/x"),
                "invalid mount config for type \"bind\": field Source must not be empty",
            ),
            (
                mount(MountType::Bind, "/nope/nope", "/x"),
                "invalid mount config for type \"bind\": bind source path does not exist: /nope/nope",
            ),
            (
                mount(MountType::Volume, "v1", ""),
                "invalid mount config for type \"volume\": field Target must not be empty",
            ),
            (
                mount(MountType::Tmpfs, "x", "/x"),
                "invalid mount config for type \"tmpfs\": field Source must not be specified",
            ),
            (
                mount(MountType::Npipe, "x", "/x"),
                "mount type unknown: \"npipe\"",
            ),
        ] {
            assert_eq!(parse(&mount).unwrap_err().to_string(), text);
        }
        assert!(
            parse(&mount(MountType::Volume, "", "/x"))
                .unwrap()
                .anonymous
        );
    }
}
