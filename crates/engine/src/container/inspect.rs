//! What a container is and how it is doing.

use std::collections::BTreeMap;

use lockgate_types::container::{ContainerConfig, HostConfig};

use super::Containers;
use super::create::by_alias;
use super::error::InspectError;
use super::handle::{Container, Facts};
use super::record::Record;
use super::state::{RunState, Status};
use super::view::{GraphDriver, Inspect, InspectState};
use crate::engine::Inner;
use crate::network;

impl Containers {
    /// What a container is and how it is doing; `size` also measures its layers.
    pub async fn inspect(&self, name: &str, size: bool) -> Result<Inspect, InspectError> {
        let container = self.inner.registry.find(name)?;
        let facts = container.facts();
        let mut inspect = view(&self.inner, &container, &facts);
        if size {
            let size_rw = self.layer_size(&container).await;
            inspect.size_rw = Some(size_rw);
            inspect.size_root_fs = Some(size_rw + image_size(&self.inner, &facts.record));
        }
        Ok(inspect)
    }
}

/// Bytes of the image's layers.
pub(super) fn image_size(engine: &Inner, record: &Record) -> i64 {
    record
        .image
        .as_ref()
        .and_then(|id| engine.store.image(id))
        .map_or(0, |image| image.size)
}

fn view(engine: &Inner, container: &Container, facts: &Facts) -> Inspect {
    let Facts { record, state } = facts;
    let path = |name: &str| {
        container
            .directory
            .join(name)
            .to_string_lossy()
            .into_owned()
    };
    let has_log = record.host_config.log_config.kind == "json-file";
    Inspect {
        id: record.id.clone(),
        created: record.created,
        path: record.path.clone(),
        args: record.args.clone(),
        state: state_view(state),
        image: record
            .image
            .map(|image| image.to_string())
            .unwrap_or_default(),
        resolv_conf_path: path("resolv.conf"),
        hostname_path: path("hostname"),
        hosts_path: path("hosts"),
        log_path: if has_log {
            container.log_path().to_string_lossy().into_owned()
        } else {
            String::new()
        },
        name: format!("/{}", record.name),
        restart_count: state.restart_count,
        driver: "overlay2".to_owned(),
        platform: "linux".to_owned(),
        mount_label: String::new(),
        process_label: String::new(),
        app_armor_profile: crate::apparmor::profile_of(&record.host_config).unwrap_or_default(),
        exec_ids: engine.execs.of(&record.id),
        host_config: HostConfig {
            links: links(engine, record),
            ..record.host_config.clone()
        },
        graph_driver: graph_driver(engine, record),
        size_rw: None,
        size_root_fs: None,
        mounts: record
            .mounts
            .iter()
            .filter(|m| !m.hidden)
            .map(|m| m.point.clone())
            .collect(),
        config: ContainerConfig {
            mac_address: wanted_mac(record),
            ..record.config.clone()
        },
        network_settings: network::settings(&engine.networks, record, state),
    }
}

/// The hardware address asked for, by whichever of its two fields.
fn wanted_mac(record: &Record) -> String {
    let asked = &record.config.mac_address;
    let settings = record.networks.get(&record.host_config.network_mode);
    match settings {
        Some(settings) if asked.is_empty() => settings.mac_address.clone(),
        _ => asked.clone(),
    }
}

/// Links with full names, `/container:/owner/alias`; those to containers that are gone are left out.
fn links(engine: &Inner, record: &Record) -> Option<Vec<String>> {
    let links: Vec<String> = by_alias(&record.host_config)
        .into_iter()
        .filter_map(|(alias, target)| {
            let target = engine
                .registry
                .find(target)
                .ok()?
                .facts()
                .record
                .name
                .clone();
            Some(format!("/{target}:/{}/{alias}", record.name))
        })
        .collect();
    (!links.is_empty()).then_some(links)
}

fn state_view(state: &RunState) -> InspectState {
    let status = state.status;
    InspectState {
        status: status.as_str(),
        // Docker's clients see a container that waits for its restart as running.
        running: status.has_process() || status == Status::Restarting,
        paused: status == Status::Paused,
        restarting: status == Status::Restarting,
        oom_killed: state.oom_killed,
        dead: status == Status::Dead,
        pid: state.pid,
        exit_code: state.exit_code,
        error: state.error.clone(),
        started_at: state.started_at,
        finished_at: state.finished_at,
        health: state.health.clone(),
    }
}

fn graph_driver(engine: &Inner, record: &Record) -> GraphDriver {
    let mut data = BTreeMap::from([("ID".to_owned(), record.id.to_string())]);
    if let Ok(snapshot) = engine.store.snapshot(&record.id) {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let lower: Vec<String> = snapshot.lower.iter().map(|path| text(path)).collect();
        let merged = engine
            .config
            .exec_root
            .join("containers")
            .join(record.id.as_str())
            .join("rootfs");
        data.insert("LowerDir".to_owned(), lower.join(":"));
        data.insert("MergedDir".to_owned(), text(&merged));
        data.insert("UpperDir".to_owned(), text(&snapshot.upper));
        data.insert("WorkDir".to_owned(), text(&snapshot.work));
    }
    GraphDriver {
        data,
        name: "overlay2".to_owned(),
    }
}
