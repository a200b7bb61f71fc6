//! All mounts of a container, from the five places where they can be asked for.

use std::fs;

use lockgate_types::VolumeName;
use lockgate_types::container::{Mount, MountPoint, MountType};

use super::bind;
use crate::container::config_error::ConfigError;
use crate::container::error::CreateError;
use crate::container::record::{MountRecord, Record};
use crate::container::registry::Registry;

/// Collects the mounts: those of other containers, `Binds`, `Mounts`, `Tmpfs`, then `Volumes` for
/// the places that are still free. Anonymous volumes have no name yet.
pub(super) fn collect(
    record: &Record,
    registry: &Registry,
) -> Result<Vec<MountRecord>, CreateError> {
    let host = &record.host_config;
    let mut mounts: Vec<MountRecord> = Vec::new();
    for text in host.volumes_from.iter().flatten() {
        for mount in from_container(text, registry)? {
            replace(&mut mounts, mount);
        }
    }
    let mut own: Vec<MountRecord> = Vec::new();
    for text in host.binds.iter().flatten() {
        own.push(bind::parse(text)?);
    }
    for mount in host.mounts.iter().flatten() {
        own.push(from_mount(mount)?);
    }
    for (destination, options) in host.tmpfs.iter().flatten() {
        own.push(from_tmpfs(destination, options)?);
    }
    for (index, mount) in own.iter().enumerate() {
        let destination = &mount.point.destination;
        if own
            .iter()
            .take(index)
            .any(|other| other.point.destination == *destination)
        {
            return Err(ConfigError::DuplicateMount(destination.clone()).into());
        }
    }
    for mount in own {
        replace(&mut mounts, mount);
    }
    for destination in record
        .config
        .volumes
        .iter()
        .flat_map(|volumes| volumes.keys())
    {
        if !destination.starts_with('/') {
            let path = destination.clone();
            return Err(ConfigError::MountPath {
                kind: "volume",
                path,
            }
            .into());
        }
        let destination = clean(destination);
        if destination == "/" {
            return Err(ConfigError::MountRoot { kind: "volume" }.into());
        }
        if !mounts
            .iter()
            .any(|mount| mount.point.destination == destination)
        {
            mounts.push(anonymous(destination));
        }
    }
    Ok(mounts)
}

/// A path without `.`, `..`, doubled and trailing slashes, by its text alone.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn replace(mounts: &mut Vec<MountRecord>, mount: MountRecord) {
    mounts.retain(|other| other.point.destination != mount.point.destination);
    mounts.push(mount);
}

fn anonymous(destination: String) -> MountRecord {
    MountRecord {
        point: MountPoint {
            kind: MountType::Volume,
            driver: "local".to_owned(),
            destination,
            rw: true,
            ..MountPoint::default()
        },
        anonymous: true,
        ..MountRecord::default()
    }
}

/// `container[:ro|:rw]`: the other container's mounts, its volumes by name.
fn from_container(text: &str, registry: &Registry) -> Result<Vec<MountRecord>, CreateError> {
    let (name, mode) = text.split_once(':').unwrap_or((text, "rw"));
    if name.is_empty() || !matches!(mode, "rw" | "ro" | "z" | "Z") {
        return Err(ConfigError::VolumesFrom(text.to_owned()).into());
    }
    let other = registry.find(name)?.facts();
    let mut mounts: Vec<MountRecord> = other
        .record
        .mounts
        .iter()
        .filter(|mount| !mount.hidden && mount.point.kind != MountType::Tmpfs)
        .cloned()
        .collect();
    for mount in &mut mounts {
        // The volume belongs to the container that made it.
        mount.anonymous = false;
        mount.point.rw &= mode != "ro";
    }
    Ok(mounts)
}

fn from_tmpfs(destination: &str, options: &str) -> Result<MountRecord, ConfigError> {
    if !destination.starts_with('/') {
        return Err(ConfigError::MountPath {
            kind: "tmpfs",
            path: destination.to_owned(),
        });
    }
    let mut tmpfs_options = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let (key, _) = option.split_once('=').unwrap_or((option, ""));
        if !TMPFS_OPTIONS.contains(&key) {
            return Err(ConfigError::Tmpfs(option.to_owned()));
        }
        tmpfs_options.push(option.to_owned());
    }
    Ok(MountRecord {
        point: MountPoint {
            kind: MountType::Tmpfs,
            destination: clean(destination),
            rw: !tmpfs_options.iter().any(|option| option == "ro"),
            ..MountPoint::default()
        },
        tmpfs_options,
        hidden: true,
        ..MountRecord::default()
    })
}

fn from_mount(mount: &Mount) -> Result<MountRecord, ConfigError> {
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

/// Mount flags and tmpfs' own options that a user may set.
const TMPFS_OPTIONS: [&str; 32] = [
    "async",
    "atime",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "gid",
    "mand",
    "mode",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nr_blocks",
    "nr_inodes",
    "private",
    "rbind",
    "relatime",
    "ro",
    "rprivate",
    "rw",
    "shared",
    "size",
    "strictatime",
    "suid",
    "sync",
    "uid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_their_text() {
        for (path, cleaned) in [
            ("/", "/"),
            ("//a/./b/", "/a/b"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("/a/..", "/"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }

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
            assert_eq!(from_mount(&mount).unwrap_err().to_string(), text);
        }
        assert!(
            from_mount(&mount(MountType::Volume, "", "/x"))
                .unwrap()
                .anonymous
        );
    }

    #[test]
    fn tmpfs_options_are_known_ones() {
        assert_eq!(
            from_tmpfs("/t", "size=1m,noexec")
                .unwrap()
                .tmpfs_options
                .len(),
            2
        );
        from_tmpfs("/t", "upperdir=/x").unwrap_err();
        from_tmpfs("t", "").unwrap_err();
    }
}
