//! What a certificate says, in plain values.

mod read;
mod text;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lockgate_types::{ErrorKind, Timestamp};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use thiserror::Error;

use crate::identifier::{RoleName, role_in};
use crate::key::KeyType;

pub(crate) use read::{constraints_of, key_identifier, read_file, subject_name};

/// Why a certificate cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    /// A private key was given instead.
    #[error("{} holds a private key, not a certificate: name the certificate's file", .0.display())]
    Key(PathBuf),
    /// The certificate is not well-formed.
    #[error("the certificate in {} is malformed: {reason}; get it anew from its authority", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no certificate.
    #[error("{} holds no certificate: name a PEM file that begins with `-----BEGIN CERTIFICATE-----`", .0.display())]
    None(PathBuf),
    /// The file cannot be read.
    #[error("cannot read {}: {reason}; check the path and who you are", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl CertificateError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Key(_) | Self::Malformed { .. } | Self::None(_) => ErrorKind::InvalidInput,
            Self::Unreadable { .. } => ErrorKind::NotFound,
        }
    }
}

/// What a certificate says about itself. Nothing here has been verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateInfo {
    /// The version, 3 for everything modern.
    pub version: u32,
    /// The serial number in lower-case hex, two digits an octet.
    pub serial: String,
    /// The subject as one line of text.
    pub subject: String,
    /// The first common name of the subject.
    pub common_name: Option<String>,
    /// The organisations of the subject.
    pub organizations: Vec<String>,
    /// The organisational units of the subject.
    pub organizational_units: Vec<String>,
    /// The issuer as one line of text.
    pub issuer: String,
    /// The first moment of validity.
    pub not_before: Timestamp,
    /// The last moment of validity.
    pub not_after: Timestamp,
    /// Host names.
    pub dns_names: Vec<String>,
    /// Addresses.
    pub ip_addresses: Vec<IpAddr>,
    /// Mail addresses.
    pub email_addresses: Vec<String>,
    /// Identifiers in the form of a URI.
    pub uris: Vec<String>,
    /// Whether it may issue certificates.
    pub is_ca: bool,
    /// How many further authorities may follow below it.
    pub path_length: Option<u32>,
    /// What the key may be used for; empty if the certificate does not say.
    pub key_usage: Vec<String>,
    /// What the certificate is good for (`serverAuth`, `clientAuth`); empty if it does not say.
    pub extended_key_usage: Vec<String>,
    /// Subtrees that names below this authority must lie in.
    pub permitted_names: Vec<String>,
    /// Subtrees that names below this authority must not lie in.
    pub excluded_names: Vec<String>,
    /// The kind of the key, such as `ECDSA P-256` or `RSA 4096`.
    pub key_algorithm: String,
    /// The algorithm of the signature, such as `ecdsa-with-SHA256`.
    pub signature_algorithm: String,
    /// The identifier of the key, in hex.
    pub subject_key_id: Option<String>,
    /// The identifier of the issuer's key, in hex.
    pub authority_key_id: Option<String>,
    /// SHA-256 of the whole certificate, in hex.
    pub fingerprint_sha256: String,
    /// SHA-256 of the public key (SubjectPublicKeyInfo), in hex: what stays when it is renewed.
    pub spki_sha256: String,
}

impl CertificateInfo {
    /// Reads the first certificate of a PEM text; `origin` is the file that errors name.
    pub fn from_pem(pem: &[u8], origin: &Path) -> Result<Self, CertificateError> {
        let chain = Self::chain_from_pem(pem, origin)?;
        chain
            .into_iter()
            .next()
            .ok_or_else(|| CertificateError::None(origin.to_owned()))
    }

    /// Reads all certificates of a PEM text, at least one.
    pub fn chain_from_pem(pem: &[u8], origin: &Path) -> Result<Vec<Self>, CertificateError> {
        let chain = read::chain(pem, origin)?;
        chain
            .iter()
            .map(|der| Self::from_der_of(der, origin))
            .collect()
    }

    /// Reads a certificate as it arrives in a handshake.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::from_der_of(der, Path::new("the handshake"))
    }

    /// Reads all certificates of a file.
    pub fn read(file: &Path) -> Result<Vec<Self>, CertificateError> {
        Self::chain_from_pem(&read_file(file)?, file)
    }

    /// All names, as `DNS:…`, `IP:…`, `email:…` and `URI:…`.
    pub fn alternative_names(&self) -> Vec<String> {
        let dns = self.dns_names.iter().map(|name| format!("DNS:{name}"));
        let ips = self
            .ip_addresses
            .iter()
            .map(|address| format!("IP:{address}"));
        let mails = self
            .email_addresses
            .iter()
            .map(|address| format!("email:{address}"));
        let uris = self.uris.iter().map(|uri| format!("URI:{uri}"));
        dns.chain(ips).chain(mails).chain(uris).collect()
    }

    /// Whether it is good for a server.
    pub fn is_for_servers(&self) -> bool {
        self.extended_key_usage
            .iter()
            .any(|usage| usage == "serverAuth")
    }

    /// Whether it is good for a client.
    pub fn is_for_clients(&self) -> bool {
        self.extended_key_usage
            .iter()
            .any(|usage| usage == "clientAuth")
    }

    /// The role that it carries, if any.
    pub fn role(&self) -> Option<RoleName> {
        self.uris.iter().find_map(|uri| role_in(uri))
    }

    /// Whether two thirds of its time are over: time to renew.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let (from, until) = (
            self.not_before.unix_seconds(),
            self.not_after.unix_seconds(),
        );
        now.unix_seconds() >= from + (until - from) / 3 * 2
    }

    /// The kind of key for its successor.
    pub fn key_type(&self) -> KeyType {
        match self.key_algorithm.as_str() {
            "ECDSA P-384" => KeyType::EcdsaP384,
            "Ed25519" => KeyType::Ed25519,
            rsa if rsa.starts_with("RSA") => KeyType::Rsa4096,
            _ => KeyType::EcdsaP256,
        }
    }

    /// The certificate as text for people.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    pub(crate) fn from_der_of(der: &[u8], origin: &Path) -> Result<Self, CertificateError> {
        read::info(der).map_err(|reason| CertificateError::Malformed {
            file: origin.to_owned(),
            reason: reason.to_string(),
        })
    }
}

/// The certificates of a file in DER, at least one.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    chain(&read_file(file)?, file)
}

/// The same for a PEM text; `origin` is the file that errors name.
pub fn certificates_in(
    pem: &[u8],
    origin: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    chain(pem, origin)
}

/// The certificates of a PEM text, at least one.
pub(crate) fn chain(
    pem: &[u8],
    origin: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    read::chain(pem, origin)
}
