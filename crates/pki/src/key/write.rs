//! Keys as PEM text.

use lockgate_types::Secret;
use pem::{EncodeConfig, LineEnding, Pem};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use rcgen::KeyPair;

use super::KeyError;

pub(super) fn plain_pem(key: &KeyPair) -> Secret<String> {
    Secret::new(encode("PRIVATE KEY", key.serialize_der()))
}

/// PBES2 with PBKDF2 (HMAC-SHA-256) and AES-256-CBC: the form that every openssl since 1.1 reads.
pub(super) fn encrypted_pem(
    key: &KeyPair,
    passphrase: &Secret<String>,
) -> Result<Secret<String>, KeyError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|e| KeyError::Library(e.to_string()))?;
    getrandom::fill(&mut iv).map_err(|e| KeyError::Library(e.to_string()))?;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv)
        .map_err(|e| KeyError::Library(e.to_string()))?;
    let encrypted = PrivateKeyInfoRef::try_from(key.serialized_der())
        .map_err(|e| KeyError::Library(e.to_string()))?
        .encrypt_with_params(parameters, passphrase.expose())
        .map_err(|e| KeyError::Library(e.to_string()))?;
    Ok(Secret::new(encode(
        "ENCRYPTED PRIVATE KEY",
        encrypted.as_bytes(),
    )))
}

/// A certificate as PEM.
pub fn certificate_pem(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// PEM text with lines that end as on Unix.
pub(crate) fn encode(tag: &str, der: impl Into<Vec<u8>>) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(tag, der.into()), config)
}

/// OWASP's number for PBKDF2 with HMAC-SHA-256; about 70 ms for each guess.
const ITERATIONS: u32 = 600_000;
