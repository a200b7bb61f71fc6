//! One exec, from its creation to the end of its process.
//!
//! ```text
//! created ── begin ──► starting ── started ──► running ── ended ──► ended ── told ──► over
//!                          └────── ended ─────────────────────────────▲
//! ```
//!
//! The shim may tell of the end before it is known here that the process was started. `exec_die` is
//! published after `exec_start` all the same, and the stream ends after both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_types::ExecId;
use tokio::sync::watch;

use super::{CreateExec, ExecError};
use crate::container::{Container, events};
use crate::engine::Inner;

/// One exec.
pub(crate) struct Exec {
    pub(super) id: ExecId,
    pub(super) container: Arc<Container>,
    pub(super) config: CreateExec,
    pub(super) detach_keys: Vec<u8>,
    state: watch::Sender<State>,
}

/// How long who resizes an exec's terminal waits for its start; dockerd's.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where an exec is in its life.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum State {
    #[default]
    Created,
    Starting,
    Running {
        pid: i32,
    },
    Ended {
        pid: i32,
        exit_code: i32,
        at: Instant,
        /// Its events are published.
        told: bool,
    },
}

impl State {
    /// Whether it has ended and everybody has been told.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Ended { told: true, .. })
    }

    pub(super) fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Running { .. })
    }

    pub(super) fn exit_code(self) -> Option<i32> {
        match self {
            Self::Ended { exit_code, .. } => Some(exit_code),
            Self::Created | Self::Starting | Self::Running { .. } => None,
        }
    }

    pub(super) fn pid(self) -> i32 {
        match self {
            Self::Created | Self::Starting => 0,
            Self::Running { pid } | Self::Ended { pid, .. } => pid,
        }
    }
}

impl Exec {
    pub(super) fn new(container: Arc<Container>, config: CreateExec, detach_keys: Vec<u8>) -> Self {
        let state = watch::Sender::new(State::Created);
        Self {
            id: ExecId::random(),
            container,
            config,
            detach_keys,
            state,
        }
    }

    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Follows its life.
    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until its process is there; an error if it has ended or nobody starts it.
    pub(super) async fn is_begun(&self) -> Result<(), ExecError> {
        let mut life = self.watch();
        let begun = life.wait_for(|state| !matches!(state, State::Created | State::Starting));
        let state = match tokio::time::timeout(PATIENCE, begun).await {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) | Err(_) => return Err(ExecError::NotStarted),
        };
        match state {
            State::Ended { .. } => Err(ExecError::Ended(self.id.clone())),
            State::Created | State::Starting | State::Running { .. } => Ok(()),
        }
    }

    /// Takes the right to start it: only one caller gets it.
    pub(super) fn begin(&self) -> Result<(), ExecError> {
        let mut result = Ok(());
        self.state.send_if_modified(|state| {
            result = match state {
                State::Created => {
                    *state = State::Starting;
                    return true;
                }
                State::Starting | State::Running { .. } => {
                    Err(ExecError::IsRunning(self.id.clone()))
                }
                State::Ended { .. } => Err(ExecError::HasRun(self.id.clone())),
            };
            false
        });
        result
    }

    /// It runs, and `exec_start` is published. If it has ended meanwhile, that is told now.
    pub(super) fn started(&self, engine: &Inner, started: i32) {
        let mut ended = None;
        self.state.send_modify(|state| match state {
            State::Created | State::Starting | State::Running { .. } => {
                *state = State::Running { pid: started };
            }
            State::Ended { pid, exit_code, .. } => {
                *pid = started;
                ended = Some(*exit_code);
            }
        });
        if let Some(exit_code) = ended {
            self.tell(engine, exit_code);
        }
    }

    /// It could not be started.
    pub(super) fn failed(&self, exit_code: i32) {
        self.end(exit_code);
    }

    /// Its process has ended: known first to those who ask, then to those who listen.
    pub(super) fn ended(&self, engine: &Inner, exit_code: i32) {
        if let Some(State::Running { .. }) = self.end(exit_code) {
            self.tell(engine, exit_code);
        }
    }

    /// Notes the end; the state before it, or `None` if that was known.
    fn end(&self, exit_code: i32) -> Option<State> {
        let mut before = None;
        self.state.send_if_modified(|state| {
            if state.exit_code().is_some() {
                return false;
            }
            before = Some(*state);
            *state = State::Ended {
                pid: state.pid(),
                exit_code,
                at: Instant::now(),
                told: false,
            };
            true
        });
        before
    }

    fn tell(&self, engine: &Inner, exit_code: i32) {
        let facts = self.container.facts();
        let attributes = [
            ("execID", self.id.to_string()),
            ("exitCode", exit_code.to_string()),
        ];
        events::container(engine, &facts.record, "exec_die", attributes);
        self.state.send_modify(|state| {
            if let State::Ended { told, .. } = state {
                *told = true;
            }
        });
    }
}
