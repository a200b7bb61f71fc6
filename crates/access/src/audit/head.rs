//! How far the trail goes, signed, in a file beside it: what was cut off its end is missed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Hash;
use super::files::{PLAIN, is_ordinary};
use super::key::{AuditKey, Signed, SigningKey};

/// Far longer than a head.
const LONGEST: u64 = 4096;

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
        let text = lockgate_sys::file::read_regular(path, LONGEST).ok()?;
        let text = String::from_utf8(text).ok()?;
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

/// The head file, open for being overwritten in place, and locked: two processes that write to one trail would
/// tear it apart.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(PLAIN)
            .open(path)?;
        is_ordinary(&file, "the audit log's head")?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process writes to this audit log",
            )),
            // Some file systems know no locks.
            Err(_) | Ok(()) => Ok(Self(file)),
        }
    }

    /// Whether it is what has this name now.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let named = |path| Some(std::fs::symlink_metadata(path).ok()?.ino());
        let own = self.0.metadata().ok().map(|own| own.ino());
        own.is_some() && own == named(path)
    }

    /// What [`Self::write`] is going to write: made before the record, so that the two are written right
    /// after each other.
    pub(super) fn line(key: &SigningKey, sequence: u64, hash: Hash) -> String {
        let signature = key.sign(Signed::Head, sequence, hash);
        format!("{sequence:020} {hash} {signature}\n")
    }

    /// All lines have one length, so that a shorter write leaves nothing of a longer one; they are
    /// far shorter than a page, so that a killed process leaves the old one or the new one.
    pub(super) fn write(&self, line: &str) -> io::Result<()> {
        self.0.write_all_at(line.as_bytes(), 0)
    }
}
