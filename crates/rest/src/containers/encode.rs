//! The engine's view of a container as the API's newest types.

use lockgate_api::latest::container as wire;
use lockgate_engine as engine;

/// One line of a list.
pub(crate) fn summary(from: engine::Summary) -> wire::Summary {
    let host = from.host_config;
    wire::Summary {
        id: from.id.to_string(),
        names: from.names,
        image: from.image,
        image_id: from.image_id,
        command: from.command,
        created: from.created,
        ports: from.ports.into_iter().map(port).collect(),
        size_rw: from.size_rw.unwrap_or_default(),
        size_root_fs: from.size_root_fs.unwrap_or_default(),
        labels: from.labels,
        state: from.state.to_owned(),
        status: from.status,
        health: Some(health_summary(from.health)),
        host_config: wire::SummaryHostConfig {
            network_mode: host.network_mode,
            annotations: host.annotations,
        },
        network_settings: wire::SummaryNetworkSettings {
            networks: from.network_settings.networks,
        },
        mounts: from.mounts,
    }
}

fn port(from: engine::PortSummary) -> wire::PortSummary {
    wire::PortSummary {
        ip: from.ip,
        private_port: from.private_port,
        public_port: from.public_port.unwrap_or_default(),
        kind: from.kind,
    }
}

/// Everything about one.
pub(super) fn inspect(from: engine::Inspect) -> wire::Inspect {
    wire::Inspect {
        id: from.id.to_string(),
        created: from.created,
        path: from.path,
        args: from.args,
        state: state(from.state),
        image: from.image,
        resolv_conf_path: from.resolv_conf_path,
        hostname_path: from.hostname_path,
        hosts_path: from.hosts_path,
        log_path: from.log_path,
        name: from.name,
        restart_count: from.restart_count,
        driver: from.driver,
        platform: from.platform,
        mount_label: from.mount_label,
        process_label: from.process_label,
        app_armor_profile: from.app_armor_profile,
        exec_ids: from.exec_ids,
        host_config: from.host_config,
        graph_driver: Some(wire::GraphDriver {
            data: Some(from.graph_driver.data),
            name: from.graph_driver.name,
        }),
        storage: None,
        size_rw: from.size_rw,
        size_root_fs: from.size_root_fs,
        mounts: from.mounts,
        config: from.config,
        network_settings: network_settings(from.network_settings),
    }
}

fn state(from: engine::InspectState) -> wire::State {
    wire::State {
        status: from.status.to_owned(),
        running: from.running,
        paused: from.paused,
        restarting: from.restarting,
        oom_killed: from.oom_killed,
        dead: from.dead,
        pid: i64::from(from.pid),
        exit_code: i64::from(from.exit_code),
        error: from.error,
        started_at: from.started_at,
        finished_at: from.finished_at,
        health: from.health.map(health),
    }
}

fn health(from: engine::Health) -> wire::Health {
    let log = from.log.into_iter().map(|probe| wire::HealthLog {
        start: probe.start,
        end: probe.end,
        exit_code: i64::from(probe.exit_code),
        output: probe.output,
    });
    wire::Health {
        status: from.status.as_str().to_owned(),
        failing_streak: from.failing_streak,
        log: log.collect(),
    }
}

/// A container without a check has a summary all the same.
fn health_summary(from: Option<engine::Health>) -> wire::HealthSummary {
    match from {
        Some(health) => wire::HealthSummary {
            status: health.status.as_str().to_owned(),
            failing_streak: health.failing_streak,
        },
        None => wire::HealthSummary {
            status: "none".to_owned(),
            failing_streak: 0,
        },
    }
}

/// The older half is written by `shape`.
fn network_settings(from: engine::NetworkSettings) -> wire::NetworkSettings {
    wire::NetworkSettings {
        sandbox_id: from.sandbox_id,
        sandbox_key: from.sandbox_key,
        ports: from.ports,
        networks: from.networks,
        ..wire::NetworkSettings::default()
    }
}
