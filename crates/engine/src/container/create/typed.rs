//! The long form of mounts: objects with a type.

use std::fs;

use lockgate_store::Store;
use lockgate_types::VolumeName;
use lockgate_types::container::{AskedType, Mount, MountPoint, MountType};

use super::bind;
use super::mounts::clean;
use crate::container::config_error::ConfigError;
use crate::container::error::CreateError;
use crate::container::record::MountRecord;

/// Reads one entry of `HostConfig.Mounts`.
pub(super) fn parse(mount: &Mount, store: &Store) -> Result<MountRecord, CreateError> {
    let record = common(mount)?;
    Ok(match record.point.kind {
        MountType::Bind => bind_mount(mount, record)?,
        MountType::Image => image_mount(mount, record, store)?,
        MountType::Tmpfs => tmpfs_mount(mount, record)?,
        MountType::Volume => volume_mount(mount, record)?,
        kind @ (MountType::Cluster | MountType::Npipe) => {
            return Err(ConfigError::MountKind(kind.as_str().to_owned()).into());
        }
    })
}

/// What all types have in common.
fn common(mount: &Mount) -> Result<MountRecord, ConfigError> {
    let known = match &mount.kind {
        AskedType::Known(kind) => *kind,
        AskedType::Unknown(word) => return Err(ConfigError::MountKind(word.clone())),
    };
    let kind = known.as_str();
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
        kind: known,
        destination,
        rw: !mount.read_only,
        ..MountPoint::default()
    };
    // Options of a type's own are for that type.
    for (field, given, of) in [
        ("BindOptions", mount.bind_options.is_some(), MountType::Bind),
        (
            "VolumeOptions",
            mount.volume_options.is_some(),
            MountType::Volume,
        ),
        (
            "ImageOptions",
            mount.image_options.is_some(),
            MountType::Image,
        ),
        (
            "TmpfsOptions",
            mount.tmpfs_options.is_some(),
            MountType::Tmpfs,
        ),
    ] {
        if given && of != known {
            return Err(ConfigError::MountExtra { kind, field });
        }
    }
    Ok(MountRecord {
        point,
        ..MountRecord::default()
    })
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
    record.read_only_non_recursive = options.read_only_non_recursive;
    if !options.create_mountpoint && fs::symlink_metadata(&record.point.source).is_err() {
        return Err(ConfigError::BindSource(mount.source.clone()));
    }
    Ok(record)
}

fn volume_mount(mount: &Mount, mut record: MountRecord) -> Result<MountRecord, ConfigError> {
    let options = mount.volume_options.clone().unwrap_or_default();
    let driver = options.driver_config.clone().unwrap_or_default();
    record.point.driver = if driver.name.is_empty() {
        "local".to_owned()
    } else {
        driver.name
    };
    "z".clone_into(&mut record.point.mode);
    record.no_copy = options.no_copy;
    if mount.source.is_empty() {
        if !options.subpath.is_empty() {
            return Err(ConfigError::Anonymous("Subpath"));
        }
        if mount.read_only {
            return Err(ConfigError::Anonymous("ReadOnly mode"));
        }
    }
    record.subpath = subpath("volume", &options.subpath)?;
    record.volume_labels = options.labels;
    record.volume_options = driver.options;
    if mount.source.is_empty() {
        record.anonymous = true;
    } else {
        let name = VolumeName::parse(&mount.source)
            .map_err(|error| ConfigError::VolumeName(mount.source.clone(), error))?;
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
    let options = mount.tmpfs_options.clone().unwrap_or_default();
    if let Some(size) = options.size_bytes.filter(|size| *size != 0) {
        record.tmpfs_options.push(format!("size={size}"));
    }
    if let Some(mode) = options.mode.filter(|mode| *mode != 0) {
        record.tmpfs_options.push(format!("mode={mode:o}"));
    }
    for option in options.options.into_iter().flatten() {
        let key = option.first().map_or("", String::as_str);
        if !matches!(key, "exec" | "noexec") {
            return Err(ConfigError::TmpfsOption(key.to_owned()));
        }
        record.tmpfs_options.push(option.join("="));
    }
    Ok(record)
}

/// An image is shown read-only; it is kept as long as the container is there.
fn image_mount(
    mount: &Mount,
    mut record: MountRecord,
    store: &Store,
) -> Result<MountRecord, CreateError> {
    if mount.source.is_empty() {
        let (kind, field) = ("image", "Source");
        return Err(ConfigError::MountField { kind, field }.into());
    }
    let options = mount.image_options.clone().unwrap_or_default();
    record.subpath = subpath("image", &options.subpath)?;
    let image = store
        .resolve(&mount.source)
        .map_err(|error| CreateError::NoImage(error.to_string()))?;
    record.image = Some(image.id);
    record.point.name.clone_from(&mount.source);
    "rprivate".clone_into(&mut record.point.propagation);
    record.point.rw = false;
    Ok(record)
}

/// A path inside something, that does not say how to leave it.
fn subpath(kind: &'static str, path: &str) -> Result<String, ConfigError> {
    let mut depth = 0_i32;
    for part in path.split('/') {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        if depth < 0 {
            return Err(ConfigError::Subpath(kind));
        }
    }
    if path.starts_with('/') {
        return Err(ConfigError::Subpath(kind));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_checked_by_their_type() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path()).unwrap();
        let mount = |kind: MountType, source: &str, target: &str| Mount {
            kind: kind.into(),
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
                mount(MountType::Image, "", "/x"),
                "invalid mount config for type \"image\": field Source must not be empty",
            ),
            (
                mount(MountType::Image, "nope", "/x"),
                "No such image: nope:latest",
            ),
            (
                Mount {
                    kind: AskedType::Unknown("foo".to_owned()),
                    target: "/x".to_owned(),
                    ..Mount::default()
                },
                "invalid mount config for type \"foo\": mount type unknown",
            ),
            (
                Mount {
                    read_only: true,
                    ..mount(MountType::Volume, "", "/x")
                },
                "invalid mount config for type \"volume\": must not set ReadOnly mode when using anonymous volumes",
            ),
            (
                mount(MountType::Npipe, "x", "/x"),
                "invalid mount config for type \"npipe\": mount type unknown",
            ),
        ] {
            assert_eq!(parse(&mount, &store).unwrap_err().to_string(), text);
        }
        assert!(
            parse(&mount(MountType::Volume, "", "/x"), &store)
                .unwrap()
                .anonymous
        );
    }

    #[test]
    fn a_subpath_stays_inside() {
        for good in ["", "a", "a/../b", "a/./b/"] {
            subpath("volume", good).unwrap();
        }
        for bad in ["/a", "..", "a/../..", "./../a"] {
            assert_eq!(
                subpath("volume", bad).unwrap_err().to_string(),
                "invalid mount config for type \"volume\": subpath must be a relative path within the volume",
                "{bad}"
            );
        }
    }
}
