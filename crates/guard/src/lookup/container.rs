//! Containers, and what runs in them.

use std::collections::BTreeMap;

use lockgate_access::{Object, Power, Wish};
use lockgate_types::container::{HostConfig, LogConfig};
use serde::Deserialize;

use super::{Looker, read, unknown};
use crate::error::GuardError;

/// What matters of `GET /containers/{id}/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inspect {
    id: String,
    config: Config,
    host_config: HostConfig,
    mounts: Option<Vec<MountPoint>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

/// A mount as it is, with those of `VolumesFrom`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MountPoint {
    #[serde(rename = "Type")]
    kind: String,
    name: String,
    source: String,
    #[serde(rename = "RW")]
    writable: bool,
}

/// What matters of `GET /exec/{id}/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exec {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "ContainerID")]
    container: String,
    #[serde(rename = "ProcessConfig")]
    process: Process,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Process {
    privileged: bool,
}

impl Looker {
    pub(super) async fn container(&self, name: &str) -> Result<Option<Object>, GuardError> {
        let Some(told) = self.ask("containers", name, "/json").await? else {
            return Ok(None);
        };
        let Some(inspect) = read::<Inspect>(&told) else {
            return Ok(Some(unknown(name)));
        };
        if inspect.id.is_empty() {
            return Ok(Some(unknown(name)));
        }
        let host = ordinary(inspect.host_config);
        let labels = inspect.config.labels.unwrap_or_default();
        let image = inspect.config.image;
        let mut object = Object::container(inspect.id, image, labels, &host);
        for mount in inspect.mounts.into_iter().flatten() {
            object.wishes.extend(self.mounted(&mount).await?);
        }
        Ok(Some(object))
    }

    /// The power that a mount gives: a path of the host, or what the options of a volume say.
    async fn mounted(&self, mount: &MountPoint) -> Result<Vec<Wish>, GuardError> {
        Ok(match mount.kind.as_str() {
            "volume" => {
                let volume = self.volume(&mount.name).await?;
                volume.map(|volume| volume.wishes).unwrap_or_default()
            }
            "tmpfs" | "image" => Vec::new(),
            _ => vec![Wish {
                power: Power::HostPath,
                detail: mount.source.clone(),
                read_only: !mount.writable,
            }],
        })
    }

    /// An exec has what its container has. Who prepared it is known if it was prepared here.
    pub(super) async fn exec(&self, id: &str) -> Result<Option<Object>, GuardError> {
        let Some(told) = self.ask("exec", id, "/json").await? else {
            return Ok(None);
        };
        let Some(exec) = read::<Exec>(&told) else {
            return Ok(Some(unknown(id)));
        };
        let Some(container) = self.container(&exec.container).await? else {
            return Ok(None);
        };
        let mut wishes = container.wishes;
        if exec.process.privileged {
            wishes.push(Wish {
                power: Power::Privileged,
                detail: String::new(),
                read_only: false,
            });
        }
        let creator = self.execs.creator(&exec.id);
        Ok(Some(Object {
            id: exec.id,
            creator: Some(creator.unwrap_or_else(|| "nobody known".to_owned())),
            wishes,
            ..container
        }))
    }
}

/// What daemons write into the configuration of every container, whoever asked for it, is no power
/// that somebody gave it: where its log goes, the default runtime, the paths that are hidden.
fn ordinary(mut host: HostConfig) -> HostConfig {
    if ORDINARY_RUNTIMES.contains(&host.runtime.as_str()) {
        host.runtime.clear();
    }
    host.log_config = LogConfig::default();
    if let Some(annotations) = &mut host.annotations {
        annotations.retain(|key, _| !OF_PODMAN.iter().any(|own| key.starts_with(own)));
    }
    // Names of control groups alone, and the default with cgroup v1.
    host.cgroupns_mode.clear();
    let hides = |paths: &Vec<String>, all: &[&str]| {
        all.iter().all(|path| paths.iter().any(|own| own == path))
    };
    host.masked_paths.take_if(|paths| hides(paths, &MASKED));
    host.readonly_paths
        .take_if(|paths| hides(paths, &READ_ONLY));
    host
}

/// What podman notes on every container.
const OF_PODMAN: [&str; 4] = [
    "io.container.manager",
    "io.kubernetes.cri-o.",
    "io.podman.annotations.",
    "org.opencontainers.image.",
];
/// The default runtimes of dockerd and podman. Another one under these names is the administrator's.
const ORDINARY_RUNTIMES: [&str; 4] = ["runc", "io.containerd.runc.v2", "crun", "oci"];
/// Hidden by every release of dockerd since 18.09; newer ones hide more.
const MASKED: [&str; 7] = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn powers(host: serde_json::Value) -> Vec<Power> {
        let host = ordinary(serde_json::from_value(host).unwrap());
        let object = Object::container("id".to_owned(), String::new(), BTreeMap::new(), &host);
        object.wishes.iter().map(|wish| wish.power).collect()
    }

    #[test]
    fn what_every_container_of_dockerd_has_is_no_power() {
        let plain = serde_json::json!({
            "Runtime": "runc", "LogConfig": { "Type": "syslog", "Config": { "syslog-address": "udp://192.0.2.1" } },
            "Annotations": { "io.container.manager": "libpod", "org.opencontainers.image.stopSignal": "15" }, "CgroupnsMode": "host", "IpcMode": "private",
            "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
            "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        });
        assert_eq!(powers(plain), []);
    }

    #[test]
    fn what_somebody_gave_it_is() {
        for (host, power) in [
            (serde_json::json!({ "Privileged": true }), Power::Privileged),
            (serde_json::json!({ "MaskedPaths": [] }), Power::Security),
            (
                serde_json::json!({ "ReadonlyPaths": ["/proc/bus"] }),
                Power::Security,
            ),
            (serde_json::json!({ "Runtime": "kata" }), Power::Runtime),
            (
                serde_json::json!({ "PidMode": "host" }),
                Power::HostNamespace,
            ),
            (serde_json::json!({ "Binds": ["/:/host"] }), Power::HostPath),
        ] {
            assert_eq!(powers(host.clone()), [power], "{host}");
        }
    }
}
