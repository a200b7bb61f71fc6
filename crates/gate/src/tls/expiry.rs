//! What of our own ends, and when: for warnings and metrics.

use std::fmt;
use std::path::PathBuf;

use lockgate_pki::{CertificateInfo, Revocations};
use lockgate_types::Timestamp;
use rustls_pki_types::CertificateDer;

use super::TlsFiles;

/// Something that is in use and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// What it is.
    pub kind: ExpiryKind,
    /// Its subject; of a revocation list, its authority.
    pub subject: String,
    /// Its serial number in hex; of a revocation list, the number.
    pub serial: String,
    /// Where it came from.
    pub file: PathBuf,
    /// Its last moment; of a revocation list, when the next one is due.
    pub at: Timestamp,
}

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExpiryKind {
    /// An authority that clients are believed from.
    Authority,
    /// An authority between the root and our own certificate.
    Intermediate,
    /// A revocation list.
    RevocationList,
    /// Our own certificate.
    Server,
}

impl ExpiryKind {
    /// A stable word, for labels of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Intermediate => "intermediate",
            Self::RevocationList => "revocation_list",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ExpiryKind::Authority => "the authority",
            ExpiryKind::Intermediate => "the intermediate authority",
            ExpiryKind::RevocationList => "the revocation list of",
            ExpiryKind::Server => "our own certificate",
        };
        let (subject, file) = (&self.subject, self.file.display());
        write!(f, "{what} {subject} (serial {}, {file})", self.serial)
    }
}

/// Everything in use that ends.
pub(super) fn of_certificates(
    files: &TlsFiles,
    authorities: &[CertificateDer<'_>],
    chain: &[CertificateDer<'_>],
) -> Vec<Expiry> {
    let one = |kind, file: &PathBuf, der: &CertificateDer<'_>| {
        let info = CertificateInfo::from_der(der).ok()?;
        Some(Expiry {
            kind,
            subject: info.subject,
            serial: info.serial,
            file: file.clone(),
            at: info.not_after,
        })
    };
    let ours = chain.iter().enumerate().filter_map(|(at, der)| {
        let kind = if at == 0 {
            ExpiryKind::Server
        } else {
            ExpiryKind::Intermediate
        };
        one(kind, &files.certificate, der)
    });
    let theirs = authorities.iter();
    let theirs = theirs.filter_map(|der| one(ExpiryKind::Authority, &files.ca, der));
    ours.chain(theirs).collect()
}

pub(super) fn of_lists(files: &TlsFiles, lists: &Revocations) -> Vec<Expiry> {
    let file = files.crl.clone().unwrap_or_default();
    let lists = lists.lists().iter();
    lists
        .map(|list| Expiry {
            kind: ExpiryKind::RevocationList,
            subject: list.issuer_text(),
            serial: list.number().map(|n| n.to_string()).unwrap_or_default(),
            file: file.clone(),
            at: list.next_update(),
        })
        .collect()
}
