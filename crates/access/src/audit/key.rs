//! The key that signs checkpoints: made at the first start, never shown.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair};
use pem::{EncodeConfig, LineEnding, Pem};

use super::Hash;

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
}

/// The half of it that everybody may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditKey {
    point: Vec<u8>,
    id: String,
}

impl SigningKey {
    /// Reads the key at `path`, or makes one with mode 0400; writes the public half beside it.
    pub(super) fn load_or_make(path: &Path, public: &Path) -> io::Result<Self> {
        match Self::load(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path)?,
            other => {
                other?;
            }
        }
        // What is on disk is what will sign after the next start, too.
        let key = Self::load(path)?;
        if std::fs::read_to_string(public).ok().as_deref() != Some(&key.public_pem()?) {
            std::fs::write(public, key.public_pem()?)?;
            std::fs::set_permissions(public, std::fs::Permissions::from_mode(0o444))?;
        }
        Ok(key)
    }

    fn load(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the audit key can be read by others; set its mode to 0400",
            ));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let block = pem::parse(&text).map_err(|_syntax| invalid("the audit key is no PEM file"))?;
        let pair = Ed25519KeyPair::from_pkcs8(block.contents())
            .map_err(|_rejected| invalid("the audit key is no Ed25519 key in PKCS#8 form"))?;
        let id = id_of(pair.public_key().as_ref());
        Ok(Self { pair, id })
    }

    /// Under another name first: a start that dies here leaves no half a key.
    fn make(path: &Path) -> io::Result<()> {
        let made = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
        let der = made.map_err(|_unspecified| io::Error::other("no key could be made"))?;
        let text = encode(PRIVATE, der.as_ref());
        let unfinished = path.with_extension("key.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o400)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
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
        let text = std::fs::read_to_string(path)?;
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
}

impl Signed {
    fn message(self, sequence: u64, hash: Hash) -> String {
        let what = match self {
            Self::Checkpoint => "checkpoint",
            Self::Head => "head",
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

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A `String` takes all writes.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
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
