//! All execs, by id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockgate_types::{ContainerId, ExecId};

use super::life::{Exec, State};
use super::{CreateExec, ExecError};
use crate::container::Container;
use crate::engine::Inner;

/// How long an exec that has ended is remembered, so that its exit code can be asked for.
const MEMORY: Duration = Duration::from_mins(5);
/// What is said of an exec whose container ended before it.
const KILLED: i32 = 137;

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
        let exec = Arc::new(Exec::new(container, config, detach_keys));
        let mut execs = self.lock();
        execs.retain(|_, exec| match exec.state() {
            State::Ended { at, .. } => at.elapsed() < MEMORY,
            State::Created | State::Starting | State::Running { .. } => true,
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
            exec.ended(engine, exit_code);
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
            exec.ended(engine, KILLED);
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
