//! Requests for certificates (PKCS#10): a public key, and the proof that somebody holds its other half.

use lockgate_types::ErrorKind;
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, PublicKeyData as _,
};
use rustls_pki_types::CertificateSigningRequestDer;
use thiserror::Error;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::key::{KeyError, PrivateKey, PublicKey};

/// Why a request is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// Longer than any request.
    #[error("the request for a certificate has {0} octets: make one with an ordinary key")]
    Length(usize),
    /// Not PKCS#10, asks for things that are not known, or is not signed with its own key.
    #[error("the request for a certificate cannot be used ({0}): make a new one")]
    Unusable(String),
    /// A key that is too short.
    #[error(
        "the key of the request is too weak ({0}): use ECDSA P-256, or RSA with 2048 bits or more"
    )]
    Weak(String),
}

impl RequestError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// A request whose signature was checked. Only its key is of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest(PublicKey);

impl CertificateRequest {
    /// Reads a request in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > LONGEST {
            return Err(RequestError::Length(der.len()));
        }
        let unusable = |error: &dyn std::fmt::Display| RequestError::Unusable(error.to_string());
        let request = CertificateSigningRequestParams::from_der(
            &CertificateSigningRequestDer::from(der.to_vec()),
        )
        .map_err(|error| unusable(&error))?;
        let key = request.public_key.subject_public_key_info();
        check_strength(&key)?;
        let key = PublicKey::from_der(&key).map_err(|error| unusable(&error))?;
        Ok(Self(key))
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.0
    }
}

impl PrivateKey {
    /// A request for a certificate in DER. It holds the public key and nothing else: names are the
    /// authority's to give.
    pub fn request(&self) -> Result<Vec<u8>, KeyError> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        let request = parameters.serialize_request(self.pair())?;
        Ok(request.der().to_vec())
    }
}

fn check_strength(key: &[u8]) -> Result<(), RequestError> {
    let unusable = || RequestError::Unusable("its key cannot be read".to_owned());
    let (_, key) = SubjectPublicKeyInfo::from_der(key).map_err(|_malformed| unusable())?;
    match key.parsed() {
        Ok(Parsed::RSA(rsa)) if !(2048..=8192).contains(&rsa.key_size()) => {
            Err(RequestError::Weak(format!("RSA {}", rsa.key_size())))
        }
        _ => Ok(()),
    }
}

/// RSA with 8192 bits needs a quarter of it.
const LONGEST: usize = 16 * 1024;
