//! Why copying, export or diff fails. The texts are dockerd's.

use lockgate_store::{PackError, UnpackError};
use lockgate_types::ErrorKind;

use crate::container::config_error::ConfigError;
use crate::container::error::{FaultError, LookupError};
use crate::within::WithinError;

/// Why a container's files cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No such file in it.
    #[error("Could not find the file {path} in container {container}")]
    NotFound {
        /// As it was asked for.
        path: String,
        /// As it was asked for.
        container: String,
    },
    /// The path leads somewhere else than it says.
    #[error("lstat {path}: {reason}")]
    Path {
        /// The path in the container.
        path: String,
        /// The kernel's answer.
        reason: String,
    },
    /// Archives are unpacked into directories.
    #[error("extraction point is not a directory")]
    NotADirectory,
    /// The volume at that place cannot be written to.
    #[error("mounted volume is marked read-only")]
    ReadOnlyVolume,
    /// The container was made with a root that cannot be written to.
    #[error("container rootfs is marked read-only")]
    ReadOnlyRoot,
    /// A volume of it cannot be mounted.
    #[error("{0}")]
    Volume(String),
    /// The user that files are to belong to.
    #[error("{0}")]
    User(String),
    /// The archive was refused.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The archive broke off.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A bind leads to what its maker may not mount.
    #[error(transparent)]
    Bind(#[from] ConfigError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl From<WithinError> for FilesError {
    fn from(error: WithinError) -> Self {
        match error {
            WithinError::Refused(error) => error.into(),
            WithinError::Fault(fault) => fault.into(),
        }
    }
}

impl FilesError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Path { .. } | Self::Volume(_) => ErrorKind::Internal,
            Self::NotADirectory | Self::ReadOnlyVolume | Self::ReadOnlyRoot | Self::User(_) => {
                ErrorKind::InvalidInput
            }
            Self::Unpack(error) => error.kind(),
            Self::Pack(error) => error.kind(),
            Self::Bind(error) => error.kind(),
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why the changes of a container cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl ChangesError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Fault(fault) => fault.kind(),
        }
    }
}
