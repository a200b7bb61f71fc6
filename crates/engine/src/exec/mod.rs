//! Processes that are added to running containers.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lockgate_types::{ContainerId, ErrorKind, ExecId};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::container::LookupError;
use crate::engine::Inner;

/// The execs of an engine.
#[derive(Clone)]
pub struct Execs {
    #[expect(dead_code, reason = "the bodies follow")]
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

/// Why an operation on an exec fails; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No exec of that id.
    #[error("No such exec instance: {0}")]
    NotFound(String),
    /// The command is empty.
    #[error("No exec command specified")]
    NoCommand,
    /// The container does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// The container is frozen.
    #[error("container {0} is paused, unpause the container before exec")]
    Paused(ContainerId),
    /// The container waits for its next start.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// It ran before.
    #[error("exec command {0} has already run")]
    HasRun(ExecId),
    /// It runs.
    #[error("exec command {0} is already running")]
    IsRunning(ExecId),
    /// The detach keys cannot be parsed.
    #[error("invalid escape keys ({0}) provided")]
    DetachKeys(String),
    /// An environment variable without a name.
    #[error("invalid environment variable: {0}")]
    Env(String),
    /// The user or group does not exist in the container.
    #[error("{0}")]
    User(String),
    /// The process did not start.
    #[error("OCI runtime exec failed: exec failed: unable to start container process: {0}: unknown")]
    Start(String),
    /// The terminal cannot be resized now.
    #[error("exec process is not started")]
    NotStarted,
    /// The supervising process does not answer.
    #[error("the container's shim does not answer")]
    Shim,
}

impl ExecError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NoCommand | Self::DetachKeys(_) | Self::Env(_) | Self::User(_) | Self::Start(_) => {
                ErrorKind::InvalidInput
            }
            Self::NotRunning(_)
            | Self::Paused(_)
            | Self::Restarting(_)
            | Self::HasRun(_)
            | Self::IsRunning(_) => ErrorKind::Conflict,
            Self::NotStarted | Self::Shim => ErrorKind::Internal,
        }
    }
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

    /// Prepares an exec in a running container.
    pub async fn create(&self, _container: &str, _exec: CreateExec) -> Result<ExecId, ExecError> {
        todo!("create")
    }

    /// Starts it. The stream is `None` when detached.
    pub async fn start(&self, _id: &str, _how: StartExec) -> Result<Option<ExecStream>, ExecError> {
        todo!("start")
    }

    /// What it is and whether it runs.
    pub fn inspect(&self, _id: &str) -> Result<ExecInspect, ExecError> {
        todo!("inspect")
    }

    /// Sets the size of its terminal.
    pub async fn resize(&self, _id: &str, _height: u16, _width: u16) -> Result<(), ExecError> {
        todo!("resize")
    }
}

impl fmt::Debug for Execs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Execs")
    }
}

/// Both directions of an exec: reading yields stdcopy frames (or raw bytes of a terminal), writing
/// is standard input, shutdown is its end. The exit code is known before reading yields the end.
#[derive(Debug)]
pub struct ExecStream {}

impl ExecStream {
    /// Whether the exec has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        todo!("is raw")
    }
}

impl AsyncRead for ExecStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!("read")
    }
}

impl AsyncWrite for ExecStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!("write")
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!("shutdown")
    }
}
