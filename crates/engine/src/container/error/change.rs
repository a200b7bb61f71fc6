//! Why making or changing a container fails.

use lockgate_types::{ContainerId, ErrorKind, IdError};

use super::{FaultError, LookupError};
use crate::container::config_error::ConfigError;
use crate::network::NetworkError;

/// Why create fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name is outside the grammar.
    #[error("{0}")]
    Name(IdError),
    /// The name is taken.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who has it.
        by: ContainerId,
    },
    /// No such image.
    #[error("{0}")]
    NoImage(String),
    /// The image's name is malformed or ambiguous.
    #[error("{0}")]
    Image(String),
    /// The image is for another platform than the one asked for.
    #[error(
        "image with reference {image} was found but its platform ({found}) does not match the specified platform ({platform})"
    )]
    Platform {
        /// The image as it was named.
        image: String,
        /// The image's platform.
        found: String,
        /// The platform asked for.
        platform: String,
    },
    /// A container named in `VolumesFrom` or a mode is not there.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What is asked of an endpoint does not fit its network.
    #[error("invalid config for network {network}: {error}")]
    Endpoint {
        /// The network as it was named.
        network: String,
        /// Why.
        error: NetworkError,
    },
    /// A volume cannot be made.
    #[error("{text}")]
    Volume {
        /// Whose fault it is.
        kind: ErrorKind,
        /// dockerd's sentence.
        text: String,
    },
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl CreateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(error) => error.kind(),
            Self::Name(_) | Self::Image(_) => ErrorKind::InvalidInput,
            Self::NameInUse { .. } => ErrorKind::Conflict,
            Self::NoImage(_) | Self::Platform { .. } => ErrorKind::NotFound,
            Self::Lookup(error) => error.kind(),
            Self::Endpoint { error, .. } => error.kind(),
            Self::Volume { kind, .. } => *kind,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why rename fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// One of the names is empty.
    #[error("Neither old nor new names may be empty")]
    Empty,
    /// It has that name.
    #[error("Renaming a container with the same name as its current name")]
    Same,
    /// The new name is outside the grammar.
    #[error("Error when allocating new name: {0}")]
    Name(IdError),
    /// The new name is taken.
    #[error(
        "Error when allocating new name: Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who has it.
        by: ContainerId,
    },
    /// It is being removed.
    #[error("container is marked for removal and cannot be renamed")]
    Removing,
    /// A fault of the host.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl RenameError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Empty | Self::Same | Self::Name(_) => ErrorKind::InvalidInput,
            Self::NameInUse { .. } | Self::Removing => ErrorKind::Conflict,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

/// Why update fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The values make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is being removed.
    #[error(
        "Cannot update container {0}: container is marked for removal and cannot be \"update\""
    )]
    Removing(ContainerId),
    /// A fault of the host.
    #[error("Cannot update container {id}: {fault}")]
    Fault {
        /// The container.
        id: ContainerId,
        /// What happened.
        fault: FaultError,
    },
}

impl UpdateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Lookup(error) => error.kind(),
            Self::Config(error) => error.kind(),
            Self::Removing(_) => ErrorKind::Conflict,
            Self::Fault { fault, .. } => fault.kind(),
        }
    }
}
