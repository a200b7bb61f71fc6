//! The authority's directory as a record: what was issued, what was revoked, who is invited.
//!
//! ```text
//! ca.pem          what peers trust: the root that issues, and others while a rotation lasts
//! ca-key.pem      the key that issues
//! issued.jsonl    a line for every certificate, written before the certificate leaves
//! revoked.jsonl   a line for every revocation and every release, written before the list is signed
//! crl.pem         the revocation lists, one for each root, signed anew long before they end
//! invites.json    open and used invitations; of their secrets only hashes
//! journal.jsonl   who was invited, let in or refused, and when
//! previous/       the root before this one, while a rotation lasts
//! ```
//!
//! Every change is made under one lock and is on disk when it is answered.

mod error;
mod invite;
mod locked;
mod offline;
mod publish;
mod revoke;
mod revoked;
mod rotate;

use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::DirectoryError;
pub use invite::{Invite, InviteSecret, Invited, RedeemError};
pub(crate) use locked::Locked;
pub use publish::CrlSummary;
pub use revoke::GRACE_DAYS_MAX;
pub(crate) use revoke::UNKNOWN;
pub use revoked::{Reason, RevokedRecord, State, UnknownReason};
pub use rotate::{Authorities, RotationState};

use crate::authority::{CERTIFICATE, IssuedRecord, LEDGER};

/// The directory of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityDirectory(PathBuf);

impl AuthorityDirectory {
    /// The authority whose certificate is `ca.pem` in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file of the revocation lists.
    pub fn crl_path(&self) -> PathBuf {
        self.0.join(CRL)
    }

    /// What peers trust.
    pub fn bundle_path(&self) -> PathBuf {
        self.0.join(CERTIFICATE)
    }

    /// Everything that was issued, oldest first.
    pub fn issued(&self) -> Result<Vec<IssuedRecord>, DirectoryError> {
        read_lines(&self.0.join(LEDGER))
    }

    /// Adds a line to the journal. It never holds a secret.
    pub fn note(&self, entry: &JournalEntry) -> Result<(), DirectoryError> {
        let path = self.0.join(JOURNAL);
        let line = encode(&path, entry)?;
        append_only(&path, &line).map_err(DirectoryError::io(&path))
    }

    pub(crate) fn lock(&self) -> Result<Locked, DirectoryError> {
        let path = self.0.join(CERTIFICATE);
        Locked::for_file(&path).map_err(DirectoryError::io(&self.0))
    }
}

/// One line of the journal.
#[derive(Clone, Debug, Serialize)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// What: `invited`, `joined`, `renewed`, `refused`, `revoked`, `released`, `rotated` or `retired`.
    pub event: &'static str,
    /// From where; `local` for a command on this host.
    pub peer: String,
    /// About whom.
    pub identity: String,
    /// The serial number that was issued or revoked, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl JournalEntry {
    /// An entry for something done on this host.
    pub fn local(event: &'static str, identity: impl Into<String>) -> Self {
        Self {
            at: Timestamp::now(),
            event,
            peer: "local".to_owned(),
            identity: identity.into(),
            serial: None,
            detail: String::new(),
        }
    }
}

fn append_only(path: &Path, line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

fn encode<T: Serialize>(path: &Path, value: &T) -> Result<String, DirectoryError> {
    serde_json::to_string(value)
        .map(|json| json + "\n")
        .map_err(|error| DirectoryError::io(path)(error.into()))
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, DirectoryError> {
    let bytes = locked::read(path).map_err(DirectoryError::io(path))?;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| {
            serde_json::from_slice(line).map_err(|error| DirectoryError::Line {
                file: path.to_owned(),
                line: at + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// The revocation lists.
const CRL: &str = "crl.pem";
/// The lists of roots whose keys are elsewhere.
const ROOT_CRL: &str = "root-crl.pem";
/// The journal.
const JOURNAL: &str = "journal.jsonl";
