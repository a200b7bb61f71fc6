//! Why the authority's record cannot be read or changed.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_types::ErrorKind;
use thiserror::Error;

use crate::authority::{AuthorityError, IssueError};
use crate::certificate::CertificateError;
use crate::crl::{CRL_DAYS_MAX, CrlError};
use crate::key::reason;

/// Why the authority's record cannot be read or changed.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The issuing authority is of another root.
    #[error("the issuing authority is not of the root {0}: name the directory of its own root")]
    AnotherRoot(String),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A revocation list.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A life of no days, or longer than allowed.
    #[error("a revocation list lives 1 to {CRL_DAYS_MAX} days, not {0}: choose another --days")]
    Days(u32),
    /// The system refused.
    #[error("cannot read or write {}: {reason}; check the directory of the authority", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Signing failed.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A line is not what it should be.
    #[error("{} is damaged in line {line}: {reason}; restore it from a backup", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another authority signed a certificate.
    #[error("no authority here signed {0}: revoke it where it came from")]
    Foreign(String),
    /// Not what serial numbers look like.
    #[error(
        "{0:?} is no serial number: write up to 40 hexadecimal digits, as `lockgate cert show` does"
    )]
    NotASerial(String),
    /// It is revoked.
    #[error("{who:?} is revoked already ({reason}): see `lockgate cert list --state revoked`")]
    RevokedAlready {
        /// Who.
        who: String,
        /// Why it was revoked.
        reason: String,
    },
    /// Nothing of that name was issued.
    #[error(
        "nothing that could be used or renewed was issued to {0:?}: see `lockgate cert list`; what the record lost (a restored backup) is revoked with --certificate FILE, or with --unrecorded SERIAL"
    )]
    NotIssued(String),
    /// Nothing of that name is revoked.
    #[error("{0:?} is not revoked: see `lockgate cert list --state revoked`")]
    NotRevoked(String),
    /// Only a hold can be taken back.
    #[error(
        "{identity} was revoked for good ({reason}), not held: issue a new certificate instead"
    )]
    NotHeld {
        /// Who.
        identity: String,
        /// Why it was revoked.
        reason: String,
    },
    /// The root's key is elsewhere.
    #[error(
        "the root's key is not here: a new root comes from `lockgate ca rotate --offline-root NEWDIR`, a new issuing authority below the same root from `lockgate ca reissue --offline-root DIR`"
    )]
    OfflineRoot,
    /// A rotation is under way.
    #[error("a rotation is under way since {0}: finish it with `lockgate ca retire` first")]
    Rotating(String),
    /// There is no rotation.
    #[error("no rotation is under way: begin one with `lockgate ca rotate`")]
    NotRotating,
}

impl DirectoryError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Authority(error) => error.kind(),
            Self::Certificate(error) => error.kind(),
            Self::Crl(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::AnotherRoot(_)
            | Self::Days(_)
            | Self::Foreign(_)
            | Self::NotASerial(_)
            | Self::OfflineRoot => ErrorKind::InvalidInput,
            Self::Io { .. } | Self::Line { .. } => ErrorKind::Unavailable,
            Self::NotIssued(_) | Self::NotRevoked(_) => ErrorKind::NotFound,
            Self::NotHeld { .. }
            | Self::RevokedAlready { .. }
            | Self::Rotating(_)
            | Self::NotRotating => ErrorKind::Conflict,
        }
    }

    pub(crate) fn io(file: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |error| Self::Io {
            file: file.to_owned(),
            reason: reason(&error),
        }
    }
}
