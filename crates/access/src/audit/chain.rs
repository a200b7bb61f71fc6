//! How a line proves itself and the line before it.
//!
//! A sealed line is a JSON object whose last member is `hash`. What is hashed is the text of the
//! line before `,"hash":`, byte for byte; it holds `previous`, the hash of the line before. So a
//! change shows in the line itself, and a recomputed hash shows in the next one.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{self, SHA256};
use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

/// The hash of a line, in lower-case hex on the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash([u8; 32]);

/// What stands between the hashed text and the hash.
const MARK: &str = ",\"hash\":\"";
/// The mark, 64 digits, and the end of the object.
const SEAL: usize = MARK.len() + 64 + 2;

impl Hash {
    /// What the first line of all says is before it.
    pub const NONE: Self = Self([0; 32]);

    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from(digest::digest(&SHA256, bytes))
    }

    /// Reads 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

impl From<digest::Digest> for Hash {
    fn from(digest: digest::Digest) -> Self {
        let mut hash = [0; 32];
        // SHA-256 has 32 bytes.
        hash.iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lockgate_types::hex(&self.0))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("64 lower-case hexadecimal digits are needed")
    }
}

/// Puts the hash into the text of a JSON object that has members, and says what it is.
pub(super) fn seal(object: &str) -> (String, Hash) {
    let open = object.strip_suffix('}').unwrap_or(object);
    let hash = Hash::of(open.as_bytes());
    (format!("{open}{MARK}{hash}\"}}"), hash)
}

/// What a sealed line says of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) sequence: u64,
    pub(super) previous: Hash,
    /// As the line says.
    pub(super) hash: Hash,
    /// As its text says.
    pub(super) computed: Hash,
    /// What the clock said.
    pub(super) time: Option<Timestamp>,
    /// It is about a call, or a refusal, and not about the trail itself.
    pub(super) is_usual: bool,
}

#[derive(Deserialize)]
struct Place<'a> {
    sequence: u64,
    previous: Hash,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
}

impl Sealed {
    /// Reads a line without its newline; `None` if it has not the form of one.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let (text, seal) = line.split_at_checked(line.len().checked_sub(SEAL)?)?;
        let digits = seal
            .strip_prefix(MARK.as_bytes())?
            .strip_suffix(b"\"}".as_slice())?;
        let hash = Hash::parse(std::str::from_utf8(digits).ok()?)?;
        let place: Place<'_> = serde_json::from_slice(line).ok()?;
        Some(Self {
            sequence: place.sequence,
            previous: place.previous,
            hash,
            computed: Hash::of(text),
            time: place.time.parse().ok(),
            is_usual: matches!(&*place.event, "decision" | "end" | "refused"),
        })
    }

    /// Whether the line is as it was written.
    pub(super) fn is_whole(&self) -> bool {
        self.hash == self.computed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_is_read_back_and_a_changed_one_shows() {
        let text = format!("{{\"sequence\":7,\"previous\":\"{}\",\"a\":1}}", Hash::NONE);
        let (line, hash) = seal(&text);
        let read = Sealed::read(line.as_bytes()).unwrap();
        assert_eq!((read.sequence, read.hash), (7, hash));
        assert!(read.is_whole());
        let changed = line.replace("\"a\":1", "\"a\":2");
        assert!(!Sealed::read(changed.as_bytes()).unwrap().is_whole());
        // Another spelling of the same JSON is another line.
        let spaced = line.replace("\"a\":1", "\"a\": 1");
        assert!(!Sealed::read(spaced.as_bytes()).unwrap().is_whole());
        for broken in [
            "",
            "{}",
            line.trim_start_matches('{'),
            line.trim_end_matches('}'),
        ] {
            assert_eq!(Sealed::read(broken.as_bytes()), None);
        }
    }
}
