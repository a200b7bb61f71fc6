//! Removing a container.
//!
//! The rename of its directory into the trash is the commit point: before it the container exists,
//! after it the name is free and a crash cannot bring it back. The disk is freed in the background.

use std::fs;
use std::io;
use std::sync::Arc;

use lockgate_store::SnapshotError;
use lockgate_types::VolumeName;

use super::driver::Driver;
use super::error::{FaultError, LookupError, RemoveError};
use super::handle::{Answer, Container, Failure, Order};
use super::queue::Refusal;
use super::record::Record;
use super::request::RemoveOptions;
use super::state::Cause;
use super::{Containers, events};
use crate::engine::Inner;

impl Containers {
    /// Removes a container; its name is free once this is answered.
    pub async fn remove(&self, name: &str, options: RemoveOptions) -> Result<(), RemoveError> {
        let container = self.inner.registry.find(name)?;
        if options.link {
            return Err(RemoveError::DefaultLink);
        }
        let named = || name.to_owned();
        let error = match container.order(Order::Remove(options)).await {
            Ok(_) => return Ok(()),
            Err(Failure::Refused(Refusal::Running)) => {
                let state = container.facts().state.status.as_str();
                RemoveError::Running {
                    name: named(),
                    state,
                }
            }
            Err(Failure::Refused(Refusal::Paused)) => RemoveError::Paused(named()),
            Err(Failure::Refused(
                Refusal::AlreadyPaused
                | Refusal::AlreadyStarted
                | Refusal::NotPaused
                | Refusal::NotRunning
                | Refusal::Removing
                | Refusal::Restarting,
            )) => RemoveError::InProgress(named()),
            Err(Failure::Fault(fault)) => RemoveError::Fault {
                name: named(),
                fault,
            },
            Err(
                Failure::Start(_)
                | Failure::Config(_)
                | Failure::NameInUse(_)
                | Failure::Network(_)
                | Failure::Gone,
            ) => LookupError::NotFound(named()).into(),
        };
        Err(error)
    }
}

impl Driver {
    /// Removes a container that has no process.
    pub(super) async fn remove(&mut self, options: RemoveOptions) -> Answer {
        self.restart_at = None;
        self.change(Cause::Remove);
        self.publish();
        let engine = Arc::clone(&self.engine);
        let container = Arc::clone(&self.container);
        let record = Arc::clone(&self.record);
        let removing = tokio::task::spawn_blocking(move || {
            erase(&engine, &container, &record, options.volumes)
        });
        match removing.await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => {
                self.change(Cause::RemoveFailed);
                self.commit();
                return Err(fault.into());
            }
            Err(_) => return Err(FaultError::Closing.into()),
        }
        events::container(&self.engine, &self.record, "destroy", []);
        self.removed = true;
        for slot in self.container.take_parked() {
            slot.fill(None);
        }
        self.container.live(|life| {
            life.running = false;
            life.restarting = false;
            life.removed = true;
        });
        Ok(Vec::new())
    }
}

/// Takes a container off the disk and out of the index. Blocks.
fn erase(
    engine: &Inner,
    container: &Container,
    record: &Record,
    volumes: bool,
) -> Result<(), FaultError> {
    let trash = engine.config.data_root.join("trash");
    let grave = trash.join(format!("container-{}", container.id));
    let buried = fs::create_dir_all(&trash).and_then(|()| fs::rename(&container.directory, &grave));
    match buried {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FaultError::file("cannot remove the container's directory")(
                error,
            ));
        }
        _ => {}
    }
    engine.registry.remove(&container.id);
    engine.execs.forget(&container.id);
    match engine.store.snapshot_remove(&container.id) {
        Ok(()) | Err(SnapshotError::NotFound(_)) => {}
        // The store throws it away at its next start: the container is gone either way.
        Err(error) => tracing::error!(container = %container.id, %error, "cannot remove a layer"),
    }
    if volumes {
        remove_volumes(engine, record);
    }
    let cgroup = super::spec::cgroup_path(&engine.config, record);
    super::start::clean(&container.run_directory, Some(&cgroup));
    tokio::task::spawn_blocking(move || {
        if let Err(error) = fs::remove_dir_all(&grave) {
            tracing::warn!(path = %grave.display(), %error, "cannot empty the trash");
        }
    });
    Ok(())
}

/// Removes the anonymous volumes that were made for this container and that no other one uses.
fn remove_volumes(engine: &Inner, record: &Record) {
    let others = engine.registry.all();
    for mount in record.mounts.iter().filter(|mount| mount.anonymous) {
        let name = &mount.point.name;
        let used = |other: &Arc<Container>| {
            other
                .facts()
                .record
                .mounts
                .iter()
                .any(|mount| mount.point.name == *name)
        };
        if others.iter().any(used) {
            continue;
        }
        let Ok(volume) = VolumeName::parse(name) else {
            continue;
        };
        match engine.volumes.remove(&volume) {
            Ok(true) => events::volume(engine, name, "destroy"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%volume, %error, "cannot remove a volume"),
        }
    }
}
