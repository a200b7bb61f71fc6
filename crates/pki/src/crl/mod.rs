//! Revocation lists (RFC 5280): signed here, judged here.
//!
//! A list is believed when an authority that we trust signed it, whole, and for itself alone. What
//! stays in memory of it are the serial numbers, twenty octets each, sorted: a handshake costs a
//! binary search, and a million entries cost 20 MB.

mod der;
mod read;
mod sign;
mod signer;

use std::path::{Path, PathBuf};

use lockgate_types::{ErrorKind, Timestamp};
use rustls_pki_types::CertificateDer;
use thiserror::Error;

pub use sign::{CRL_DAYS_DEFAULT, CRL_DAYS_MAX};
pub(crate) use sign::{NewList, sign};
pub(crate) use signer::{certifies, signed};

/// Why a revocation list is not believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CrlError {
    /// None in the file.
    #[error("{} holds no revocation list: name a file that begins with `-----BEGIN X509 CRL-----`", .0.display())]
    None(PathBuf),
    /// Not whole, or no list at all.
    #[error(
        "the revocation list is malformed or not whole: fetch it again, or make it anew with `lockgate ca crl`"
    )]
    Malformed,
    /// Nobody we trust has that name.
    #[error(
        "the revocation list is of another authority ({0}): use the list of the authority in ca.pem"
    )]
    WrongIssuer(String),
    /// The signature is not the authority's.
    #[error("the signature of the revocation list is not its authority's: fetch it again")]
    BadSignature,
    /// The authority must not sign lists.
    #[error(
        "the authority of the revocation list may not sign lists (key usage cRLSign): use another authority"
    )]
    NotASigner,
    /// It speaks of a part of the certificates, or in a way we do not know.
    #[error(
        "the revocation list has the critical extension {0}, which is not supported: use a complete list"
    )]
    Unsupported(String),
    /// Issued in the future.
    #[error("the revocation list is valid only from {0} on: check the clock of this host")]
    NotYetValid(Timestamp),
    /// Without an end, it could be kept back for ever.
    #[error("the revocation list does not say when the next one comes: make one that does")]
    NoEnd,
    /// Older than what is known already.
    #[error(
        "the revocation list has number {found}, older than {known}, which is in use: fetch it again"
    )]
    Older {
        /// The number found.
        found: u64,
        /// The number in use.
        known: u64,
    },
    /// Ended, when the one in use has not.
    #[error("the revocation list ended at {0}, and the one in use is newer: fetch it again")]
    Ended(Timestamp),
    /// The file cannot be read.
    #[error("cannot read {}: {reason}; check the path and who you are", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl CrlError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::None(_)
            | Self::Malformed
            | Self::NoEnd
            | Self::NotASigner
            | Self::WrongIssuer(_)
            | Self::BadSignature => ErrorKind::InvalidInput,
            Self::Ended(_) | Self::NotYetValid(_) | Self::Older { .. } => {
                ErrorKind::PreconditionFailed
            }
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Unreadable { .. } => ErrorKind::NotFound,
        }
    }
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its authority's list does not name it.
    Good,
    /// Its authority's list names it.
    Revoked,
    /// Its authority's list is older than its hard limit.
    Stale,
    /// There is no list of its authority.
    Unknown,
}

/// One believed list.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The issuer's name in DER.
    issuer: Vec<u8>,
    number: Option<u64>,
    this_update: i64,
    next_update: i64,
    serials: Vec<Serial>,
}

/// A serial number, right-aligned: RFC 5280 allows at most twenty octets.
pub(crate) type Serial = [u8; 20];

impl RevocationList {
    /// Reads a list in DER and believes it if one of `authorities` signed it.
    pub fn from_der(
        der: &[u8],
        authorities: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<Self, CrlError> {
        read::list(der, authorities, now.unix_seconds())
    }

    /// How many certificates it names.
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.serials.is_empty()
    }

    /// Its number; each list of an authority has a higher one.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// The name of its authority, as one line of text.
    pub fn issuer_text(&self) -> String {
        read::name(&self.issuer)
    }

    /// The serial numbers, in hex as records have them.
    pub fn serials(&self) -> impl Iterator<Item = String> {
        let plain = |serial: &Serial| {
            let zeros = serial.iter().take_while(|octet| **octet == 0).count();
            lockgate_types::hex(serial.get(zeros..).unwrap_or_default())
        };
        self.serials.iter().map(plain)
    }

    /// When the next one is due.
    pub fn next_update(&self) -> Timestamp {
        crate::clock::timestamp(self.next_update)
    }

    fn names(&self, serial: &[u8]) -> bool {
        read::aligned(serial).is_some_and(|serial| self.serials.binary_search(&serial).is_ok())
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationList")
            .field("number", &self.number)
            .field("next_update", &self.next_update())
            .field("entries", &self.serials.len())
            .finish_non_exhaustive()
    }
}

/// The lists of all authorities that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    lists: Vec<RevocationList>,
    /// For how many seconds after `next_update` a list still counts.
    grace: i64,
}

impl Revocations {
    /// Reads all lists of a file, PEM or a single one in DER, and believes them together or not at
    /// all. `grace` is for how many seconds after its end a list may still be used.
    pub fn read(
        file: &Path,
        authorities: &[CertificateDer<'_>],
        grace: u32,
        now: Timestamp,
    ) -> Result<Self, CrlError> {
        Self::parse(&read::file(file)?, file, authorities, grace, now)
    }

    /// The same for what was read already; `origin` is the file that errors name.
    pub fn parse(
        text: &[u8],
        origin: &Path,
        authorities: &[CertificateDer<'_>],
        grace: u32,
        now: Timestamp,
    ) -> Result<Self, CrlError> {
        let lists = read::all(text, origin, authorities, now.unix_seconds())?;
        Ok(Self {
            lists,
            grace: i64::from(grace),
        })
    }

    /// Refuses lists that are older than those of `known`, and lists that have ended when `known` has
    /// not: an old list must not free anybody.
    pub fn check_newer_than(&self, known: &Self, now: Timestamp) -> Result<(), CrlError> {
        for list in &self.lists {
            let before = known.lists.iter().find(|old| old.issuer == list.issuer);
            let ended = list.next_update() < now;
            if ended && before.is_some_and(|old| old.next_update > list.next_update) {
                return Err(CrlError::Ended(list.next_update()));
            }
            if let (Some(found), Some(known)) = (list.number, before.and_then(|old| old.number))
                && found < known
            {
                return Err(CrlError::Older { found, known });
            }
        }
        Ok(())
    }

    /// How the certificate with this serial number stands, of the issuer with this name in DER.
    ///
    /// Authorities of the same name (after a key change) are told apart by nobody: a serial number
    /// that any of them names is revoked.
    pub fn standing(&self, issuer: &[u8], serial: &[u8], now: i64) -> Standing {
        let mut found = Standing::Unknown;
        for list in self.lists.iter().filter(|list| list.issuer == issuer) {
            if list.names(serial) {
                return Standing::Revoked;
            }
            let is_stale = now > list.next_update.saturating_add(self.grace);
            if is_stale {
                found = Standing::Stale;
            } else if found == Standing::Unknown {
                found = Standing::Good;
            }
        }
        found
    }

    /// The list of an authority.
    pub fn of(&self, authority: &[u8]) -> Option<&RevocationList> {
        let name = crate::certificate::subject_name(authority)?;
        self.lists.iter().find(|list| list.issuer == name)
    }

    /// The lists.
    pub fn lists(&self) -> &[RevocationList] {
        &self.lists
    }

    /// When the first of the lists ends, without grace.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.lists.iter().map(RevocationList::next_update).min()
    }
}
