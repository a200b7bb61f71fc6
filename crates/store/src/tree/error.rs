//! Why a tree is not packed or unpacked.

use std::io;

use lockgate_types::ErrorKind;

use crate::error::LayerError;

/// Why packing a tree broke off.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The tree cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The member's name.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file became shorter while it was read.
    #[error("`{0}` became shorter while it was read")]
    Shrunk(String),
    /// Directories nested beyond any use.
    #[error("`{0}` is nested too deeply")]
    TooDeep(String),
    /// Who reads the archive has gone, or its disk is full.
    #[error("cannot write the archive: {0}")]
    Write(io::Error),
}

impl PackError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { .. } | Self::Shrunk(_) | Self::Write(_) => ErrorKind::Internal,
            Self::TooDeep(_) => ErrorKind::InvalidInput,
        }
    }
}

/// Why an archive is not unpacked into a tree. Members before the refused one are there.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The stream is no tar archive, damaged, or broke off.
    #[error(transparent)]
    Archive(#[from] LayerError),
    /// The name leads out of the directory.
    #[error("invalid entry name {0:?}")]
    EntryName(String),
    /// The hard link leads out of the directory.
    #[error("invalid hardlink target {0:?}")]
    HardLink(String),
    /// A directory is in the way, and it is to stay.
    #[error("cannot overwrite directory {0:?} with non-directory {1:?}")]
    Directory(String, String),
    /// A file is in the way of a directory, and it is to stay.
    #[error("cannot overwrite non-directory {0:?} with directory {1:?}")]
    NonDirectory(String, String),
    /// No kind of file.
    #[error("unhandled tar header type in {0:?}")]
    Kind(String),
    /// Something that the member needs is not there.
    #[error("{path}: {source}")]
    Missing {
        /// The member.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Write {
        /// The member.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl UnpackError {
    /// Whose fault it is. The stock daemon answers most of these as its own fault, and clients only print them.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Archive(_)
            | Self::EntryName(_)
            | Self::HardLink(_)
            | Self::Directory(..)
            | Self::NonDirectory(..)
            | Self::Kind(_)
            | Self::Write { .. } => ErrorKind::Internal,
            Self::Missing { .. } => ErrorKind::NotFound,
        }
    }
}
