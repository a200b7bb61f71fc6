//! Finding the containers of an earlier engine again.
//!
//! | `state.json` says | and then | becomes |
//! | --- | --- | --- |
//! | running, paused | the shim answers | adopted; if it ended meanwhile the shim tells at once |
//! | running, paused | no shim, `exit.json` | exited as recorded, policy applied |
//! | running, paused | no shim, the process lives | running, watched by its pidfd |
//! | running, paused | nothing of it | exited with 255 |
//! | anything else | a shim answers | it was being started and never answered: ended, cleaned |
//!
//! A directory without a whole `container.json` was never answered and is removed. One with a record
//! that this version cannot read is left alone, loudly.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use lockgate_runtime::protocol::{ExitRecord, Reply, Request, ShimStatus};
use lockgate_types::ContainerId;

use super::driver::{Driver, Supervisor};
use super::exit::{SHIM_DIED, read_exit, unknown_exit, witness};
use super::handle::Container;
use super::record::{Record, SCHEMA};
use super::request::RemoveOptions;
use super::start::{clean, hold_volumes as hold_volumes_of};
use super::state::{RunState, Status};
use crate::config::OpenError;
use crate::engine::Inner;
use crate::network;
use crate::shim::{Link, LinkEvent};

/// How long a left-over shim may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shims that are asked at the same time.
const AT_ONCE: usize = 64;

/// Brings all containers back; on return they are listed and their drivers run.
pub(crate) async fn restore(engine: &Arc<Inner>) -> Result<(), OpenError> {
    let directory = engine.config.data_root.join("containers");
    let scanner = Arc::clone(engine);
    let scanning = tokio::task::spawn_blocking(move || scan(&scanner, &directory));
    let failed = |source| OpenError::Path {
        path: PathBuf::from("containers"),
        source,
    };
    let found = scanning
        .await
        .map_err(|error| failed(io::Error::other(error)))?;
    let Scanned { containers, known } = found.map_err(failed)?;
    end_strays(engine, &known).await;
    forget_layers(engine, &known).await;
    // Each waits for its shim's turn on a processor, so they are asked at once.
    let asked = stream::iter(containers).map(|(record, state)| find_out(engine, record, state));
    let all: Vec<Found> = asked.buffered(AT_ONCE).collect().await;
    restore_networks(engine, &all);
    for found in all {
        hold_volumes(engine, &found).await;
        bring_back(engine, found);
    }
    Ok(())
}

/// Running containers keep their places in networks; what others had is cleared.
fn restore_networks(engine: &Arc<Inner>, all: &[Found]) {
    let running: Vec<_> = all
        .iter()
        .filter(|found| found.supervisor.is_some())
        .map(|found| (&found.record, &found.state.network))
        .collect();
    network::restore(engine, &running);
}

/// What is mounted in volumes stays while adopted containers run.
async fn hold_volumes(engine: &Arc<Inner>, found: &Found) {
    let has_volumes = found
        .record
        .mounts
        .iter()
        .any(|mount| !mount.point.name.is_empty());
    if found.supervisor.is_none() || !has_volumes {
        return;
    }
    let (engine, record) = (Arc::clone(engine), found.record.clone());
    let holding = tokio::task::spawn_blocking(move || hold_volumes_of(&engine, &record));
    match holding.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "cannot hold a volume"),
        Err(error) => tracing::error!(%error, "holding volumes failed"),
    }
}

struct Scanned {
    containers: Vec<(Record, RunState)>,
    /// Every id whose directory stays.
    known: BTreeSet<ContainerId>,
}

/// One container and what has become of it.
struct Found {
    record: Record,
    state: RunState,
    supervisor: Option<Supervisor>,
    /// It was thought to run and does not.
    ended: Option<(ExitRecord, &'static str)>,
}

fn scan(engine: &Inner, directory: &Path) -> io::Result<Scanned> {
    let mut scanned = Scanned {
        containers: Vec::new(),
        known: BTreeSet::new(),
    };
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Ok(id) = ContainerId::parse(&name) else {
            tracing::warn!(path = %path.display(), "not a container, left alone");
            continue;
        };
        match Record::read(&path) {
            Ok(Some(record)) if record.schema <= SCHEMA && record.id == id => {
                scanned.known.insert(id);
                let state = RunState::read(&path).unwrap_or_else(|error| {
                    tracing::error!(path = %path.display(), %error, "cannot read state.json");
                    RunState {
                        status: Status::Exited,
                        exit_code: 255,
                        ..RunState::default()
                    }
                });
                scanned.containers.push((record, state));
            }
            Ok(None) => remove_half_made(engine, &id, &path),
            Ok(Some(record)) => {
                tracing::error!(path = %path.display(), schema = record.schema, "an unknown record");
                scanned.known.insert(id);
            }
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "cannot read container.json");
                scanned.known.insert(id);
            }
        }
    }
    Ok(scanned)
}

fn remove_half_made(engine: &Inner, id: &ContainerId, path: &Path) {
    tracing::info!(container = %id, "removing a container that was never answered");
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!(path = %path.display(), %error, "cannot remove it");
    }
    clean(&engine.run_directory(id), None);
}

/// Ends shims of containers that do not exist (any more).
async fn end_strays(engine: &Arc<Inner>, known: &BTreeSet<ContainerId>) {
    let directory = engine.config.exec_root.join("containers");
    let Ok(entries) = fs::read_dir(&directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match ContainerId::parse(&name) {
            Ok(id) if !known.contains(&id) => {
                end_shim(&entry.path().join("shim.sock")).await;
                clean(&entry.path(), None);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Throws away the writable layers of containers that do not exist (any more).
async fn forget_layers(engine: &Arc<Inner>, known: &BTreeSet<ContainerId>) {
    let store = engine.store.clone();
    let stray: Vec<ContainerId> = store
        .snapshots()
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    let removing = tokio::task::spawn_blocking(move || {
        for id in stray {
            if let Err(error) = store.snapshot_remove(&id) {
                tracing::warn!(container = %id, %error, "cannot remove a stray layer");
            }
        }
    });
    if let Err(error) = removing.await {
        tracing::error!(%error, "removing stray layers failed");
    }
}

async fn find_out(engine: &Arc<Inner>, record: Record, mut state: RunState) -> Found {
    let run_directory = engine.run_directory(&record.id);
    let socket = run_directory.join("shim.sock");
    if !state.status.has_process() {
        if run_directory.exists() {
            end_shim(&socket).await;
            clean(
                &run_directory,
                Some(&super::spec::cgroup_path(&engine.config, &record)),
            );
        }
        if matches!(state.status, Status::Removing) {
            state.status = Status::Dead;
        }
        return Found {
            record,
            state,
            supervisor: None,
            ended: None,
        };
    }
    let same_boot = state.boot_id == engine.host.boot_id;
    match adopt(&socket, &mut state).await {
        Some(link) if same_boot => {
            let supervisor = Some(Supervisor::Shim(link));
            return Found {
                record,
                state,
                supervisor,
                ended: None,
            };
        }
        _ => {}
    }
    if let Some(exit) = read_exit(&engine.container_directory(&record.id)) {
        return Found {
            record,
            state,
            supervisor: None,
            ended: Some((exit, "")),
        };
    }
    let witness = same_boot
        .then(|| witness(state.pid, state.pid_started))
        .flatten();
    if witness.is_some() {
        SHIM_DIED.clone_into(&mut state.error);
        return Found {
            record,
            state,
            supervisor: witness,
            ended: None,
        };
    }
    // After a reboot there is nobody to blame; otherwise the shim must have been killed.
    let reason = if same_boot { SHIM_DIED } else { "" };
    Found {
        record,
        state,
        supervisor: None,
        ended: Some((unknown_exit(), reason)),
    }
}

/// Takes over a container from its shim. That it has ended is told by the shim's first event.
async fn adopt(socket: &Path, state: &mut RunState) -> Option<Link> {
    let mut link = Link::connect(socket).await.ok()?;
    let Ok(Reply::State(shim)) = link.request(&Request::State).await else {
        return None;
    };
    match shim.status {
        ShimStatus::Running => state.status = Status::Running,
        ShimStatus::Paused => state.status = Status::Paused,
        ShimStatus::Empty | ShimStatus::Created | ShimStatus::Stopped => {}
    }
    Some(link)
}

/// Ends a shim and its container, if there is one behind the socket.
async fn end_shim(socket: &Path) {
    let Ok(mut link) = Link::connect(socket).await else {
        return;
    };
    tracing::info!(socket = %socket.display(), "ending a shim whose start was never answered");
    let kill = Request::Kill {
        signal: 9,
        all: true,
    };
    if let Err(error) = link.request(&kill).await {
        tracing::debug!(%error, "nothing to kill");
    }
    let ended = async { while !matches!(link.next_event().await, LinkEvent::Lost) {} };
    if tokio::time::timeout(PATIENCE, ended).await.is_err() {
        tracing::warn!(socket = %socket.display(), "a shim does not end");
    }
}

fn bring_back(engine: &Arc<Inner>, found: Found) {
    let Found {
        record,
        state,
        supervisor,
        ended,
    } = found;
    let record = Arc::new(record);
    if let Err(taken) = engine.registry.reserve(&record.name, &record.id) {
        tracing::error!(name = %record.name, by = %taken.0, "a name that two containers have");
    }
    let status = state.status;
    let roots = (
        engine.config.data_root.as_path(),
        engine.config.exec_root.as_path(),
    );
    let (container, requests) = Container::new(roots, Arc::clone(&record), state);
    engine.registry.insert(Arc::clone(&container));
    let mut driver = Driver::new(Arc::clone(engine), container, requests, supervisor);
    tokio::spawn(async move {
        match ended {
            Some((exit, reason)) => driver.finish(exit, reason.to_owned()).await,
            None if !status.has_process() => driver.resume_policy(status).await,
            None if status == Status::Running => {
                driver.begin_health();
                driver.commit();
            }
            None => {}
        }
        driver.run().await;
    });
}

impl Driver {
    /// What the restart policy and `--rm` ask of a container that was not running when the engine
    /// started. `always` starts even what was stopped by hand, as in Docker.
    async fn resume_policy(&mut self, status: Status) {
        let ran = !self.state.started_at.is_zero();
        let always = self.record.host_config.restart_policy.name == "always";
        match status {
            Status::Restarting => self.schedule_restart(Duration::ZERO),
            Status::Exited if ran && (always || self.policy_restarts(self.state.exit_code)) => {
                self.state.manually_stopped = false;
                if let Err(failure) = self.start().await {
                    let container = &self.container.id;
                    tracing::warn!(%container, ?failure, "cannot start at the engine's start");
                }
            }
            Status::Exited if ran && self.record.host_config.auto_remove => {
                let options = RemoveOptions {
                    volumes: true,
                    force: true,
                    link: false,
                };
                if let Err(failure) = self.remove(options).await {
                    tracing::warn!(container = %self.container.id, ?failure, "cannot auto-remove");
                }
            }
            Status::Created
            | Status::Exited
            | Status::Running
            | Status::Paused
            | Status::Dead
            | Status::Removing => {}
        }
    }
}
