//! The key that signs checkpoints: made at the first start, never shown.

use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair};
use lockgate_types::hex;
use pem::{EncodeConfig, LineEnding, Pem};

use super::Hash;
use super::files::{beside, open_new};

/// Far longer than a key.
const LONGEST: u64 = 64 * 1024;
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// What the DER form of an Ed25519 public key has before the 32 bytes of the key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// An Ed25519 key pair.
pub(super) struct SigningKey {
    pair: Ed25519KeyPair,
    id: String,
    /// What makes codes that nobody else can make, nor check.
    codes: hmac::Key,
}

/// The half of it that everybody may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditKey {
    point: Vec<u8>,
    id: String,
}

impl SigningKey {
    /// The key at `path`; an error with `NotFound` if there is none yet.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let file = lockgate_sys::file::open_regular(path)?;
        let metadata = file.metadata()?;
        if metadata.mode() & 0o077 != 0 {
            return Err(refused(
                "the audit key can be read by others; set its mode to 0400",
            ));
        }
        // Whoever owns a file can read it, and make it readable.
        if metadata.uid() != 0 && metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(refused("the audit key belongs to another user"));
        }
        let text = lockgate_sys::file::read_limited(file, LONGEST)?;
        let block = pem::parse(&text).map_err(|_syntax| invalid("the audit key is no PEM file"))?;
        Self::from_der(block.contents())
    }

    fn from_der(der: &[u8]) -> io::Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(der)
            .map_err(|_rejected| invalid("the audit key is no Ed25519 key in PKCS#8 form"))?;
        let id = id_of(pair.public_key().as_ref());
        let codes = codes_of(&pair).map_err(|_unspecified| invalid("the audit key is empty"))?;
        Ok(Self { pair, id, codes })
    }

    /// Makes a key at `path` with mode 0400; `before` is done with it before it has its name. It is written under
    /// another name first: a start that dies here leaves no half a key.
    pub(super) fn make(
        path: &Path,
        before: impl FnOnce(&Self) -> io::Result<()>,
    ) -> io::Result<Self> {
        let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
        let der = made.map_err(|_unspecified| io::Error::other("no key could be made"))?;
        let key = Self::from_der(der.as_ref())?;
        let unfinished = beside(path, "new");
        write_new(&unfinished, encode(PRIVATE, der.as_ref()).as_bytes(), 0o400)?;
        before(&key)?;
        std::fs::rename(&unfinished, path)?;
        Ok(key)
    }

    /// Writes the public half, unless it is there.
    pub(super) fn publish(&self, path: &Path) -> io::Result<()> {
        let text = self.public_pem()?;
        let found = lockgate_sys::file::read_regular(path, LONGEST).ok();
        if found.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        let unfinished = beside(path, "new");
        write_new(&unfinished, text.as_bytes(), 0o444)?;
        std::fs::rename(&unfinished, path)
    }

    fn public_pem(&self) -> io::Result<String> {
        let der: PublicKeyX509Der<'_> = self
            .pair
            .public_key()
            .as_der()
            .map_err(|_unspecified| io::Error::other("the audit key has no public half"))?;
        Ok(encode(PUBLIC, der.as_ref()))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The public half.
    pub(super) fn public(&self) -> AuditKey {
        AuditKey {
            point: self.pair.public_key().as_ref().to_vec(),
            id: self.id.clone(),
        }
    }

    pub(super) fn sign(&self, what: Signed, sequence: u64, hash: Hash) -> String {
        let signature = self.pair.sign(what.message(sequence, hash).as_bytes());
        hex(signature.as_ref())
    }

    /// Says of a record, to this key's owner alone, that it was written; far cheaper than a signature.
    pub(super) fn code_of(&self, sequence: u64, hash: Hash) -> String {
        let code = hmac::sign(&self.codes, Signed::Last.message(sequence, hash).as_bytes());
        hex(code.as_ref())
    }

    pub(super) fn is_code_of(&self, sequence: u64, hash: Hash, code: &str) -> bool {
        let message = Signed::Last.message(sequence, hash);
        unhex(code).is_some_and(|code| hmac::verify(&self.codes, message.as_bytes(), &code).is_ok())
    }
}

/// A key of its own, made of the seed: a code shows nothing about signatures.
fn codes_of(pair: &Ed25519KeyPair) -> Result<hmac::Key, Unspecified> {
    let seed = pair.seed()?;
    let seed = hmac::Key::new(hmac::HMAC_SHA256, seed.as_be_bytes()?.as_ref());
    let derived = hmac::sign(&seed, b"lockgate audit codes v1");
    Ok(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AuditKey {
    /// Reads the public half from its PEM file.
    pub fn load(path: &Path) -> io::Result<Self> {
        let text = lockgate_sys::file::read_regular(path, LONGEST)?;
        let block = pem::parse(&text).map_err(|_syntax| invalid("no PEM file"))?;
        let point = block
            .contents()
            .strip_prefix(&SPKI_PREFIX)
            .filter(|point| block.tag() == PUBLIC && point.len() == 32)
            .ok_or_else(|| invalid("no Ed25519 public key"))?;
        Ok(Self {
            id: id_of(point),
            point: point.to_vec(),
        })
    }

    /// The short name that checkpoints give: the start of the SHA-256 of the public key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the key signed that.
    pub(super) fn verifies(
        &self,
        what: Signed,
        sequence: u64,
        hash: Hash,
        signature: &str,
    ) -> bool {
        let Some(bytes) = unhex(signature) else {
            return false;
        };
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &self.point);
        key.verify(what.message(sequence, hash).as_bytes(), &bytes)
            .is_ok()
    }
}

/// What a signature is for, so that none can stand for another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signed {
    Checkpoint,
    Head,
    /// No signature, but a code.
    Last,
}

impl Signed {
    fn message(self, sequence: u64, hash: Hash) -> String {
        let what = match self {
            Self::Checkpoint => "checkpoint",
            Self::Head => "head",
            Self::Last => "last",
        };
        format!("lockgate audit {what} v1\n{sequence}\n{hash}\n")
    }
}

fn id_of(point: &[u8]) -> String {
    let mut id = Hash::of(point).to_string();
    id.truncate(16);
    id
}

fn encode(tag: &str, der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(tag, der), config)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = open_new(path, mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn refused(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
