//! Key files: PKCS#8 plain and encrypted, PKCS#1 and SEC1; the legacy encryption is recognised.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use lockgate_types::Secret;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rcgen::KeyPair;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::KeyError;

/// Whether the key in `file` can be read only with a passphrase.
pub fn key_needs_passphrase(file: &Path) -> Result<bool, KeyError> {
    let text = read_private(file)?;
    Ok(matches!(find(&text, file)?, Found::Encrypted(_)))
}

/// Reads a file that must not be open to others. Mode and content are of the same open file.
pub(super) fn read_private(path: &Path) -> Result<Vec<u8>, KeyError> {
    let unreadable = |e: std::io::Error| KeyError::Unreadable {
        file: path.to_owned(),
        reason: reason(&e),
    };
    let file = open(path).map_err(unreadable)?;
    check_private(path, &file)?;
    read_limited(file).map_err(unreadable)
}

/// Nobody is waited for: a daemon follows such files, and somebody may put a FIFO in their place. But who hands over
/// a pipe of his own (`/dev/stdin`, `/dev/fd/3`) is.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    if path.starts_with("/dev") {
        File::open(path)
    } else {
        lockgate_sys::file::open_regular(path)
    }
}

/// Refuses a key that group or others may touch.
fn check_private(path: &Path, file: &File) -> Result<(), KeyError> {
    let mode = file
        .metadata()
        .map_err(|e| KeyError::Unreadable {
            file: path.to_owned(),
            reason: reason(&e),
        })?
        .mode()
        & 0o7777;
    let open = mode & 0o077;
    if open == 0 {
        Ok(())
    } else {
        Err(KeyError::Open {
            file: path.to_owned(),
            mode,
        })
    }
}

/// Reads a whole file, up to a limit far beyond any key or chain.
pub(crate) fn read_limited(file: File) -> std::io::Result<Vec<u8>> {
    lockgate_sys::file::read_limited(file, FILE_MAX)
}

/// The system's words without the number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

pub(super) fn parse(
    pem: &[u8],
    origin: &Path,
    passphrase: Option<&Secret<String>>,
) -> Result<KeyPair, KeyError> {
    let unsupported = |_| KeyError::Unsupported(origin.to_owned());
    match find(pem, origin)? {
        Found::Encrypted(der) => {
            let passphrase = passphrase.ok_or_else(|| KeyError::Encrypted(origin.to_owned()))?;
            let plain = decrypt(&der, passphrase, origin)?;
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(plain.as_bytes()));
            KeyPair::try_from(&key).map_err(unsupported)
        }
        Found::Plain(key) => KeyPair::try_from(&key).map_err(unsupported),
    }
}

enum Found {
    Encrypted(Vec<u8>),
    Plain(PrivateKeyDer<'static>),
}

/// The first private key of the file; openssl puts parameters and attributes before it.
fn find(text: &[u8], origin: &Path) -> Result<Found, KeyError> {
    let blocks = pem::parse_many(text).unwrap_or_default();
    for block in blocks {
        let is_legacy = block.headers().get("DEK-Info").is_some();
        let (tag, der) = (block.tag().to_owned(), block.into_contents());
        let key = match tag.as_str() {
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" if is_legacy => {
                return Err(legacy(origin));
            }
            "ENCRYPTED PRIVATE KEY" => return Ok(Found::Encrypted(der)),
            "EC PRIVATE KEY" => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
            "PRIVATE KEY" => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
            "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
            _ => continue,
        };
        return Ok(Found::Plain(key));
    }
    Err(KeyError::NoKey(origin.to_owned()))
}

fn decrypt(
    der: &[u8],
    passphrase: &Secret<String>,
    origin: &Path,
) -> Result<pkcs8::SecretDocument, KeyError> {
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_malformed| unsupported_cipher(origin))?;
    encrypted
        .decrypt(passphrase.expose())
        .map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(
                pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }
                | pkcs8::pkcs5::Error::AlgorithmParametersInvalid { .. }
                | pkcs8::pkcs5::Error::NoPbes1CryptSupport,
            ) => unsupported_cipher(origin),
            _ => KeyError::WrongPassphrase(origin.to_owned()),
        })
}

fn legacy(origin: &Path) -> KeyError {
    KeyError::Legacy {
        file: origin.to_owned(),
        converted: converted(origin),
    }
}

fn unsupported_cipher(origin: &Path) -> KeyError {
    KeyError::UnsupportedCipher {
        file: origin.to_owned(),
        converted: converted(origin),
    }
}

/// `dir/ca-key.pem` becomes `dir/ca-key.pkcs8.pem`.
fn converted(origin: &Path) -> PathBuf {
    let stem = origin
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    origin.with_file_name(format!("{stem}.pkcs8.pem"))
}

/// Beyond this a file is no key and no chain; it keeps a wrong path from filling the memory.
const FILE_MAX: u64 = 1 << 20;
