//! How far the trail goes, signed, in a file beside it: what was cut off its end is missed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::Hash;
use super::key::{AuditKey, Signed, SigningKey};

/// The last record, as the head file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) hash: Hash,
    pub(super) signature: String,
}

impl Head {
    /// Reads the file; `None` if there is none, or none in this form.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let mut words = text.split_ascii_whitespace();
        Some(Self {
            sequence: words.next()?.parse().ok()?,
            hash: Hash::parse(words.next()?)?,
            signature: words.next()?.to_owned(),
        })
    }

    pub(super) fn is_signed_by(&self, key: &AuditKey) -> bool {
        key.verifies(Signed::Head, self.sequence, self.hash, &self.signature)
    }
}

/// The head file, open for being overwritten in place.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        Ok(Self(file))
    }

    /// All lines have one length, so that a shorter write leaves nothing of a longer one; they are
    /// far shorter than a page, so that a killed process leaves the old one or the new one.
    pub(super) fn write(&self, key: &SigningKey, sequence: u64, hash: Hash) -> io::Result<()> {
        let signature = key.sign(Signed::Head, sequence, hash);
        let line = format!("{sequence:020} {hash} {signature}\n");
        self.0.write_all_at(line.as_bytes(), 0)
    }
}
