//! Why an operation on a container fails. The texts are dockerd's, because clients match on them.

mod change;
mod lifecycle;
mod look;

use lockgate_types::ErrorKind;

pub use change::{CreateError, RenameError, UpdateError};
pub use lifecycle::{KillError, PauseError, RemoveError, RestartError, StartError, StopError};
pub use look::{
    AttachError, InspectError, LogsError, PruneError, ResizeError, StatsError, TopError,
};

/// A name that leads to no container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Neither a name nor an id nor a prefix of one.
    #[error("No such container: {0}")]
    NotFound(String),
    /// A prefix of several ids.
    #[error("multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    /// No text at all.
    #[error("No container name or ID supplied")]
    Empty,
}

impl LookupError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Ambiguous(_) | Self::Empty => ErrorKind::InvalidInput,
        }
    }
}

/// A fault of this host or of ours, met while doing what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// A file of ours cannot be read or written.
    #[error("{what}: {reason}")]
    File {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// The image store failed.
    #[error("{0}")]
    Store(String),
    /// The supervising process cannot be started or reached.
    #[error("the container's shim failed: {0}")]
    Shim(String),
    /// The kernel refuses limits.
    #[error("{0}")]
    Limits(String),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl FaultError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Store(_) | Self::Shim(_) | Self::Limits(_) => {
                ErrorKind::Internal
            }
            Self::Closing => ErrorKind::Unavailable,
        }
    }

    /// Wraps an I/O error.
    pub(crate) fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::File {
            what,
            reason: error.to_string(),
        }
    }
}
