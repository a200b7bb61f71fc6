//! Content digests, `sha256:<64 hex>` (OCI image spec, descriptor.md, "Digests").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A SHA-256 digest. Image ids, layer ids and blob names are digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The algorithm is not `sha256`.
    #[error("unsupported digest algorithm, only sha256 is: `{0}`")]
    Algorithm(String),
    /// Not 64 lower-case hexadecimal digits.
    #[error("invalid sha256 digest, 64 lower-case hexadecimal digits are needed: `{0}`")]
    Hex(String),
}

impl Digest {
    /// The digest whose raw bytes are `bytes`.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits, without `sha256:`.
    pub fn hex(&self) -> String {
        crate::id::hex(&self.0)
    }

    /// Parses the 64 hexadecimal digits alone.
    pub fn from_hex(hex: &str) -> Result<Self, DigestError> {
        let error = || DigestError::Hex(hex.to_owned());
        if hex.len() != 64 || hex.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(error());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let text = std::str::from_utf8(pair).map_err(|_utf8| error())?;
            *byte = u8::from_str_radix(text, 16).map_err(|_radix| error())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.strip_prefix("sha256:") {
            Some(hex) => Self::from_hex(hex),
            None => Err(DigestError::Algorithm(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parsed() {
        let text = format!("sha256:{}", "0123456789abcdef".repeat(4));
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
    }

    #[test]
    fn refuses_other_algorithms_lengths_and_cases() {
        for bad in [
            "",
            "sha256:",
            "sha512:00",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        format!("sha256:{}", "A".repeat(64))
            .parse::<Digest>()
            .unwrap_err();
        format!("sha256:{}", "0".repeat(63))
            .parse::<Digest>()
            .unwrap_err();
    }
}
