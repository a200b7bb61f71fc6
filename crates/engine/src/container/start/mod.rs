//! Starting a container.
//!
//! ```text
//! shim process starts ─┐
//! join networks ─ files ─ specification ─┴─ Create ─ attachments ─ Start ─ state.json ─ events
//! ```
//!
//! After a failure at any step all earlier ones are undone, the container keeps its status and shows
//! the exit code and the error.

mod failure;
mod links;
mod peers;
mod prepare;
pub(crate) mod shm;
pub(crate) mod staging;

use std::sync::Arc;
use std::time::Duration;

use lockgate_runtime::protocol::{Reply, Request as ShimRequest};
use lockgate_types::Timestamp;

use super::attach::fill_parked;
use super::driver::{Driver, Supervisor};
use super::error::{FaultError, StartError};
use super::handle::{Answer, Failure, Order};
use super::queue::Refusal;
use super::request::RemoveOptions;
use super::state::{Cause, NetworkState};
use super::{Containers, events};
use crate::host;
use crate::shim::{self, Link, Shim, ShimError};

use prepare::Prepared;
use staging::Staged;

pub(crate) use prepare::{clean, hold_volumes, let_go, make_bind_sources, volumes};

/// How long a shim may take to end after it has said why it cannot start a container.
const SHIM_END: Duration = Duration::from_secs(2);

impl Containers {
    /// Starts a container. [`StartError::AlreadyStarted`] if it runs.
    pub async fn start(&self, name: &str) -> Result<(), StartError> {
        let container = self.inner.registry.find(name)?;
        match container.order(Order::Start).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(StartError::from_failure(failure, name, &container.id)),
        }
    }
}

impl Driver {
    /// A start that somebody asked for: it also resets the restart policy.
    pub(super) async fn start_on_request(&mut self) -> Answer {
        self.state.restart_count = 0;
        self.delay = Duration::ZERO;
        self.state.manually_stopped = false;
        self.start().await
    }

    /// Starts the container.
    pub(super) async fn start(&mut self) -> Answer {
        self.restart_at = None;
        match self.try_start().await {
            Ok(()) => Ok(Vec::new()),
            Err(error) => {
                self.start_failed(&error).await;
                Err(Failure::Start(error))
            }
        }
    }

    async fn try_start(&mut self) -> Result<(), StartError> {
        self.await_last_shim().await;
        let container = Arc::clone(&self.container);
        // Its writable layer must not be mounted by a view as well.
        let _alone = container.files.alone().await;
        let (shim, prepared) = self.prepare().await?;
        let Prepared {
            network,
            request,
            staged,
        } = prepared;
        let Shim { mut link, process } = shim;
        let mut network = network;
        match self.run_in(&mut link, request, staged, &mut network).await {
            Ok((pid, at)) => {
                self.supervisor = Supervisor::Shim(link);
                self.started(pid, at, network).await;
                Ok(())
            }
            Err(error) => {
                end_shim(link, process).await;
                events::networks(&self.engine, &self.record, &network, "disconnect");
                self.undo(network).await;
                Err(error)
            }
        }
    }

    /// Starts the shim and, beside it, everything that it will need.
    async fn prepare(&self) -> Result<(Shim, Prepared), StartError> {
        let container = Arc::clone(&self.container);
        let engine = Arc::clone(&self.engine);
        let spawning = tokio::task::spawn_blocking(move || prepare::spawn(&engine, &container));
        let container = Arc::clone(&self.container);
        let engine = Arc::clone(&self.engine);
        let record = Arc::clone(&self.record);
        let preparing =
            tokio::task::spawn_blocking(move || prepare::prepare(&engine, &container, &record));
        let (shim, prepared) = tokio::join!(spawning, preparing);
        let closing = || StartError::Fault(FaultError::Closing);
        let shim = shim.map_err(|_panic| closing()).and_then(|shim| {
            shim.map_err(|error| FaultError::Shim(format!("cannot start it: {error}")).into())
        });
        let prepared = prepared
            .map_err(|_panic| closing())
            .and_then(|prepared| prepared);
        match (shim, prepared) {
            (Ok(shim), Ok(prepared)) => Ok((shim, prepared)),
            (Ok(shim), Err(error)) => {
                shim.abandon();
                Err(error)
            }
            (Err(error), Ok(prepared)) => {
                self.undo(prepared.network).await;
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// Creates the container in its shim, connects who waits for its output, and lets it go.
    async fn run_in(
        &self,
        link: &mut Link,
        request: ShimRequest,
        staged: Staged,
        network: &mut NetworkState,
    ) -> Result<(i32, Timestamp), StartError> {
        let created = link.request(&request).await;
        // The container has its own copies now, or never will.
        drop(staged);
        let pid = match created {
            Ok(Reply::Created { pid }) => pid,
            Ok(_) => return Err(failure::start_error(ShimError::Unexpected)),
            Err(error) => return Err(failure::start_error(error)),
        };
        if prepare::joins_late(&self.engine, &self.record) {
            *network = self.join_late(pid).await?;
        }
        fill_parked(&self.container).await;
        match link.request(&ShimRequest::Start).await {
            Ok(Reply::Started { at }) => Ok((pid, at)),
            Ok(_) => Err(failure::start_error(ShimError::Unexpected)),
            Err(error) => Err(failure::start_error(error)),
        }
    }

    async fn join_late(&self, pid: i32) -> Result<NetworkState, StartError> {
        let (engine, container) = (Arc::clone(&self.engine), Arc::clone(&self.container));
        let record = Arc::clone(&self.record);
        let joining = tokio::task::spawn_blocking(move || {
            prepare::join_late(&engine, &container, &record, pid)
        });
        let closing = |_panic| Err(StartError::Fault(FaultError::Closing));
        joining.await.unwrap_or_else(closing)
    }

    async fn started(&mut self, pid: i32, at: Timestamp, network: NetworkState) {
        self.change(Cause::Start);
        let state = &mut self.state;
        state.pid = pid;
        state.pid_started = host::process_start(pid).unwrap_or_default();
        state.boot_id.clone_from(&self.engine.host.boot_id);
        state.exit_code = 0;
        state.error.clear();
        state.oom_killed = false;
        state.started_at = at;
        state.network = network;
        self.begin_health();
        self.commit();
        events::volumes(&self.engine, &self.record, "mount");
        events::networks(&self.engine, &self.record, &self.state.network, "connect");
        events::container(&self.engine, &self.record, "start", []);
        self.container.live(|life| {
            life.running = true;
            life.restarting = false;
        });
        // Those who came between the first round and the publication.
        fill_parked(&self.container).await;
    }

    async fn start_failed(&mut self, error: &StartError) {
        let container = Arc::clone(&self.container);
        let path = super::spec::cgroup_path(&self.engine.config, &self.record);
        let cleaning = tokio::task::spawn_blocking(move || {
            clean(&container.run_directory, Some(&path));
        });
        self.change(Cause::StartFailed);
        let text = error.to_string();
        self.state.exit_code = match error {
            StartError::Runtime { .. } => failure::exit_code(&text),
            _ => failure::UNKNOWN,
        };
        self.state.error = text;
        self.commit();
        let code = self.state.exit_code;
        self.container.live(|life| {
            life.restarting = false;
            life.exit_code = code;
        });
        for slot in self.container.take_parked() {
            slot.fill(None);
        }
        if let Err(error) = cleaning.await {
            tracing::warn!(%error, "cannot clean up after a failed start");
        }
        if self.record.host_config.auto_remove {
            let options = RemoveOptions {
                volumes: true,
                force: true,
                link: false,
            };
            if let Err(failure) = self.remove(options).await {
                tracing::warn!(container = %self.container.id, ?failure, "cannot auto-remove");
            }
        }
    }

    /// Gives back volumes, addresses and ports.
    async fn undo(&self, network: NetworkState) {
        let engine = Arc::clone(&self.engine);
        let record = Arc::clone(&self.record);
        let leaving = tokio::task::spawn_blocking(move || let_go(&engine, &record, &network));
        if let Err(error) = leaving.await {
            tracing::error!(%error, "undoing a start failed");
        }
    }
}

/// Waits for a shim that has failed to clean up and end; ends it if it does not.
async fn end_shim(mut link: Link, process: std::os::fd::OwnedFd) {
    let ended = async { while !matches!(link.next_event().await, shim::LinkEvent::Lost) {} };
    if tokio::time::timeout(SHIM_END, ended).await.is_err() {
        Shim { link, process }.abandon();
    }
}

impl StartError {
    pub(super) fn from_failure(
        failure: Failure,
        name: &str,
        id: &lockgate_types::ContainerId,
    ) -> Self {
        match failure {
            Failure::Start(error) => error,
            Failure::Refused(Refusal::AlreadyStarted) => Self::AlreadyStarted(id.clone()),
            Failure::Refused(Refusal::Paused | Refusal::AlreadyPaused) => Self::Paused,
            Failure::Refused(
                Refusal::NotPaused
                | Refusal::NotRunning
                | Refusal::Removing
                | Refusal::Restarting
                | Refusal::Running,
            )
            | Failure::NameInUse(_)
            | Failure::Network(_) => Self::Removing,
            Failure::Config(error) => Self::Config(error),
            Failure::Fault(fault) => Self::Fault(fault),
            Failure::Gone => Self::Lookup(super::LookupError::NotFound(name.to_owned())),
        }
    }
}
