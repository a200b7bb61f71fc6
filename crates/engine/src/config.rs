//! What an engine needs to know before it can start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_types::container::Ulimit;
use lockgate_types::{ErrorKind, IdMapping};

/// Everything that can be chosen about an engine; several may run side by side.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Durable state, `/var/lib/lockgate`.
    pub data_root: PathBuf,
    /// State of running containers, `/run/lockgate`; may be lost with a reboot.
    pub exec_root: PathBuf,
    /// The `lockgate-shim` executable.
    pub shim_path: PathBuf,
    /// A small init for `--init`; without one the shim is used, which can be one.
    pub init_path: Option<PathBuf>,
    /// External OCI runtimes by name; the built-in one is `lockgate` and always there.
    pub runtimes: BTreeMap<String, RuntimeSpec>,
    /// The runtime of containers that name none.
    pub default_runtime: String,
    /// Parent of all containers' cgroups, `/lockgate`.
    pub cgroup_parent: String,
    /// The default bridge; without it containers have no `bridge` network.
    pub bridge: Option<lockgate_net::BridgeConfig>,
    /// The socket of the process that publishes ports, if this is not the host's network.
    pub ports_outside: Option<PathBuf>,
    /// Run by an ordinary user, in a user namespace; shown by `info`.
    pub rootless: bool,
    /// Logging of containers that say nothing about it.
    pub log: LogDefaults,
    /// Limits of every container that does not set its own, by name.
    pub default_ulimits: BTreeMap<String, Ulimit>,
    /// Size of `/dev/shm` in bytes, 64 MiB by default.
    pub default_shm_size: i64,
    /// Name servers for containers; empty: those of the host.
    pub dns: Vec<String>,
    /// Resolver options for containers; empty: those of the host.
    pub dns_options: Vec<String>,
    /// Where files that describe devices are, a later directory before an earlier one.
    pub cdi_spec_dirs: Vec<PathBuf>,
    /// Search domains for containers; empty: those of the host.
    pub dns_search: Vec<String>,
    /// Whether containers keep running when the engine is closed.
    pub live_restore: bool,
    /// Seconds that a stopped container gets before SIGKILL at shutdown, 15 by default.
    pub shutdown_timeout: u32,
    /// Labels of this engine, shown by `info`.
    pub labels: Vec<String>,
    /// The product version, shown by `info`.
    pub version: String,
    /// Set by `--debug`, shown by `info`.
    pub debug: bool,
    /// Shown by `info`.
    pub experimental: bool,
    /// Who containers' users are on this host; the data root belongs to one mapping.
    pub ids: IdMapping,
}

/// An external OCI runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeSpec {
    /// The executable, by path or by name in `$PATH`.
    pub path: PathBuf,
    /// Arguments before the command.
    pub args: Vec<String>,
}

/// Logging of containers whose `LogConfig` names no driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDefaults {
    /// `json-file` or `none`.
    pub driver: String,
    /// Options such as `max-size` and `max-file`.
    pub options: BTreeMap<String, String>,
}

impl Default for LogDefaults {
    fn default() -> Self {
        Self {
            driver: "json-file".to_owned(),
            options: BTreeMap::new(),
        }
    }
}

impl EngineConfig {
    /// The name of the built-in runtime.
    pub const BUILT_IN_RUNTIME: &'static str = "lockgate";

    /// Who the users of a container are on this host, if it says this of its user namespace.
    pub(crate) fn ids_of(&self, userns_mode: &str) -> Option<&IdMapping> {
        (userns_mode != "host" && !self.ids.is_identity()).then_some(&self.ids)
    }

    /// A configuration with all defaults, for these roots and this shim.
    pub fn new(data_root: PathBuf, exec_root: PathBuf, shim_path: PathBuf) -> Self {
        Self {
            data_root,
            exec_root,
            shim_path,
            init_path: None,
            runtimes: BTreeMap::new(),
            default_runtime: Self::BUILT_IN_RUNTIME.to_owned(),
            cgroup_parent: "/lockgate".to_owned(),
            bridge: None,
            ports_outside: None,
            rootless: false,
            log: LogDefaults::default(),
            default_ulimits: BTreeMap::new(),
            default_shm_size: 64 << 20,
            cdi_spec_dirs: ["/etc/cdi", "/var/run/cdi"].map(PathBuf::from).into(),
            dns: Vec::new(),
            dns_options: Vec::new(),
            dns_search: Vec::new(),
            live_restore: true,
            shutdown_timeout: 15,
            labels: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            debug: false,
            experimental: false,
            ids: IdMapping::default(),
        }
    }
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A directory or file of the roots cannot be used.
    #[error("cannot use `{}`", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The image store does not open.
    #[error("cannot open the image store")]
    Store(#[source] lockgate_store::StoreError),
    /// The default bridge cannot be set up.
    #[error("cannot set up the default bridge")]
    Network(#[source] lockgate_net::NetError),
    /// The default runtime is neither built in nor configured.
    #[error("specified default runtime `{0}` does not exist")]
    Runtime(String),
}

impl OpenError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Path { .. } | Self::Store(_) | Self::Network(_) => ErrorKind::Internal,
            Self::Runtime(_) => ErrorKind::InvalidInput,
        }
    }
}
