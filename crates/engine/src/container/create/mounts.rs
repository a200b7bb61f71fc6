//! All mounts of a container, from the five places where they can be asked for.

use std::path::PathBuf;

use lockgate_store::Store;
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
    store: &Store,
) -> Result<Vec<MountRecord>, CreateError> {
    let host = &record.host_config;
    let mut mounts: Vec<MountRecord> = Vec::new();
    for text in host.volumes_from.iter().flatten() {
        for mount in from_container(text, registry)? {
            replace(&mut mounts, mount);
        }
    }
    let mut own = Own::default();
    for text in host.binds.iter().flatten() {
        let mut mount = bind::parse(text)?;
        driver_of(&mut mount, &host.volume_driver);
        own.add(mount, None)?;
    }
    for mount in host.mounts.iter().flatten() {
        own.add(typed::parse(mount, store)?, Some(&mount.target))?;
    }
    for (destination, options) in host.tmpfs.iter().flatten() {
        own.add(from_tmpfs(destination, options)?, Some(destination))?;
    }
    for mount in own.0 {
        replace(&mut mounts, mount);
    }
    volumes_of_image(record, &mut mounts)?;
    Ok(mounts)
}

/// What the container itself asks for: nothing twice in one place.
#[derive(Default)]
struct Own(Vec<MountRecord>);

impl Own {
    /// `said` is the destination in the caller's words.
    fn add(&mut self, mount: MountRecord, said: Option<&str>) -> Result<(), ConfigError> {
        let destination = &mount.point.destination;
        let taken = |other: &MountRecord| other.point.destination == *destination;
        if self.0.iter().any(taken) {
            let said = said.unwrap_or(destination);
            return Err(ConfigError::DuplicateMount(said.to_owned()));
        }
        self.0.push(mount);
        Ok(())
    }
}

/// `HostConfig.VolumeDriver` is the driver of the volumes that name none.
fn driver_of(mount: &mut MountRecord, driver: &str) {
    if mount.point.kind == MountType::Volume && !driver.is_empty() {
        driver.clone_into(&mut mount.point.driver);
    }
}

/// `Volumes` of the configuration, its image's among them.
fn volumes_of_image(record: &Record, mounts: &mut Vec<MountRecord>) -> Result<(), ConfigError> {
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
            });
        }
        let destination = clean(destination);
        if destination == "/" {
            return Err(ConfigError::MountRoot { kind: "volume" });
        }
        if !mounts
            .iter()
            .any(|mount| mount.point.destination == destination)
        {
            let mut mount = anonymous(destination);
            driver_of(&mut mount, &record.host_config.volume_driver);
            mounts.push(mount);
        }
    }
    Ok(())
}

/// A path without `.`, `..`, doubled and trailing slashes, by its text alone.
pub(crate) fn clean(path: &str) -> String {
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

/// Notes what binds, and devices of volumes, must be below, at every start; what is written to, below what is not read-only.
pub(super) fn confine(mounts: &mut [MountRecord], roots: &[(PathBuf, bool)]) {
    for mount in mounts {
        let rw = mount.point.rw;
        let fit = roots.iter().filter(|(_, read_only)| !(rw && *read_only));
        let fit = Some(fit.map(|(path, _)| path.clone()).collect());
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others show nothing of the host"
        )]
        match mount.point.kind {
            MountType::Bind => mount.within = fit,
            MountType::Volume => mount.device_within = fit,
            _ => {}
        }
    }
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
    if text.is_empty() {
        return Err(ConfigError::VolumesFromEmpty.into());
    }
    let (name, mode) = text.split_once(':').unwrap_or((text, "rw"));
    if !mode
        .split(',')
        .all(|word| matches!(word, "rw" | "ro" | "z" | "Z"))
    {
        return Err(ConfigError::VolumesFromMode(mode.to_owned()).into());
    }
    // Not the error of a lookup: clients would take that for a missing image and pull it.
    let other = registry
        .find(name)
        .map_err(|_error| ConfigError::NoContainer(name.to_owned()))?
        .facts();
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
        mount.point.rw &= !mode.split(',').any(|word| word == "ro");
    }
    Ok(mounts)
}

fn from_tmpfs(destination: &str, options: &str) -> Result<MountRecord, ConfigError> {
    if !destination.starts_with('/') {
        return Err(ConfigError::TmpfsPath(destination.to_owned()));
    }
    if clean(destination) == "/" {
        return Err(ConfigError::TmpfsRoot);
    }
    // dockerd looks at the options when the container starts.
    let tmpfs_options: Vec<String> = options
        .split(',')
        .filter(|option| !option.is_empty())
        .map(str::to_owned)
        .collect();
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
    fn a_tmpfs_has_an_absolute_place() {
        assert_eq!(
            from_tmpfs("/t/", "size=1m,noexec")
                .unwrap()
                .tmpfs_options
                .len(),
            2
        );
        let text = |path: &str| from_tmpfs(path, "").unwrap_err().to_string();
        assert_eq!(
            text("t"),
            "invalid mount path: 't' mount path must be absolute"
        );
        assert_eq!(
            text("/."),
            "invalid specification: destination can't be '/'"
        );
    }
}
