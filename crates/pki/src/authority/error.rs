//! Why an authority cannot be made, opened or used. Each text names the file and what to do.

use std::path::PathBuf;

use lockgate_types::{ErrorKind, Timestamp};
use thiserror::Error;

use crate::certificate::CertificateError;
use crate::key::KeyError;
use crate::name::SubjectName;
use crate::publish::PublishError;

/// Why there is no authority to work with.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// Its certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A life of no days, or longer than allowed.
    #[error("an authority lives 1 to {limit} days, not {days}: choose another --days")]
    Days {
        /// What was asked.
        days: u32,
        /// The limit.
        limit: u32,
    },
    /// It has expired.
    #[error("the authority in {} expired at {at}: make a new one with `lockgate ca init`", .file.display())]
    Expired {
        /// Its certificate.
        file: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// Its key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Key and certificate are of different authorities.
    #[error("the key in {} does not belong to the certificate in {}: give two files of the same authority", .key.display(), .certificate.display())]
    Mismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The certificate may not issue others.
    #[error("the certificate in {} is not one of an authority ({lacking}): give the ca.pem that issues certificates", .file.display())]
    NotAnAuthority {
        /// The certificate.
        file: PathBuf,
        /// What it lacks.
        lacking: &'static str,
    },
    /// It is an intermediate authority of a root that peers do not trust.
    #[error("the authority in {} was certified by no root in {}: give the root's certificate", .issuer.display(), .roots.display())]
    NoRoot {
        /// Its certificate.
        issuer: PathBuf,
        /// What peers trust.
        roots: PathBuf,
    },
    /// It becomes valid later.
    #[error("the authority in {} is valid only from {at} on: check the clock of this host", .file.display())]
    NotYetValid {
        /// Its certificate.
        file: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// Its files cannot be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The signing library failed.
    #[error("the cryptographic library failed: {0}; please report this")]
    Signing(#[from] rcgen::Error),
    /// The record cannot be encoded.
    #[error("the record of certificates cannot be written: {0}; please report this")]
    Record(#[from] serde_json::Error),
}

impl AuthorityError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Certificate(error) => error.kind(),
            Self::Days { .. }
            | Self::Mismatch { .. }
            | Self::NoRoot { .. }
            | Self::NotAnAuthority { .. } => ErrorKind::InvalidInput,
            Self::Expired { .. } | Self::NotYetValid { .. } => ErrorKind::PreconditionFailed,
            Self::Key(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Record(_) | Self::Signing(_) => ErrorKind::Internal,
        }
    }
}

/// Why no certificate was issued, or none written.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The authority is not valid at the time of issue.
    #[error(
        "the authority is valid from {from} until {until}, not now: make a new one with `lockgate ca init`"
    )]
    AuthorityNotValid {
        /// Its first moment.
        from: Timestamp,
        /// Its last moment.
        until: Timestamp,
    },
    /// The authority's constraints exclude a name.
    #[error(
        "the authority may not certify {0}: leave the name out, or use an authority that permits it"
    )]
    Constrained(SubjectName),
    /// A life of no days, or longer than allowed.
    #[error("a certificate lives 1 to {limit} days, not {days}: choose another --days")]
    Days {
        /// What was asked.
        days: u32,
        /// The limit.
        limit: u32,
    },
    /// A key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A server without names.
    #[error("a server's certificate needs a name: give one with --san")]
    NoNames,
    /// The authority ends before the certificate would.
    #[error(
        "the authority ends at {until}, before the {days} days are over: use at most --days {limit}, or make a new authority"
    )]
    Outlives {
        /// What was asked.
        days: u32,
        /// When the authority ends.
        until: Timestamp,
        /// What it allows.
        limit: u32,
    },
    /// The files cannot be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The record of certificates cannot be written.
    #[error("cannot record the certificate in {}: {reason}; make the directory of the authority writable", .file.display())]
    Record {
        /// The record.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// What was signed would be refused by its peers.
    #[error(
        "the new certificate does not verify against its authority ({0}): use another authority"
    )]
    SelfCheck(String),
    /// The signing library failed.
    #[error("the cryptographic library failed: {0}; please report this")]
    Signing(#[from] rcgen::Error),
}

impl IssueError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AuthorityNotValid { .. } => ErrorKind::PreconditionFailed,
            Self::Constrained(_) => ErrorKind::Denied,
            Self::Days { .. } | Self::NoNames | Self::Outlives { .. } => ErrorKind::InvalidInput,
            Self::Key(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Record { .. } => ErrorKind::Unavailable,
            Self::SelfCheck(_) => ErrorKind::Unsupported,
            Self::Signing(_) => ErrorKind::Internal,
        }
    }
}
