//! Processes that are added to running containers.
//!
//! Execs live in memory only: they end with their container, and after a restart of the engine
//! nobody can have an exec's id that is still of use.

mod asked;
mod create;
mod error;
mod life;
mod start;
mod stream;
mod table;

use std::fmt;
use std::sync::Arc;

use lockgate_runtime::protocol::Request;
use lockgate_types::{ContainerId, ExecId};
use serde::Serialize;

use crate::engine::Inner;
use crate::shim;

pub use asked::AskedExec;
pub use error::ExecError;
pub use stream::ExecStream;
pub(crate) use table::Table;

/// The execs of an engine.
#[derive(Clone)]
pub struct Execs {
    inner: Arc<Inner>,
}

/// A process to be added to a container.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub struct CreateExec {
    pub user: String,
    pub privileged: bool,
    pub tty: bool,
    pub console_size: Option<[u32; 2]>,
    pub attach_stdin: bool,
    pub attach_stdout: bool,
    pub attach_stderr: bool,
    pub detach_keys: Option<String>,
    pub env: Vec<String>,
    pub working_dir: String,
    pub cmd: Vec<String>,
    /// Who prepares it; told to those who ask, and not looked at here.
    pub owner: Option<String>,
}

/// How to start it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartExec {
    /// Do not attach.
    pub detach: bool,
    /// With a terminal; must agree with create, as docker's clients do.
    pub tty: bool,
    /// Height and width.
    pub console_size: Option<[u32; 2]>,
}

/// An exec as `GET /exec/{id}/json` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub struct ExecInspect {
    #[serde(rename = "ID")]
    pub id: ExecId,
    #[serde(rename = "Running")]
    pub running: bool,
    #[serde(rename = "ExitCode")]
    pub exit_code: Option<i32>,
    #[serde(rename = "ProcessConfig")]
    pub process_config: ProcessConfig,
    #[serde(rename = "OpenStdin")]
    pub open_stdin: bool,
    #[serde(rename = "OpenStderr")]
    pub open_stderr: bool,
    #[serde(rename = "OpenStdout")]
    pub open_stdout: bool,
    #[serde(rename = "CanRemove")]
    pub can_remove: bool,
    #[serde(rename = "ContainerID")]
    pub container_id: ContainerId,
    #[serde(rename = "DetachKeys")]
    pub detach_keys: String,
    #[serde(rename = "Pid")]
    pub pid: i32,
}

/// What an exec runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub struct ProcessConfig {
    pub tty: bool,
    pub entrypoint: String,
    pub arguments: Vec<String>,
    pub privileged: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
}

impl Execs {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// What it is and whether it runs.
    pub fn inspect(&self, id: &str) -> Result<ExecInspect, ExecError> {
        let exec = self.inner.execs.find(id)?;
        let state = exec.state();
        let config = &exec.config;
        let user = match config.user.as_str() {
            "" => exec.container.facts().record.config.user.clone(),
            user => user.to_owned(),
        };
        let mut words = config.cmd.iter().cloned();
        Ok(ExecInspect {
            id: exec.id.clone(),
            running: state.is_running(),
            exit_code: state.exit_code(),
            process_config: ProcessConfig {
                tty: config.tty,
                entrypoint: words.next().unwrap_or_default(),
                arguments: words.collect(),
                privileged: config.privileged,
                user,
            },
            open_stdin: config.attach_stdin,
            open_stderr: config.attach_stderr,
            open_stdout: config.attach_stdout,
            // dockerd's word for one that it is about to forget.
            can_remove: false,
            container_id: exec.container.id.clone(),
            detach_keys: config.detach_keys.clone().unwrap_or_default(),
            pid: state.pid(),
        })
    }

    /// Kills its process. That it has ended already is no failure.
    pub(crate) async fn kill(&self, id: &ExecId) -> Result<(), ExecError> {
        let exec = self.inner.execs.find(id.as_str())?;
        let request = Request::KillExec {
            exec: id.clone(),
            signal: 9,
        };
        match shim::ask(&exec.container.socket(), &request).await {
            Ok(_) | Err(shim::ShimError::Failed(_)) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "cannot kill an exec");
                Err(ExecError::Shim)
            }
        }
    }

    /// Sets the size of its terminal. Clients do so while they start it: it is waited for.
    pub async fn resize(&self, id: &str, height: u16, width: u16) -> Result<(), ExecError> {
        let exec = self.inner.execs.find(id)?;
        exec.is_begun().await?;
        let request = Request::Resize {
            exec: Some(exec.id.clone()),
            height,
            width,
        };
        match shim::ask(&exec.container.socket(), &request).await {
            Ok(_) => Ok(()),
            // It may have ended just now.
            Err(shim::ShimError::Failed(_)) => Err(ExecError::Ended(exec.id.clone())),
            Err(error) => {
                tracing::debug!(%error, "cannot resize an exec");
                Err(ExecError::Shim)
            }
        }
    }
}

impl fmt::Debug for Execs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Execs")
    }
}
