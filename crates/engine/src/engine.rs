//! The engine's handle and what its parts share.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockgate_net::outside::Outside;
use lockgate_net::{Bridge, NetError, Shared, netns};
use lockgate_runtime::cgroup::Cgroup;
use lockgate_store::Store;
use lockgate_sys::file::{Durability, write_atomic};
use lockgate_types::{ContainerId, random_hex};
use tokio::sync::watch;

use crate::apparmor;
use crate::config::{EngineConfig, OpenError};
use crate::container::registry::Registry;
use crate::container::start::staging;
use crate::container::{Containers, StopOptions, restore};
use crate::event::Events;
use crate::exec::{Execs, Table};
use crate::host::HostFacts;
use crate::image::Images;
use crate::network::{Builtin, Custom, Defaults, Known, NameServers, Networks};
use crate::volume::{LocalVolumes, Volumes};

/// A running container engine. Clones are cheap and mean the same engine; once the last one is
/// gone the engine lets go of its containers, which run on.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
    _guard: Arc<Guard>,
}

/// What the parts of an engine share.
pub(crate) struct Inner {
    pub(crate) config: EngineConfig,
    pub(crate) id: String,
    pub(crate) host: HostFacts,
    pub(crate) events: Events,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) bridge: Option<Bridge>,
    pub(crate) networks: Known,
    pub(crate) name_servers: NameServers,
    /// Where work of the engine's own runs.
    pub(crate) tasks: tokio::runtime::Handle,
    pub(crate) volumes: LocalVolumes,
    pub(crate) execs: Table,
    /// Drivers end when it turns true.
    pub(crate) closing: watch::Sender<bool>,
    /// The engine stops all containers: not somebody's wish for each of them.
    pub(crate) shutting_down: AtomicBool,
    pub(crate) pruning: AtomicBool,
}

/// Ends the drivers with the last handle.
struct Guard(Arc<Inner>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.closing.send_replace(true);
    }
}

impl Engine {
    /// Opens the roots, finds the containers that are there, and adopts those that run.
    pub async fn open(config: EngineConfig) -> Result<Self, OpenError> {
        if crate::container::runtime::choose("", &config).is_err() {
            return Err(OpenError::Runtime(config.default_runtime));
        }
        let opening = tokio::task::spawn_blocking(move || Inner::open(config));
        let inner = match opening.await {
            Ok(inner) => Arc::new(inner?),
            Err(error) => {
                let source = io::Error::other(error);
                return Err(OpenError::Path {
                    path: PathBuf::new(),
                    source,
                });
            }
        };
        restore::restore(&inner).await?;
        let guard = Arc::new(Guard(Arc::clone(&inner)));
        Ok(Self {
            inner,
            _guard: guard,
        })
    }

    /// Stops serving: containers keep running with `live_restore`, else they are stopped.
    pub async fn close(&self) {
        self.inner.shutting_down.store(true, Ordering::Release);
        if !self.inner.config.live_restore {
            self.stop_all().await;
        }
        self.inner.closing.send_replace(true);
        self.leave_no_network().await;
    }

    /// Looks whether other people's firewall rules still let the containers' packets pass, and mends
    /// that. They are often reloaded as a whole, behind our back.
    pub async fn recheck_firewall(&self) {
        let inner = Arc::clone(&self.inner);
        let checked = tokio::task::spawn_blocking(move || {
            inner
                .bridge
                .as_ref()
                .map_or(Ok(()), Bridge::recheck_firewall)
        });
        match checked.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "cannot mend the firewall"),
            Err(error) => tracing::error!(%error, "cannot look at the firewall"),
        }
    }

    /// A host on which nothing of ours runs any more keeps no bridge, no rules and no empty cgroup.
    async fn leave_no_network(&self) {
        if self.runs_anything() {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let closed = tokio::task::spawn_blocking(move || {
            if let Ok(parent) = Cgroup::open(&Path::new("/").join(&inner.config.cgroup_parent)) {
                parent.remove_if_empty();
            }
            let customs = inner.networks.all();
            let bridges = customs
                .iter()
                .filter_map(|custom: &Arc<Custom>| custom.bridge.as_ref());
            let mut failures: Vec<_> = bridges
                .chain(&inner.bridge)
                .flat_map(Bridge::close)
                .collect();
            let stray = netns::remove_strays(&inner.networks.defaults.netns_dir, &BTreeSet::new());
            failures.extend(stray.into_iter().map(NetError::State));
            failures
        });
        for error in closed.await.unwrap_or_default() {
            tracing::warn!(%error, "cannot take the network down");
        }
    }

    /// Whether any container has a process.
    pub fn runs_anything(&self) -> bool {
        let all = self.inner.registry.all();
        all.iter()
            .any(|container| container.facts().state.status.has_process())
    }

    async fn stop_all(&self) {
        let timeout = i64::from(self.inner.config.shutdown_timeout);
        let mut stops = tokio::task::JoinSet::new();
        for container in self.inner.registry.all() {
            if container.facts().state.status.has_process() {
                let containers = self.containers();
                let options = StopOptions {
                    timeout: Some(timeout),
                    signal: None,
                };
                stops.spawn(async move {
                    if let Err(error) = containers.stop(container.id.as_str(), options).await {
                        tracing::warn!(container = %container.id, %error, "at shutdown");
                    }
                });
            }
        }
        while stops.join_next().await.is_some() {}
    }

    /// What this engine was opened with.
    pub fn config(&self) -> &EngineConfig {
        &self.inner.config
    }

    /// Containers.
    pub fn containers(&self) -> Containers {
        Containers::new(Arc::clone(&self.inner))
    }

    /// Processes that were added to running containers.
    pub fn execs(&self) -> Execs {
        Execs::new(Arc::clone(&self.inner))
    }

    /// Images.
    pub fn images(&self) -> Images {
        Images::new(Arc::clone(&self.inner))
    }

    /// Volumes.
    pub fn volumes(&self) -> Volumes {
        Volumes::new(Arc::clone(&self.inner))
    }

    /// Networks.
    pub fn networks(&self) -> Networks {
        Networks::new(Arc::clone(&self.inner))
    }

    /// The event bus.
    pub fn events(&self) -> &Events {
        &self.inner.events
    }
}

impl Inner {
    fn open(config: EngineConfig) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Path { path, source }
        };
        let containers = config.data_root.join("containers");
        let running = config.exec_root.join("containers");
        for path in [&config.data_root, &config.exec_root, &containers, &running] {
            fs::create_dir_all(path).map_err(failed(path))?;
        }
        staging::clear(&config.exec_root);
        if apparmor::is_on()
            && let Err(error) = apparmor::load()
        {
            // Containers that would have it fail to start, and say that there is no such profile.
            tracing::error!(%error, profile = apparmor::DEFAULT, "cannot load the AppArmor profile");
        }
        let store = Store::open_mapped(&config.data_root, config.ids.clone());
        let store = store.map_err(OpenError::Store)?;
        let shared = match &config.ports_outside {
            Some(socket) => Outside::connect(socket)
                .map_err(NetError::Outside)
                .and_then(Shared::behind),
            None => Shared::start(),
        };
        let shared = shared.map_err(OpenError::Network)?;
        let bridge = match &config.bridge {
            Some(bridge) => {
                let opened = Bridge::open_with(bridge.clone(), shared.clone());
                Some(opened.map_err(OpenError::Network)?)
            }
            None => None,
        };
        let root = config.data_root.clone();
        let builtin = Builtin::open(&root).map_err(failed(&root.join("networks")))?;
        let networks = Known::open(builtin, Defaults::of(&config), shared);
        Ok(Self {
            id: engine_id(&root).map_err(failed(&root.join("engine-id")))?,
            host: HostFacts::read(&Path::new("/").join(&config.cgroup_parent)),
            events: Events::new(),
            registry: Registry::default(),
            store,
            bridge,
            networks: networks.map_err(failed(&root.join("networks")))?,
            name_servers: NameServers::default(),
            tasks: tokio::runtime::Handle::current(),
            volumes: LocalVolumes::open(&root, config.ids.root())
                .map_err(failed(&root.join("volumes")))?,
            execs: Table::default(),
            closing: watch::Sender::new(false),
            shutting_down: AtomicBool::new(false),
            pruning: AtomicBool::new(false),
            config,
        })
    }

    /// `D/containers/<id>`.
    pub(crate) fn container_directory(&self, id: &ContainerId) -> PathBuf {
        self.config.data_root.join("containers").join(id.as_str())
    }

    /// `E/containers/<id>`.
    pub(crate) fn run_directory(&self, id: &ContainerId) -> PathBuf {
        self.config.exec_root.join("containers").join(id.as_str())
    }
}

/// The id of the data root, made up at its first use: a random UUID.
fn engine_id(data_root: &Path) -> io::Result<String> {
    let path = data_root.join("engine-id");
    if let Ok(text) = fs::read_to_string(&path)
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    let hex = random_hex();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let (start, end) = (format!("{}-{}", part(0, 8), part(8, 12)), part(20, 32));
    let id = format!("{start}-4{}-8{}-{end}", part(13, 16), part(17, 20));
    write_atomic(&path, format!("{id}\n").as_bytes(), Durability::Crash)?;
    Ok(id)
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("data_root", &self.inner.config.data_root)
            .finish_non_exhaustive()
    }
}
