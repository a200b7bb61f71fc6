//! Facts about the engine and its host, as `GET /info` shows them.
#![expect(missing_docs, reason = "the names are those of the API description")]

mod host;
mod warnings;

use std::collections::BTreeMap;
use std::fs;

use lockgate_types::Timestamp;
use serde::Serialize;

use crate::config::EngineConfig;
use crate::container::{Status, runtime};
use crate::engine::{Engine, Inner};

use host::{OsRelease, file_system, memory_total, read};

/// The answer of `GET /info` (`SystemInfo`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Info {
    #[serde(rename = "ID")]
    pub id: String,
    pub containers: usize,
    pub containers_running: usize,
    pub containers_paused: usize,
    pub containers_stopped: usize,
    pub images: usize,
    pub driver: String,
    pub driver_status: Vec<[String; 2]>,
    pub plugins: Plugins,
    pub memory_limit: bool,
    pub swap_limit: bool,
    pub cpu_cfs_period: bool,
    pub cpu_cfs_quota: bool,
    #[serde(rename = "CPUShares")]
    pub cpu_shares: bool,
    #[serde(rename = "CPUSet")]
    pub cpu_set: bool,
    pub pids_limit: bool,
    #[serde(rename = "IPv4Forwarding")]
    pub ipv4_forwarding: bool,
    pub debug: bool,
    pub n_fd: usize,
    pub oom_kill_disable: bool,
    pub n_goroutines: usize,
    pub system_time: Timestamp,
    pub logging_driver: String,
    pub cgroup_driver: String,
    pub cgroup_version: String,
    pub n_events_listener: usize,
    pub kernel_version: String,
    pub operating_system: String,
    #[serde(rename = "OSVersion")]
    pub os_version: String,
    #[serde(rename = "OSType")]
    pub os_type: String,
    pub architecture: String,
    #[serde(rename = "NCPU")]
    pub ncpu: usize,
    pub mem_total: u64,
    pub docker_root_dir: String,
    pub http_proxy: String,
    pub https_proxy: String,
    pub no_proxy: String,
    pub name: String,
    pub labels: Vec<String>,
    pub experimental_build: bool,
    pub server_version: String,
    pub runtimes: BTreeMap<String, RuntimeInfo>,
    pub default_runtime: String,
    pub swarm: Swarm,
    pub live_restore_enabled: bool,
    pub isolation: String,
    pub init_binary: String,
    pub containerd_commit: Commit,
    pub runc_commit: Commit,
    pub init_commit: Commit,
    pub security_options: Vec<String>,
    #[serde(rename = "CDISpecDirs")]
    pub cdi_spec_dirs: Vec<String>,
    pub warnings: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Plugins {
    pub volume: Vec<String>,
    pub network: Vec<String>,
    pub authorization: Option<Vec<String>>,
    pub log: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuntimeInfo {
    pub path: String,
    #[serde(rename = "runtimeArgs", skip_serializing_if = "Vec::is_empty")]
    pub runtime_args: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Swarm {
    #[serde(rename = "NodeID")]
    pub node_id: String,
    pub node_addr: String,
    pub local_node_state: String,
    pub control_available: bool,
    pub error: String,
    pub remote_managers: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Commit {
    #[serde(rename = "ID")]
    pub id: String,
}

impl Engine {
    /// How many containers are in which state; each state there is, once.
    pub fn container_states(&self) -> Vec<(&'static str, u64)> {
        let mut counts: Vec<_> = Status::ALL.iter().map(|it| (it.as_str(), 0)).collect();
        for container in self.inner.registry.all() {
            let word = container.facts().state.status.as_str();
            if let Some((_, count)) = counts.iter_mut().find(|(state, _)| *state == word) {
                *count += 1;
            }
        }
        counts
    }

    /// Facts about this engine and its host, as `GET /info` shows them.
    pub fn info(&self) -> Info {
        let inner = &self.inner;
        let config = &inner.config;
        let counts = Counts::of(inner);
        let release = OsRelease::read();
        let name = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let is_v1 = inner.host.is_cgroup_v1;
        let limits = inner.host.limits;
        Info {
            id: inner.id.clone(),
            containers: counts.all,
            containers_running: counts.running,
            containers_paused: counts.paused,
            containers_stopped: counts.stopped,
            images: self.images().count(),
            driver: "overlay2".to_owned(),
            driver_status: driver_status(config),
            plugins: Plugins {
                volume: vec!["local".to_owned()],
                network: ["bridge", "host", "null"].map(str::to_owned).to_vec(),
                authorization: None,
                log: ["json-file", "none"].map(str::to_owned).to_vec(),
            },
            memory_limit: limits.memory,
            swap_limit: limits.swap,
            cpu_cfs_period: limits.cfs,
            cpu_cfs_quota: limits.cfs,
            cpu_shares: limits.shares,
            cpu_set: limits.cpuset,
            pids_limit: limits.pids,
            ipv4_forwarding: read("/proc/sys/net/ipv4/ip_forward") == "1",
            debug: config.debug,
            n_fd: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            oom_kill_disable: limits.oom_kill_disable,
            n_goroutines: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
            system_time: Timestamp::now(),
            logging_driver: config.log.driver.clone(),
            cgroup_driver: if inner.host.has_cgroups {
                "cgroupfs"
            } else {
                "none"
            }
            .to_owned(),
            cgroup_version: if is_v1 { "1" } else { "2" }.to_owned(),
            n_events_listener: inner.events.listeners(),
            kernel_version: text(name.release()),
            operating_system: release.name,
            os_version: release.version,
            os_type: "linux".to_owned(),
            architecture: text(name.machine()),
            ncpu: std::thread::available_parallelism().map_or(1, usize::from),
            mem_total: memory_total(),
            docker_root_dir: config.data_root.to_string_lossy().into_owned(),
            http_proxy: String::new(),
            https_proxy: String::new(),
            no_proxy: String::new(),
            name: text(name.nodename()),
            labels: config.labels.clone(),
            experimental_build: config.experimental,
            server_version: config.version.clone(),
            runtimes: runtimes(config),
            default_runtime: config.default_runtime.clone(),
            swarm: Swarm {
                local_node_state: "inactive".to_owned(),
                ..Swarm::default()
            },
            live_restore_enabled: config.live_restore,
            isolation: String::new(),
            init_binary: config
                .init_path
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default(),
            containerd_commit: Commit::default(),
            runc_commit: Commit::default(),
            init_commit: Commit::default(),
            security_options: security_options(is_v1, config),
            cdi_spec_dirs: config
                .cdi_spec_dirs
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            warnings: warnings::of(&inner.host),
        }
    }
}

#[derive(Default)]
struct Counts {
    all: usize,
    running: usize,
    paused: usize,
    stopped: usize,
}

impl Counts {
    fn of(inner: &Inner) -> Self {
        let mut counts = Self::default();
        for container in inner.registry.all() {
            counts.all += 1;
            match container.facts().state.status {
                Status::Running | Status::Restarting => counts.running += 1,
                Status::Paused => counts.paused += 1,
                Status::Created | Status::Exited | Status::Dead | Status::Removing => {
                    counts.stopped += 1;
                }
            }
        }
        counts
    }
}

fn driver_status(config: &EngineConfig) -> Vec<[String; 2]> {
    let pair = |key: &str, value: &str| [key.to_owned(), value.to_owned()];
    let userxattr = if lockgate_sys::userns::is_nested() {
        "true"
    } else {
        "false"
    };
    vec![
        pair("Backing Filesystem", file_system(&config.data_root)),
        pair("Supports d_type", "true"),
        pair("Using metacopy", "false"),
        pair("Native Overlay Diff", "true"),
        pair("userxattr", userxattr),
    ]
}

fn runtimes(config: &EngineConfig) -> BTreeMap<String, RuntimeInfo> {
    let built_in = RuntimeInfo {
        path: "lockgate-shim".to_owned(),
        runtime_args: Vec::new(),
    };
    let mut all = BTreeMap::from([(EngineConfig::BUILT_IN_RUNTIME.to_owned(), built_in)]);
    for (name, path) in runtime::installed() {
        let path = path.to_string_lossy().into_owned();
        let runtime_args = Vec::new();
        all.insert(name.to_owned(), RuntimeInfo { path, runtime_args });
    }
    for (name, runtime) in &config.runtimes {
        let path = runtime.path.to_string_lossy().into_owned();
        all.insert(
            name.clone(),
            RuntimeInfo {
                path,
                runtime_args: runtime.args.clone(),
            },
        );
    }
    all
}

fn security_options(is_v1: bool, config: &EngineConfig) -> Vec<String> {
    let mut options = Vec::new();
    if crate::apparmor::is_on() {
        options.push("name=apparmor".to_owned());
    }
    options.push("name=seccomp,profile=builtin".to_owned());
    if config.rootless {
        options.push("name=rootless".to_owned());
    }
    if !config.ids.is_identity() {
        options.push("name=userns".to_owned());
    }
    if !is_v1 {
        options.push("name=cgroupns".to_owned());
    }
    options
}
