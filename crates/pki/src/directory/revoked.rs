//! `revoked.jsonl`: who was locked out, and who was let in again. The last line about a serial counts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{AuthorityDirectory, DirectoryError, encode, read_lines};
use crate::authority::IssuedRecord;

/// Why a certificate is revoked, in the words of RFC 5280.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The person left, or has another role.
    AffiliationChanged,
    /// For the time being; can be taken back.
    CertificateHold,
    /// The machine is gone.
    CessationOfOperation,
    /// Somebody else may have the key.
    KeyCompromise,
    /// There is another certificate instead.
    Superseded,
    /// Nobody said.
    #[default]
    Unspecified,
}

impl Reason {
    /// The words, as they are typed.
    pub const NAMES: [&'static str; 6] = [
        "affiliationChanged",
        "certificateHold",
        "cessationOfOperation",
        "keyCompromise",
        "superseded",
        "unspecified",
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AffiliationChanged => "affiliationChanged",
            Self::CertificateHold => "certificateHold",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::KeyCompromise => "keyCompromise",
            Self::Superseded => "superseded",
            Self::Unspecified => "unspecified",
        }
    }

    pub(super) fn code(self) -> rcgen::RevocationReason {
        use rcgen::RevocationReason as R;
        match self {
            Self::AffiliationChanged => R::AffiliationChanged,
            Self::CertificateHold => R::CertificateHold,
            Self::CessationOfOperation => R::CessationOfOperation,
            Self::KeyCompromise => R::KeyCompromise,
            Self::Superseded => R::Superseded,
            Self::Unspecified => R::Unspecified,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        match text {
            "affiliationChanged" => Ok(Self::AffiliationChanged),
            "certificateHold" | "hold" => Ok(Self::CertificateHold),
            "cessationOfOperation" => Ok(Self::CessationOfOperation),
            "keyCompromise" => Ok(Self::KeyCompromise),
            "superseded" => Ok(Self::Superseded),
            "unspecified" => Ok(Self::Unspecified),
            _ => Err(UnknownReason(text.to_owned())),
        }
    }
}

/// No such reason.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "unknown reason {0:?}: use keyCompromise, affiliationChanged, superseded, \
     cessationOfOperation, certificateHold or unspecified"
)]
pub struct UnknownReason(String);

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedRecord {
    /// When.
    pub at: Timestamp,
    /// The serial number, as in the record of what was issued.
    pub serial: String,
    /// Whose.
    pub identity: String,
    /// Why.
    pub reason: Reason,
    /// Whether this line takes a hold back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// The end of the certificate: after that nobody needs the line in a list.
    pub not_after: Timestamp,
    /// Which key signed the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its time is over.
    Expired,
    /// Revoked for the time being.
    Held,
    /// Revoked for good.
    Revoked,
    /// Good.
    Valid,
}

impl State {
    /// How `record` stands at `now`.
    pub fn of(
        record: &IssuedRecord,
        revoked: &BTreeMap<String, RevokedRecord>,
        now: Timestamp,
    ) -> Self {
        match revoked.get(&record.serial).map(|line| line.reason) {
            Some(Reason::CertificateHold) => Self::Held,
            Some(_) => Self::Revoked,
            None if now > record.not_after => Self::Expired,
            None => Self::Valid,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Held => "held",
            Self::Revoked => "revoked",
            Self::Valid => "valid",
        }
    }
}

impl AuthorityDirectory {
    /// What is revoked now, by serial number.
    pub fn revoked(&self) -> Result<BTreeMap<String, RevokedRecord>, DirectoryError> {
        let mut revoked = BTreeMap::new();
        for line in read_lines::<RevokedRecord>(&self.0.join(REVOKED))? {
            if line.released {
                revoked.remove(&line.serial);
            } else {
                revoked.insert(line.serial.clone(), line);
            }
        }
        Ok(revoked)
    }

    /// Takes holds back.
    pub fn release(&self, who: &str, now: Timestamp) -> Result<Vec<RevokedRecord>, DirectoryError> {
        let lock = self.lock()?;
        let serial = normal(who);
        let matching: Vec<_> = self
            .revoked()?
            .into_values()
            .filter(|line| line.identity == who || line.serial == serial)
            .collect();
        let held = matching
            .iter()
            .filter(|line| line.reason == Reason::CertificateHold);
        let lines: Vec<_> = held
            .map(|line| RevokedRecord {
                at: now,
                released: true,
                ..line.clone()
            })
            .collect();
        match (lines.is_empty(), matching.first()) {
            (false, _) => {}
            (true, None) => return Err(DirectoryError::NotRevoked(who.to_owned())),
            (true, Some(line)) => {
                return Err(DirectoryError::NotHeld {
                    identity: line.identity.clone(),
                    reason: line.reason.to_string(),
                });
            }
        }
        self.append(&lock, &lines)?;
        Ok(lines)
    }

    /// Takes over a list that is newer than the record, with the lines that the record lacks.
    pub(crate) fn take_list(
        &self,
        list: &[u8],
        lines: &[RevokedRecord],
    ) -> Result<(), DirectoryError> {
        let lock = self.lock()?;
        if !lines.is_empty() {
            self.append(&lock, lines)?;
        }
        let path = self.crl_path();
        lock.replace(&path, list, 0o444)
            .map_err(DirectoryError::io(&path))
    }

    pub(super) fn append(
        &self,
        lock: &super::Locked,
        lines: &[RevokedRecord],
    ) -> Result<(), DirectoryError> {
        let path = self.0.join(REVOKED);
        let text: String = lines
            .iter()
            .map(|line| encode(&path, line))
            .collect::<Result<_, _>>()?;
        lock.append(&path, &text).map_err(DirectoryError::io(&path))
    }
}

/// A serial number as it is recorded: people write colons and capitals.
pub(super) fn normal(serial: &str) -> String {
    let digits = serial.strip_prefix("0x").unwrap_or(serial);
    digits
        .chars()
        .filter(|c| *c != ':')
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The record of revocations.
const REVOKED: &str = "revoked.jsonl";
