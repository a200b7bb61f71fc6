//! Why an operation on an exec fails; the texts are Docker's.

use lockgate_types::{ContainerId, ErrorKind, ExecId};

use crate::container::{ConfigError, LookupError};

/// Why an operation on an exec fails.
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
    #[error("Container {0} is paused, unpause the container before exec")]
    Paused(String),
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
    #[error("Invalid escape keys ({0}) provided")]
    DetachKeys(String),
    /// Environment or capabilities make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The user or group does not exist in the container.
    #[error("{0}")]
    User(String),
    /// The process did not start.
    #[error(
        "OCI runtime exec failed: exec failed: unable to start container process: {0}: unknown"
    )]
    Start(String),
    /// The working directory is relative.
    #[error("OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown")]
    WorkingDir,
    /// The terminal cannot be resized: nobody has started it.
    #[error("timeout waiting for exec session ready")]
    NotStarted,
    /// The terminal cannot be resized: its process has ended.
    #[error("NotFound: process does not exist {0}: not found")]
    Ended(ExecId),
    /// The supervising process does not answer.
    #[error("the container's shim does not answer")]
    Shim,
}

impl ExecError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::NotFound(_) | Self::Ended(_) => ErrorKind::NotFound,
            Self::NoCommand | Self::DetachKeys(_) | Self::User(_) | Self::Start(_) => {
                ErrorKind::InvalidInput
            }
            Self::NotRunning(_)
            | Self::Paused(_)
            | Self::Restarting(_)
            | Self::HasRun(_)
            | Self::IsRunning(_) => ErrorKind::Conflict,
            Self::NotStarted | Self::Shim | Self::WorkingDir => ErrorKind::Internal,
        }
    }
}
