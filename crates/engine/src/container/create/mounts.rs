//! All mounts of a container, from the five places where they can be asked for.

use lockgate_types::container::{MountPoint, MountType};

use super::{bind, typed};
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
        own.push(typed::parse(mount)?);
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
