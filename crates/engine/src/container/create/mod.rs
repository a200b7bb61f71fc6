//! Making a container.
//!
//! Order: check everything, reserve the name, make volumes and the writable layer, write
//! `container.json`. That write is the commit point: before it, whatever goes wrong is undone, and
//! what a crash leaves is removed at the next start; after it, the container exists.

mod bind;
mod discard;
mod draft;
mod link;
mod merge;
mod mode;
mod mounts;
mod resources;
mod security;
mod typed;
mod undo;
mod validate;

use std::sync::Arc;

use super::driver::Driver;
use super::error::{CreateError, FaultError};
use super::handle::Container;
use super::names::random_name;
use super::request::{CreateContainer, Created};
use super::state::RunState;
use super::{Containers, events};
use crate::engine::Inner;

use draft::draft;
use undo::{Step, Undo};

pub(crate) use discard::discard;
pub(crate) use link::{Link, by_alias};
pub(crate) use merge::merge;
pub(crate) use mounts::clean;
pub(crate) use resources::check as check_resources;
pub(crate) use security::Security;
pub(crate) use validate::{check_env, restart_policy as check_restart_policy};

impl Containers {
    /// Makes a container; once answered it is on disk.
    pub async fn create(&self, request: CreateContainer) -> Result<Created, CreateError> {
        let inner = Arc::clone(&self.inner);
        // A blocking thread finishes or undoes what it began, whatever becomes of the caller.
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || create(&inner, request, &runtime));
        task.await
            .unwrap_or(Err(CreateError::Fault(FaultError::Closing)))
    }
}

fn create(
    engine: &Arc<Inner>,
    request: CreateContainer,
    runtime: &tokio::runtime::Handle,
) -> Result<Created, CreateError> {
    let is_named = request.name.as_deref().is_some_and(|name| !name.is_empty());
    let host_roots = request.host_roots.clone();
    let (mut record, mut warnings) = draft(engine, request)?;
    record.mounts = mounts::collect(&record, &engine.registry, &engine.store)?;
    if let Some(roots) = host_roots {
        mounts::confine(&mut record.mounts, &roots);
    }
    if record.mounts.iter().any(|mount| mount.image.is_some()) {
        warnings.push("Image mount is an experimental feature".to_owned());
    }
    let mut undo = Undo::new(engine, record.id.clone());
    let mut attempt = 0;
    while let Err(taken) = undo.reserve(&record.name) {
        attempt += 1;
        if is_named || attempt > 100 {
            return Err(taken);
        }
        record.name = random_name(attempt);
    }
    undo.snapshot(&record)?;
    for index in 0..record.mounts.len() {
        undo.volume(&mut record, index)?;
    }
    let directory = engine.container_directory(&record.id);
    undo.steps.push(Step::Directory(directory.clone()));
    record
        .create(&directory)
        .map_err(FaultError::file("write the container's record"))?;
    undo.keep();
    let created = Created {
        id: record.id.clone(),
        warnings,
    };
    let record = Arc::new(record);
    let roots = (
        engine.config.data_root.as_path(),
        engine.config.exec_root.as_path(),
    );
    let (container, requests) = Container::new(roots, Arc::clone(&record), RunState::default());
    engine.registry.insert(Arc::clone(&container));
    let driver = Driver::new(Arc::clone(engine), container, requests, None);
    runtime.spawn(driver.run());
    events::container(engine, &record, "create", []);
    Ok(created)
}
