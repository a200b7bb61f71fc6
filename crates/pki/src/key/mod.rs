//! Private keys: made, read in every form openssl writes, and written encrypted.

mod read;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use lockgate_types::{ErrorKind, Secret};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

pub use read::key_needs_passphrase;
pub(crate) use read::{open, read_limited, reason};
pub use write::certificate_pem;
pub(crate) use write::encode;

/// Why a key cannot be made, read or written.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The key is encrypted and no passphrase was given.
    #[error("{} is encrypted: give its passphrase (--passphrase-file FILE or LOCKGATE_CA_PASSPHRASE)", .0.display())]
    Encrypted(PathBuf),
    /// The library refused to make or use a key.
    #[error("the cryptographic library failed: {0}; please report this")]
    Library(String),
    /// The encryption that openssl used before PKCS#8.
    #[error(
        "{0} is encrypted in openssl's legacy form: convert it with `openssl pkcs8 -topk8 -v2 \
         aes-256-cbc -v2prf hmacWithSHA256 -in {0} -out {1}` and use {1}",
        .file.display(), .converted.display()
    )]
    Legacy {
        /// The file.
        file: PathBuf,
        /// Where the command puts the converted key.
        converted: PathBuf,
    },
    /// The file holds no private key.
    #[error("{} holds no private key: name a PEM file that begins with `-----BEGIN PRIVATE KEY-----` or the like", .0.display())]
    NoKey(PathBuf),
    /// Other accounts may read the key.
    #[error("{0} can be read or changed by others (mode {mode:04o}): run `chmod 0400 {0}`", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {reason}; check the path and who you are", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The key is of a kind that is not used, or too short.
    #[error("the key in {} cannot be used: it must be RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519", .0.display())]
    Unsupported(PathBuf),
    /// The key is encrypted with something that is not supported.
    #[error(
        "{0} is encrypted with a cipher that is not supported: convert it with `openssl pkcs8 \
         -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in {0} -out {1}` and use {1}",
        .file.display(), .converted.display()
    )]
    UnsupportedCipher {
        /// The file.
        file: PathBuf,
        /// Where the command puts the converted key.
        converted: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("wrong passphrase for {}: give the one it was encrypted with", .0.display())]
    WrongPassphrase(PathBuf),
}

impl KeyError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Encrypted(_) | Self::WrongPassphrase(_) => ErrorKind::Unauthenticated,
            Self::Library(_) => ErrorKind::Internal,
            Self::Legacy { .. } | Self::Unsupported(_) | Self::UnsupportedCipher { .. } => {
                ErrorKind::Unsupported
            }
            Self::NoKey(_) => ErrorKind::InvalidInput,
            Self::Open { .. } => ErrorKind::Denied,
            Self::Unreadable { .. } => ErrorKind::NotFound,
        }
    }
}

impl From<rcgen::Error> for KeyError {
    fn from(error: rcgen::Error) -> Self {
        Self::Library(error.to_string())
    }
}

/// The kinds of keys that are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on P-256: what every client understands.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519, which several clients do not understand.
    Ed25519,
    /// RSA with 4096 bits: slow handshakes, old clients.
    Rsa4096,
}

impl KeyType {
    /// The names of all kinds, as they are written on a command line.
    pub const NAMES: [&'static str; 4] = ["ecdsa-p256", "ecdsa-p384", "rsa-4096", "ed25519"];

    /// The name of this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// What somebody who chooses this kind should know.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Ed25519 => Some(
                "browsers, Postman, Bun and macOS' curl do not accept Ed25519 certificates; \
                 ecdsa-p256 works everywhere",
            ),
            Self::EcdsaP256 | Self::EcdsaP384 | Self::Rsa4096 => None,
        }
    }
}

impl FromStr for KeyType {
    type Err = UnknownKeyType;

    fn from_str(text: &str) -> Result<Self, UnknownKeyType> {
        match text {
            "ecdsa-p256" => Ok(Self::EcdsaP256),
            "ecdsa-p384" => Ok(Self::EcdsaP384),
            "ed25519" => Ok(Self::Ed25519),
            "rsa-4096" => Ok(Self::Rsa4096),
            _ => Err(UnknownKeyType(text.to_owned())),
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key type of that name is not made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown key type {0:?}: use ecdsa-p256, ecdsa-p384, rsa-4096 or ed25519")]
pub struct UnknownKeyType(String);

/// How the key of an authority lies on disk.
#[derive(Clone, Debug)]
pub enum Protection {
    /// Encrypted under a passphrase (PKCS#8, PBES2).
    Passphrase(Secret<String>),
    /// In plain: whoever can read the file can issue certificates.
    Plain,
}

/// A private key in memory. It is never printed.
pub struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Makes a new key.
    pub fn generate(key_type: KeyType) -> Result<Self, KeyError> {
        Ok(Self(match key_type {
            KeyType::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            KeyType::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?,
            KeyType::Ed25519 => generate_ed25519()?,
            KeyType::Rsa4096 => {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_4096)?
            }
        }))
    }

    /// Reads a key file that only its owner may read.
    pub fn read(file: &Path, passphrase: Option<&Secret<String>>) -> Result<Self, KeyError> {
        let text = read::read_private(file)?;
        Self::from_pem(&text, file, passphrase)
    }

    /// Reads a key from PEM text; `origin` is the file that errors name.
    pub fn from_pem(
        pem: &[u8],
        origin: &Path,
        passphrase: Option<&Secret<String>>,
    ) -> Result<Self, KeyError> {
        read::parse(pem, origin, passphrase).map(Self)
    }

    /// The key as plain PKCS#8 PEM.
    pub fn to_pem(&self) -> Secret<String> {
        write::plain_pem(&self.0)
    }

    /// The key as the file that `protection` asks for.
    pub fn to_protected_pem(&self, protection: &Protection) -> Result<Secret<String>, KeyError> {
        match protection {
            Protection::Passphrase(passphrase) => write::encrypted_pem(&self.0, passphrase),
            Protection::Plain => Ok(self.to_pem()),
        }
    }

    /// The key as TLS libraries take it.
    pub fn to_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.serialize_der()))
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.subject_public_key_info())
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey([secret])")
    }
}

/// A public key, as SubjectPublicKeyInfo: all that is taken from somebody who applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let read = rcgen::SubjectPublicKeyInfo::from_der(der)?;
        Ok(Self(read.subject_public_key_info()))
    }

    /// SHA-256 of the SubjectPublicKeyInfo, in hex.
    pub fn sha256(&self) -> String {
        crate::hash::sha256(&self.0)
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }
}

/// In version 1 of PKCS#8: openssl 3 refuses the newer one, which repeats the public key.
fn generate_ed25519() -> Result<KeyPair, KeyError> {
    let library = |e: aws_lc_rs::error::Unspecified| KeyError::Library(e.to_string());
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(library)?;
    let der = PrivatePkcs8KeyDer::from(document.as_ref());
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(
        &der,
        &rcgen::PKCS_ED25519,
    )?)
}
