//! All execs, by id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockgate_types::{ContainerId, ExecId};
use tokio::sync::watch;

use super::{CreateExec, ExecError};
use crate::container::Container;
use crate::container::events;
use crate::engine::Inner;

/// How long an exec that has ended is remembered, so that its exit code can be asked for.
const MEMORY: Duration = Duration::from_mins(5);
/// What is said of an exec whose container ended before it.
const KILLED: i32 = 137;

/// One exec.
pub(crate) struct Exec {
    pub(super) id: ExecId,
    pub(super) container: Arc<Container>,
    pub(super) config: CreateExec,
    pub(super) detach_keys: Vec<u8>,
    state: watch::Sender<State>,
}

/// Where an exec is in its life.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum State {
    #[default]
    Created,
    /// Being started, or running once the pid is not 0.
    Running { pid: i32 },
    Ended {
        pid: i32,
        exit_code: i32,
        at: Instant,
        /// The event is published.
        told: bool,
    },
}

impl State {
    /// Whether it has ended and everybody has been told.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Ended { told: true, .. })
    }

    pub(super) fn is_running(self) -> bool {
        matches!(self, Self::Running { .. })
    }

    pub(super) fn exit_code(self) -> Option<i32> {
        match self {
            Self::Ended { exit_code, .. } => Some(exit_code),
            Self::Created | Self::Running { .. } => None,
        }
    }

    pub(super) fn pid(self) -> i32 {
        match self {
            Self::Created => 0,
            Self::Running { pid } | Self::Ended { pid, .. } => pid,
        }
    }
}

impl Exec {
    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Follows its life.
    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Takes the right to start it: only one caller gets it.
    pub(super) fn begin(&self) -> Result<(), ExecError> {
        let mut result = Ok(());
        self.state.send_if_modified(|state| {
            result = match state {
                State::Created => {
                    *state = State::Running { pid: 0 };
                    return true;
                }
                State::Running { .. } => Err(ExecError::IsRunning(self.id.clone())),
                State::Ended { .. } => Err(ExecError::HasRun(self.id.clone())),
            };
            false
        });
        result
    }

    /// It runs; its end may have been told before.
    pub(super) fn started(&self, started: i32) {
        self.state.send_modify(|state| match state {
            State::Created | State::Running { .. } => *state = State::Running { pid: started },
            State::Ended { pid, .. } => *pid = started,
        });
    }

    /// Its stream may end now.
    fn told(&self) {
        self.state.send_modify(|state| {
            if let State::Ended { told, .. } = state {
                *told = true;
            }
        });
    }

    /// It has ended; `false` if that was known.
    pub(super) fn ended(&self, exit_code: i32) -> bool {
        self.state.send_if_modified(|state| match state {
            State::Ended { .. } => false,
            State::Created | State::Running { .. } => {
                *state = State::Ended {
                    pid: state.pid(),
                    exit_code,
                    at: Instant::now(),
                    told: false,
                };
                true
            }
        })
    }
}

/// The index of all execs.
#[derive(Default)]
pub(crate) struct Table {
    execs: Mutex<HashMap<ExecId, Arc<Exec>>>,
}

impl Table {
    /// Adds an exec, and forgets those that ended long ago.
    pub(super) fn insert(
        &self,
        container: Arc<Container>,
        config: CreateExec,
        detach_keys: Vec<u8>,
    ) -> Arc<Exec> {
        let state = watch::Sender::new(State::Created);
        let exec = Arc::new(Exec {
            id: ExecId::random(),
            container,
            config,
            detach_keys,
            state,
        });
        let mut execs = self.lock();
        execs.retain(|_, exec| match exec.state() {
            State::Ended { at, .. } => at.elapsed() < MEMORY,
            State::Created | State::Running { .. } => true,
        });
        execs.insert(exec.id.clone(), Arc::clone(&exec));
        exec
    }

    pub(super) fn find(&self, id: &str) -> Result<Arc<Exec>, ExecError> {
        let not_found = || ExecError::NotFound(id.to_owned());
        let parsed = ExecId::parse(id).map_err(|_id| not_found())?;
        self.lock().get(&parsed).cloned().ok_or_else(not_found)
    }

    /// The ids of a container's execs that run or may yet run, for inspect.
    pub(crate) fn of(&self, container: &ContainerId) -> Option<Vec<String>> {
        let execs = self.lock();
        let mut ids: Vec<String> = execs
            .values()
            .filter(|exec| exec.container.id == *container && exec.state().exit_code().is_none())
            .map(|exec| exec.id.to_string())
            .collect();
        ids.sort();
        (!ids.is_empty()).then_some(ids)
    }

    /// A shim has told of an exec's end.
    pub(crate) fn exited(&self, engine: &Inner, id: &ExecId, exit_code: i32) {
        let exec = self.lock().get(id).cloned();
        if let Some(exec) = exec {
            tell(engine, &exec, exit_code);
        }
    }

    /// A container has ended, and with it all its execs.
    pub(crate) fn container_ended(&self, engine: &Inner, container: &ContainerId) {
        let running: Vec<Arc<Exec>> = self
            .lock()
            .values()
            .filter(|exec| exec.container.id == *container && exec.state().is_running())
            .cloned()
            .collect();
        for exec in running {
            tell(engine, &exec, KILLED);
        }
    }

    /// A container has been removed.
    pub(crate) fn forget(&self, container: &ContainerId) {
        self.lock()
            .retain(|_, exec| exec.container.id != *container);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ExecId, Arc<Exec>>> {
        self.execs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes an end known: first to those who ask, then to those who listen.
fn tell(engine: &Inner, exec: &Exec, exit_code: i32) {
    if exec.ended(exit_code) {
        let facts = exec.container.facts();
        let attributes = [
            ("execID", exec.id.to_string()),
            ("exitCode", exit_code.to_string()),
        ];
        events::container(engine, &facts.record, "exec_die", attributes);
        exec.told();
    }
}
