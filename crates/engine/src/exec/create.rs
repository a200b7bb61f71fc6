//! Preparing an exec.

use std::sync::Arc;

use lockgate_types::ExecId;

use super::start::identity;
use super::{CreateExec, ExecError, Execs};
use crate::container::create::check_env;
use crate::container::{Container, Status, attach_keys as keys, events};

impl Execs {
    /// Prepares an exec in a running container.
    pub async fn create(&self, container: &str, exec: CreateExec) -> Result<ExecId, ExecError> {
        let named = container;
        let container = self.inner.registry.find(named)?;
        if exec.cmd.is_empty() {
            return Err(ExecError::NoCommand);
        }
        check_running(&container, named)?;
        for entry in &exec.env {
            check_env(entry)?;
        }
        if !exec.user.is_empty() {
            let (user, facts) = (exec.user.clone(), container.facts());
            let looking = tokio::task::spawn_blocking(move || identity(&user, &facts));
            looking.await.unwrap_or(Err(ExecError::Shim))?;
        }
        let detach_keys = match exec.detach_keys.as_deref() {
            None | Some("") => keys::DEFAULT.to_vec(),
            Some(text) => {
                keys::parse(text).ok_or_else(|| ExecError::DetachKeys(text.to_owned()))?
            }
        };
        let exec = self
            .inner
            .execs
            .insert(Arc::clone(&container), exec, detach_keys);
        // dockerd's word for it ends in the command line, with a space after it.
        let action = format!(
            "exec_create: {} {}",
            exec.config.cmd[0],
            exec.config.cmd[1..].join(" ")
        );
        let attributes = [("execID", exec.id.to_string())];
        events::container(&self.inner, &container.facts().record, &action, attributes);
        Ok(exec.id.clone())
    }
}

/// Refuses what has no process that could be joined; `named` is what the caller calls it.
pub(super) fn check_running(container: &Container, named: &str) -> Result<(), ExecError> {
    let id = || container.id.clone();
    match container.facts().state.status {
        Status::Running => Ok(()),
        Status::Paused => Err(ExecError::Paused(named.to_owned())),
        Status::Restarting => Err(ExecError::Restarting(id())),
        Status::Created | Status::Exited | Status::Dead | Status::Removing => {
            Err(ExecError::NotRunning(id()))
        }
    }
}
