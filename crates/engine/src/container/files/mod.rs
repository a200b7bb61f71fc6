//! The file system of a container, seen from outside: copying in and out, export, what has changed.
//!
//! Everything goes by a private view (`rootfs::View`) that is opened for one operation. The functions of
//! [`Files`] block; the caller moves them to a thread that may.

mod archive;
mod changes;
mod error;
mod export;
mod extract;
mod lock;
mod stat;

use std::sync::Arc;

use lockgate_types::VolumeName;
use lockgate_types::container::MountType;

use super::error::FaultError;
use super::handle::{Container, Facts};
use super::record::{MountRecord, Record};
use super::start::{make_bind_sources, volumes};
use super::{Containers, Status};
use crate::engine::Inner;
use crate::host;
use crate::rootfs::{Bind, Plan, Source, View};
use crate::within;

pub use archive::FileArchive;
pub(crate) use changes::silent_paths;
pub use changes::{Change, ChangeKind};
pub use error::{ChangesError, FilesError};
pub use export::Export;
pub use extract::ExtractOptions;
pub(crate) use lock::{FileLock, Shared};
pub use stat::PathStat;

/// A view of a container's file system.
pub struct Files {
    view: View,
    engine: Arc<Inner>,
    record: Arc<Record>,
    /// What the container was called in the request.
    asked: String,
    shared: Shared,
    _held: Held,
}

/// Volumes that are mounts and were mounted for the view.
struct Held {
    engine: Arc<Inner>,
    record: Arc<Record>,
    volumes: Vec<VolumeName>,
}

impl Containers {
    /// A view of a container's file system, with its volumes and binds.
    pub async fn files(&self, name: &str) -> Result<Files, FilesError> {
        self.open_view(name, true).await
    }

    pub(super) async fn open_view(&self, name: &str, mounts: bool) -> Result<Files, FilesError> {
        let container = self.inner.registry.find(name)?;
        let shared = container.files.share().await;
        let engine = Arc::clone(&self.inner);
        let asked = name.to_owned();
        let opening = tokio::task::spawn_blocking(move || {
            Files::open(engine, &container, shared, asked, mounts)
        });
        opening.await.unwrap_or(Err(FaultError::Closing.into()))
    }
}

impl Files {
    fn open(
        engine: Arc<Inner>,
        container: &Container,
        shared: Shared,
        asked: String,
        mounts: bool,
    ) -> Result<Self, FilesError> {
        let facts = container.facts();
        let record = Arc::clone(&facts.record);
        let mut held = Held {
            engine: Arc::clone(&engine),
            record: Arc::clone(&record),
            volumes: Vec::new(),
        };
        let source = source(&engine, &facts)?;
        let mut binds = Vec::new();
        if mounts {
            make_bind_sources(&record, engine.config.ids.root())?;
            if !facts.state.status.has_process() {
                held.hold()?;
            }
            binds = own_files(container, &record);
            binds.extend(user_binds(&record)?);
        }
        let plan = Plan {
            source,
            binds,
            read_only_root: mounts && record.host_config.readonly_rootfs,
            place: engine.config.exec_root.join("view"),
            owner: engine.config.ids.root(),
        };
        let view = View::open(&plan).map_err(FaultError::file("open the container's files"))?;
        Ok(Self {
            view,
            engine,
            record,
            asked,
            shared,
            _held: held,
        })
    }

    /// Ends when the container is to be started and the view is in its way: drop it then.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + 'static {
        self.shared.leaving()
    }

    fn tell(&self, action: &str) {
        super::events::container(&self.engine, &self.record, action, []);
    }
}

/// The root that the container's process has, else the layers. That the number still means this process is
/// known after its namespace is open.
fn source(engine: &Inner, facts: &Facts) -> Result<Source, FilesError> {
    let state = &facts.state;
    if state.status.has_process()
        && let Ok(namespace) = lockgate_sys::mountns::of_process(state.pid)
        && host::process_start(state.pid) == Some(state.pid_started)
    {
        return Ok(Source::Running(namespace));
    }
    if matches!(state.status, Status::Running | Status::Paused) {
        // It ended just now, or its root may still be mounted by what is left of it.
        tracing::debug!(container = %facts.record.id, "a view of layers whose process has ended");
    }
    let snapshot = engine.store.snapshot(&facts.record.id);
    let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
    Ok(Source::Stopped(snapshot))
}

/// The engine's three files. Before the first start there are none.
fn own_files(container: &Container, record: &Record) -> Vec<Bind> {
    let bind = |name: &str| Bind {
        source: container.directory.join(name),
        target: format!("/etc/{name}"),
        read_only: record.host_config.readonly_rootfs,
        opened: None,
        recursive: false,
        optional: true,
    };
    let names = ["resolv.conf", "hostname", "hosts"];
    let binds = names.into_iter().map(bind);
    binds.filter(|bind| bind.source.exists()).collect()
}

/// Volumes and binds, shallow ones first. What a tmpfs holds is the running container's own.
fn user_binds(record: &Record) -> Result<Vec<Bind>, FilesError> {
    let is_seen = |kind: &MountType| matches!(kind, MountType::Bind | MountType::Volume);
    let seen = record.mounts.iter().filter(|it| is_seen(&it.point.kind));
    let mut binds = seen.map(user_bind).collect::<Result<Vec<_>, _>>()?;
    binds.sort_by_key(|bind| bind.target.matches('/').count());
    Ok(binds)
}

fn user_bind(mount: &MountRecord) -> Result<Bind, FilesError> {
    let source = &mount.point.source;
    let opened = match &mount.within {
        Some(roots) => Some(Arc::new(within::open(source, roots)?)),
        None => None,
    };
    Ok(Bind {
        source: source.into(),
        opened,
        target: mount.point.destination.clone(),
        read_only: !mount.point.rw,
        recursive: !mount.non_recursive,
        optional: false,
    })
}

impl Held {
    fn hold(&mut self) -> Result<(), FilesError> {
        for (name, within) in volumes(&self.record) {
            let held = self.engine.volumes.hold(&name, &self.record.id, within);
            held.map_err(|error| FilesError::Volume(error.to_string()))?;
            self.volumes.push(name);
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for name in &self.volumes {
            if let Err(error) = self.engine.volumes.release(name, &self.record.id) {
                tracing::warn!(volume = %name, %error, "cannot release a volume");
            }
        }
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("container", &self.record.id)
            .finish_non_exhaustive()
    }
}
