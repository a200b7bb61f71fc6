//! Why looking at or into a container fails.

use lockgate_types::{ContainerId, ErrorKind};

use super::{FaultError, LookupError};
use crate::filter::FilterError;

/// Why inspect or list fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A filter makes no sense.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl InspectError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Filter(error) => error.kind(),
        }
    }
}

/// Why resize fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResizeError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl ResizeError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotRunning(_) => ErrorKind::Conflict,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why top fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("container {0} is not running")]
    NotRunning(ContainerId),
    /// It waits for its next start.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// `ps` does not show the column that tells processes apart.
    #[error("Couldn't find PID field in ps output")]
    NoPid,
    /// `ps` refuses its arguments.
    #[error("ps: {0}")]
    Ps(String),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl TopError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotRunning(_) | Self::Restarting(_) => ErrorKind::Conflict,
            Self::NoPid | Self::Ps(_) => ErrorKind::Internal,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why stats fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

impl StatsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
        }
    }
}

/// Why logs fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogsError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Neither standard output nor standard error is wanted.
    #[error("Bad parameters: you must choose at least one stream")]
    NoStream,
    /// It is being removed.
    #[error("can not get logs from container which is dead or marked for removal")]
    Removing,
    /// Its logging driver keeps nothing.
    #[error("configured logging driver does not support reading")]
    Unreadable,
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl LogsError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NoStream => ErrorKind::InvalidInput,
            Self::Removing => ErrorKind::Conflict,
            Self::Unreadable => ErrorKind::Unsupported,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why attach fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It is frozen.
    #[error("container {0} is paused, unpause the container before attach")]
    Paused(ContainerId),
    /// It waits for its next start.
    #[error("container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// The detach keys cannot be parsed.
    #[error("Invalid detach keys ({0}) provided")]
    DetachKeys(String),
    /// The log was wanted and cannot be read.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl AttachError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Paused(_) | Self::Restarting(_) => ErrorKind::Conflict,
            Self::DetachKeys(_) => ErrorKind::InvalidInput,
            Self::Logs(error) => error.kind(),
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why prune fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PruneError {
    /// A filter makes no sense.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Another prune is running.
    #[error("a prune operation is already running")]
    Running,
}

impl PruneError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Filter(error) => error.kind(),
            Self::Running => ErrorKind::Conflict,
        }
    }
}
