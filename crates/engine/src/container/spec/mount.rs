//! The mounts of a container, in the order in which they are made.

use std::path::Path;

use lockgate_runtime::spec::{default_mounts, mount};
use lockgate_types::container::MountType;
use oci_spec::runtime::Mount;

use super::process::INIT;
use super::{Inputs, Peers};
use crate::container::config_error::ConfigError;
use crate::container::record::{MountRecord, Record};

/// Defaults, the engine's three files, shared memory, then the user's own, shallow ones first. What
/// the user mounts replaces a default in the same place.
pub(super) fn build(inputs: &Inputs<'_>) -> Result<Vec<Mount>, ConfigError> {
    let record = inputs.record;
    let host = &record.host_config;
    let own_shm =
        inputs.peers.ipc.is_none() && matches!(host.ipc_mode.as_str(), "private" | "shareable");
    let shm_size = own_shm.then(|| u64::try_from(host.shm_size).unwrap_or_default());
    let mut mounts = default_mounts(shm_size, host.privileged);
    if host.ipc_mode == "host" {
        mounts.retain(|mount| mount.destination() != Path::new("/dev/mqueue"));
        mounts.push(bind("/dev/mqueue", "/dev/mqueue", &["rbind", "rprivate"]));
    }
    mounts.extend(shared_memory(inputs.peers, &host.ipc_mode));
    for name in ["resolv.conf", "hostname", "hosts"] {
        let source = inputs.directory.join(name);
        let access = if host.readonly_rootfs { "ro" } else { "rw" };
        let target = format!("/etc/{name}");
        mounts.push(bind(
            &source.to_string_lossy(),
            &target,
            &["rbind", "rprivate", access],
        ));
    }
    if host.init == Some(true) {
        // The shim is an init as well, when it is called by that name.
        let init = inputs
            .engine
            .init_path
            .as_ref()
            .unwrap_or(&inputs.engine.shim_path);
        mounts.push(bind(&init.to_string_lossy(), INIT, &["bind", "ro"]));
    }
    let mut own: Vec<&MountRecord> = record.mounts.iter().collect();
    own.sort_by_key(|mount| mount.point.destination.matches('/').count());
    for mount in own {
        let target = Path::new(&mount.point.destination);
        mounts.retain(|other| other.destination() != target);
        mounts.push(user_mount(mount)?);
    }
    Ok(mounts)
}

/// Shared or slave mounts need a root that lets them through.
pub(super) fn root_propagation(record: &Record) -> Option<String> {
    let spreads = |word: &str| {
        record
            .mounts
            .iter()
            .any(|mount| mount.point.propagation.trim_start_matches('r') == word)
    };
    if spreads("shared") {
        Some("rshared".to_owned())
    } else if spreads("slave") {
        Some("rslave".to_owned())
    } else {
        None
    }
}

fn bind(source: &str, target: &str, options: &[&str]) -> Mount {
    mount(target, "bind", source, options)
}

/// `/dev/shm` of the host or of the container whose IPC namespace is shared.
fn shared_memory(peers: Peers, mode: &str) -> Option<Mount> {
    let source = match (peers.ipc, mode) {
        (Some(pid), _) => format!("/proc/{pid}/root/dev/shm"),
        (None, "host") => "/dev/shm".to_owned(),
        (None, _) => return None,
    };
    Some(bind(&source, "/dev/shm", &["rbind", "rprivate"]))
}

fn user_mount(record: &MountRecord) -> Result<Mount, ConfigError> {
    let point = &record.point;
    let access = if point.rw { "rw" } else { "ro" };
    match point.kind {
        MountType::Tmpfs => {
            let mut options = vec!["noexec", "nosuid", "nodev"];
            options.retain(|option| {
                !record
                    .tmpfs_options
                    .iter()
                    .any(|own| own == option.trim_start_matches("no"))
            });
            options.extend(record.tmpfs_options.iter().map(String::as_str));
            if !point.rw && !options.contains(&"ro") {
                options.push("ro");
            }
            Ok(mount(&point.destination, "tmpfs", "tmpfs", &options))
        }
        MountType::Bind | MountType::Volume => {
            let recursion = if record.non_recursive {
                "bind"
            } else {
                "rbind"
            };
            let propagation = if point.propagation.is_empty() {
                "rprivate"
            } else {
                point.propagation.as_str()
            };
            Ok(bind(
                &point.source,
                &point.destination,
                &[recursion, propagation, access],
            ))
        }
        MountType::Cluster => Err(ConfigError::MountKind("cluster")),
        MountType::Image => Err(ConfigError::MountKind("image")),
        MountType::Npipe => Err(ConfigError::MountKind("npipe")),
    }
}
