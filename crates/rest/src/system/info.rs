//! `GET /info`

use std::collections::BTreeMap;

use http::StatusCode;
use lockgate_api::Shape;
use lockgate_api::latest::system as wire;
use lockgate_engine::{Commit, Info, Plugins};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn info(ask: &Ask) -> Result<Reply, Failure> {
    let mut info = encode(ask.engine.info());
    if let Some(own) = ask.own_containers().await? {
        let of =
            |states: &[&str]| count(own.iter().filter(|it| states.contains(&it.state)).count());
        info.containers = count(own.len());
        info.containers_running = of(&["running", "restarting"]);
        info.containers_paused = of(&["paused"]);
        info.containers_stopped =
            info.containers - info.containers_running - info.containers_paused;
    }
    info.shape(ask.version());
    let text = info.encode(ask.version());
    Ok(reply::json_bytes(StatusCode::OK, text))
}

fn encode(info: Info) -> wire::Info {
    let status = info
        .driver_status
        .into_iter()
        .map(|[key, value]| (key, value))
        .collect();
    wire::Info {
        id: info.id,
        containers: count(info.containers),
        containers_running: count(info.containers_running),
        containers_paused: count(info.containers_paused),
        containers_stopped: count(info.containers_stopped),
        images: count(info.images),
        driver: info.driver,
        driver_status: status,
        plugins: plugins(info.plugins),
        memory_limit: info.memory_limit,
        swap_limit: info.swap_limit,
        cpu_cfs_period: info.cpu_cfs_period,
        cpu_cfs_quota: info.cpu_cfs_quota,
        cpu_shares: info.cpu_shares,
        cpu_set: info.cpu_set,
        pids_limit: info.pids_limit,
        ipv4_forwarding: info.ipv4_forwarding,
        debug: info.debug,
        n_fd: count(info.n_fd),
        oom_kill_disable: info.oom_kill_disable,
        n_goroutines: count(info.n_goroutines),
        system_time: info.system_time.to_string(),
        logging_driver: info.logging_driver,
        cgroup_driver: info.cgroup_driver,
        cgroup_version: info.cgroup_version,
        n_events_listener: count(info.n_events_listener),
        kernel_version: info.kernel_version,
        operating_system: info.operating_system,
        os_version: info.os_version,
        os_type: info.os_type,
        architecture: info.architecture,
        index_server_address: INDEX_SERVER.to_owned(),
        registry_config: Some(registry_config()),
        ncpu: count(info.ncpu),
        mem_total: i64::try_from(info.mem_total).unwrap_or(i64::MAX),
        docker_root_dir: info.docker_root_dir,
        http_proxy: info.http_proxy,
        https_proxy: info.https_proxy,
        no_proxy: info.no_proxy,
        name: info.name,
        labels: info.labels,
        experimental_build: info.experimental_build,
        server_version: info.server_version,
        runtimes: runtimes(info.runtimes),
        default_runtime: info.default_runtime,
        swarm: wire::Swarm {
            local_node_state: "inactive".to_owned(),
            ..wire::Swarm::default()
        },
        live_restore_enabled: info.live_restore_enabled,
        isolation: info.isolation,
        init_binary: info.init_binary,
        containerd_commit: commit(info.containerd_commit),
        runc_commit: commit(info.runc_commit),
        init_commit: commit(info.init_commit),
        security_options: info.security_options,
        firewall_backend: Some(wire::Firewall {
            driver: "nftables".to_owned(),
            info: None,
        }),
        cdi_spec_dirs: Some(info.cdi_spec_dirs),
        warnings: info.warnings,
        ..wire::Info::default()
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn plugins(plugins: Plugins) -> wire::Plugins {
    wire::Plugins {
        volume: Some(plugins.volume),
        network: Some(plugins.network),
        authorization: plugins.authorization,
        log: Some(plugins.log),
    }
}

fn commit(commit: Commit) -> wire::Commit {
    wire::Commit {
        id: commit.id,
        expected: None,
    }
}

fn runtimes(
    runtimes: BTreeMap<String, lockgate_engine::RuntimeInfo>,
) -> BTreeMap<String, wire::Runtime> {
    let encode = |runtime: lockgate_engine::RuntimeInfo| wire::Runtime {
        path: runtime.path,
        args: Some(runtime.runtime_args).filter(|args| !args.is_empty()),
        status: None,
    };
    runtimes
        .into_iter()
        .map(|(name, runtime)| (name, encode(runtime)))
        .collect()
}

/// What clients read as "no registry but the default one".
fn registry_config() -> wire::RegistryConfig {
    let hub = wire::IndexConfig {
        name: "docker.io".to_owned(),
        official: true,
        secure: true,
        ..wire::IndexConfig::default()
    };
    wire::RegistryConfig {
        index_configs: BTreeMap::from([("docker.io".to_owned(), hub)]),
        insecure_registry_cidrs: vec!["::1/128".to_owned(), "127.0.0.0/8".to_owned()],
        ..wire::RegistryConfig::default()
    }
}

/// Under this name clients keep the logins of the default registry.
const INDEX_SERVER: &str = "https://index.docker.io/v1/";
