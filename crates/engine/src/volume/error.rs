//! Why an operation on a volume fails. The texts are dockerd's, because clients match on them.

use lockgate_types::{ContainerId, ErrorKind, IdError, VolumeName};

use super::local::VolumeFault;
use crate::filter::FilterError;

/// A name that leads to no volume, or a filter that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// There is none of that name.
    #[error("get {0}: no such volume")]
    NotFound(String),
    /// A filter that cannot be applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl VolumeError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Filter(error) => error.kind(),
        }
    }
}

/// Why a volume is not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateVolumeError {
    /// The name is outside the grammar.
    #[error("create {name}: {source}")]
    Name {
        /// As it was asked for.
        name: String,
        /// What is wrong with it.
        source: IdError,
    },
    /// An option that the driver does not know, or lacks.
    #[error("create {name}: {reason}")]
    Options {
        /// The volume.
        name: VolumeName,
        /// Which option.
        reason: OptionError,
    },
    /// A driver that is not built in.
    #[error(
        "create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found"
    )]
    Driver {
        /// The volume.
        name: VolumeName,
        /// The driver.
        driver: String,
    },
    /// The file system refuses.
    #[error("create {name}: {source}")]
    File {
        /// The volume.
        name: VolumeName,
        /// Why.
        source: std::io::Error,
    },
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

/// An option of the `local` driver that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not `type`, `o`, `device` or `size`.
    #[error("invalid option: \"{0}\"")]
    Unknown(String),
    /// One option needs another.
    #[error("missing required option: \"{0}\"")]
    Missing(&'static str),
    /// Needs project quotas.
    #[error("quota size requested but no quota support")]
    Quota,
}

impl CreateVolumeError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. } | Self::Options { .. } => ErrorKind::InvalidInput,
            Self::Driver { .. } => ErrorKind::NotFound,
            Self::File { .. } => ErrorKind::Internal,
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}

/// Why a volume is not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveVolumeError {
    /// There is none of that name, or the filter is wrong.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// Containers have it.
    #[error("remove {name}: volume is in use - [{}]", join(users))]
    InUse {
        /// The volume.
        name: VolumeName,
        /// They.
        users: Vec<ContainerId>,
    },
    /// The file system refuses.
    #[error(transparent)]
    Fault(VolumeFault),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl RemoveVolumeError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Volume(error) => error.kind(),
            Self::InUse { .. } => ErrorKind::Conflict,
            Self::Fault(error) => error.kind(),
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}

fn join(users: &[ContainerId]) -> String {
    users
        .iter()
        .map(ContainerId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
