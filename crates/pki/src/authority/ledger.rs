//! `issued.jsonl`: one line of JSON for every certificate, the authority's own first.
//!
//! ```text
//! {"issued_at":"…","serial":"…","subject":"…","names":["DNS:…"],"usage":["serverAuth"],
//!  "not_before":"…","not_after":"…","fingerprint_sha256":"…","spki_sha256":"…",
//!  "authority_key_id":"…"}
//! ```
//!
//! A line is on disk before the certificate's files appear, so that no certificate exists that is not
//! recorded. The file is replaced as a whole, under a lock on its directory.

use std::io;
use std::path::Path;

use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::IssueError;
use crate::certificate::CertificateInfo;
use crate::directory::Locked;
use crate::identifier::{RoleName, client_in, role_in};
use crate::key::reason;

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedRecord {
    /// When.
    pub issued_at: Timestamp,
    /// Its serial number in lower-case hex, two digits an octet.
    pub serial: String,
    /// Its subject as one line of text.
    pub subject: String,
    /// Its names, as `DNS:…`, `IP:…` and `URI:…`.
    pub names: Vec<String>,
    /// What it is good for; empty for an authority's own.
    pub usage: Vec<String>,
    /// The first moment of validity.
    pub not_before: Timestamp,
    /// The last moment of validity.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint_sha256: String,
    /// SHA-256 of its public key, in hex.
    pub spki_sha256: String,
    /// Which key signed it, in hex; records of other times do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
}

impl IssuedRecord {
    /// The record of a certificate.
    pub(crate) fn of(info: &CertificateInfo, now: Timestamp) -> Self {
        Self {
            issued_at: now,
            serial: info.serial.clone(),
            subject: info.subject.clone(),
            names: info.alternative_names(),
            usage: info.extended_key_usage.clone(),
            not_before: info.not_before,
            not_after: info.not_after,
            fingerprint_sha256: info.fingerprint_sha256.clone(),
            spki_sha256: info.spki_sha256.clone(),
            authority_key_id: info.authority_key_id.clone(),
        }
    }

    /// Whether it is good for a client.
    pub fn is_for_clients(&self) -> bool {
        self.usage.iter().any(|usage| usage == "clientAuth")
    }

    /// The role that it carries, if any.
    pub fn role(&self) -> Option<RoleName> {
        let mut uris = self
            .names
            .iter()
            .filter_map(|name| name.strip_prefix("URI:"));
        uris.find_map(role_in)
    }

    /// Who it is: a client's name, or a server's first name.
    pub fn identity(&self) -> &str {
        let name = |prefix| self.names.iter().find_map(|name| name.strip_prefix(prefix));
        let mut uris = self
            .names
            .iter()
            .filter_map(|name| name.strip_prefix("URI:"));
        uris.find_map(client_in)
            .or_else(|| name("DNS:"))
            .or_else(|| name("IP:"))
            .or_else(|| self.subject.rsplit("CN=").next())
            .unwrap_or_default()
    }
}

/// The line of a certificate, with its end.
pub(super) fn line(info: &CertificateInfo, now: Timestamp) -> Result<String, serde_json::Error> {
    let line = IssuedRecord::of(info, now);
    serde_json::to_string(&line).map(|json| json + "\n")
}

pub(super) fn append(
    path: &Path,
    issued: &[&CertificateInfo],
    now: Timestamp,
) -> Result<(), IssueError> {
    let lines: Result<String, _> = issued.iter().map(|info| line(info, now)).collect();
    lines
        .map_err(io::Error::from)
        .and_then(|lines| Locked::for_file(path)?.append(path, &lines))
        .map_err(|e| IssueError::Record {
            file: path.to_owned(),
            reason: reason(&e),
        })
}
