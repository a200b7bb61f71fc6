//! A whole authority in one sealed file, and back.
//!
//! ```text
//! FILE = sealed( tar( backup.json, ca.pem, ca-key.pem, issued.jsonl, … , previous/…, retired/… ) )
//! ```
//!
//! What happened after a backup is not in it. Serial numbers are random and numbers of lists are never below
//! the clock, so neither comes twice. Who was revoked since then would be free again: a newer list, from any
//! daemon, is taken over into the record. Invitations that were open then may have been used since: they
//! are closed.

mod archive;
mod restore;
mod seal;

use std::path::{Path, PathBuf};

use lockgate_types::{ErrorKind, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::authority::AuthorityError;
use crate::certificate::{CertificateError, CertificateInfo};
use crate::crl::CrlError;
use crate::directory::{AuthorityDirectory, DirectoryError};

pub use restore::{Restored, restore};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A certificate in it.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The list that was given.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; please report this")]
    Crypto,
    /// Not what was written.
    #[error("the backup is damaged or was altered: nothing was restored; use another copy")]
    Damaged,
    /// The record.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Something is there.
    #[error("{} is there already: nothing is overwritten; name another place", .0.display())]
    Exists(PathBuf),
    /// The system refused.
    #[error("cannot read or write {}: {reason}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Larger than any authority.
    #[error("{} holds more than {MAX} octets, which is no authority", .0.display())]
    Large(PathBuf),
    /// A member that no backup has.
    #[error("the backup has a member that it should not have ({0}): nothing was restored")]
    Member(String),
    /// Something else.
    #[error("this is no backup of an authority: give a file that `lockgate ca backup` wrote")]
    NotABackup,
    /// The passphrase is another one.
    #[error("the passphrase of the backup is wrong, or its beginning was altered")]
    Passphrase,
}

impl BackupError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Authority(error) => error.kind(),
            Self::Certificate(error) => error.kind(),
            Self::Crl(error) => error.kind(),
            Self::Directory(error) => error.kind(),
            Self::Crypto => ErrorKind::Internal,
            Self::Damaged | Self::Large(_) | Self::Member(_) | Self::NotABackup => {
                ErrorKind::InvalidInput
            }
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::Passphrase => ErrorKind::Denied,
        }
    }

    fn io(file: &Path) -> impl Fn(std::io::Error) -> Self + '_ {
        move |error| Self::Io {
            file: file.to_owned(),
            reason: crate::key::reason(&error),
        }
    }
}

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupInfo {
    /// The form, 1.
    pub version: u32,
    /// When it was made.
    pub at: Timestamp,
    /// The root.
    pub subject: String,
    /// SHA-256 of the root's certificate, in hex.
    pub fingerprint_sha256: String,
}

impl AuthorityDirectory {
    /// The whole directory as one sealed text. Nobody changes the directory meanwhile.
    pub fn backup(
        &self,
        passphrase: &Secret<String>,
        now: Timestamp,
    ) -> Result<(String, BackupInfo), BackupError> {
        let _lock = self.lock()?;
        let roots = CertificateInfo::read(&self.bundle_path())?;
        let root = roots.into_iter().next().ok_or(BackupError::NotABackup)?;
        let info = BackupInfo {
            version: VERSION,
            at: now,
            subject: root.subject,
            fingerprint_sha256: root.fingerprint_sha256,
        };
        let tar = archive::pack(self.path(), &info)?;
        Ok((seal::seal(tar, passphrase)?, info))
    }
}

const VERSION: u32 = 1;
/// A million certificates are 500 MB; an authority has some thousands.
const MAX: u64 = 1 << 30;
