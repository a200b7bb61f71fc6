//! Why an operation on an image fails. The texts are dockerd's, because clients match on them.

use lockgate_store::{LoadError, ResolveError, StoreError};
use lockgate_types::{ErrorKind, ReferenceError};

use super::change::ChangeError;
use crate::filter::FilterError;

/// A name that leads to no image, or a fault of the store.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No image, or several.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A filter that cannot be applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// More history entries with layers than layers.
    #[error("too many non-empty layers in History section")]
    History,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Resolve(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::History => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Why a tag is not given.
#[derive(Debug, thiserror::Error)]
pub enum TagImageError {
    /// The image, or the store.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The new name is outside the grammar.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Digests are computed, not given.
    #[error("refusing to create a tag with a digest reference")]
    Digest,
    /// `sha256` would look like the start of a digest.
    #[error("refusing to create an ambiguous tag using digest algorithm as name")]
    Algorithm,
}

impl TagImageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Image(error) => error.kind(),
            Self::Reference(_) | Self::Digest | Self::Algorithm => ErrorKind::InvalidInput,
        }
    }
}

/// Why an image is not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveImageError {
    /// The image, or the store.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The last name of an image that a container uses.
    #[error(
        "conflict: unable to remove repository reference \"{name}\" (must force) - container {container} is using its referenced image {image}"
    )]
    InUse {
        /// As it was asked for.
        name: String,
        /// Short id of the container.
        container: String,
        /// Short id of the image.
        image: String,
    },
    /// The image itself has to stay.
    #[error("conflict: unable to delete {image} ({}) - {reason}", if *hard { "cannot be forced" } else { "must be forced" })]
    Conflict {
        /// Short id of the image.
        image: String,
        /// Whether force would not help.
        hard: bool,
        /// Why.
        reason: RemoveConflict,
    },
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

/// What keeps an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveConflict {
    /// Other images are built on it.
    #[error("image has dependent child images")]
    Children,
    /// A container with that short id runs on it.
    #[error("image is being used by running container {0}")]
    Running(String),
    /// It has names in several repositories.
    #[error("image is referenced in multiple repositories")]
    References,
    /// A container with that short id was made from it.
    #[error("image is being used by stopped container {0}")]
    Stopped(String),
}

impl RemoveImageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Image(error) => error.kind(),
            Self::InUse { .. } | Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}

/// Why an archive is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadImageError {
    /// The archive, or the store.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl LoadImageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Load(error) => error.kind(),
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}

/// Why a root file system is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportImageError {
    /// The archive, or the store.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An instruction that cannot be applied.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The new name cannot be given.
    #[error(transparent)]
    Tag(#[from] TagImageError),
    /// Not for this machine.
    #[error("operating system is not supported: {0}")]
    Platform(String),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl ImportImageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Load(error) => error.kind(),
            Self::Change(error) => error.kind(),
            Self::Tag(error) => error.kind(),
            Self::Platform(_) => ErrorKind::InvalidInput,
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}
