//! How far the trail goes, in a file beside it: what was cut off its end is missed.
//!
//! ```text
//! 00000000000000000812 9f86… 3b1c…    the last record that is signed; everybody can check that
//! 00000000000000000830 60c2… 77e0…    the last record of all, with a code that only the key's owner can make
//! ```
//!
//! A signature costs more than all else about a record, so the second line is written with each record and the
//! first a moment later, once for all records that came meanwhile.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Hash;
use super::files::{PLAIN, is_at, is_ordinary};
use super::key::{AuditKey, Signed, SigningKey};

/// Far longer than a head.
const LONGEST: u64 = 4096;
/// A line: the number, the hash and an Ed25519 signature in digits, and what stands between.
const SIGNED: u64 = 20 + 1 + 64 + 1 + 128 + 1;

/// What the head file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The last record that is signed.
    pub(super) signed: Named,
    /// The last record of all.
    pub(super) last: Named,
}

/// A record, and the proof that it is named by the key's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) sequence: u64,
    pub(super) hash: Hash,
    proof: String,
}

impl Head {
    /// Reads the file; `None` if there is none, or none in this form.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = lockgate_sys::file::read_regular(path, LONGEST).ok()?;
        let text = String::from_utf8(text).ok()?;
        let mut lines = text.lines();
        Some(Self {
            signed: Named::read(lines.next()?)?,
            last: Named::read(lines.next()?)?,
        })
    }

    pub(super) fn is_signed_by(&self, key: &AuditKey) -> bool {
        let Named {
            sequence,
            hash,
            proof,
        } = &self.signed;
        key.verifies(Signed::Head, *sequence, *hash, proof)
    }

    /// Whether all of it was written by the key's owner.
    pub(super) fn is_by(&self, key: &SigningKey) -> bool {
        let Named {
            sequence,
            hash,
            proof,
        } = &self.last;
        self.is_signed_by(&key.public()) && key.is_code_of(*sequence, *hash, proof)
    }
}

impl Named {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        Some(Self {
            sequence: words.next()?.parse().ok()?,
            hash: Hash::parse(words.next()?)?,
            proof: words.next()?.to_owned(),
        })
    }
}

/// The head file, open for being overwritten in place, and locked: two processes that write to one trail would
/// tear it apart.
///
/// Each line has one length, so that a shorter write leaves nothing of a longer one; both are far shorter than
/// a page, so that a killed process leaves the old one or the new one.
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
        is_at(&self.0, path)
    }

    /// The first line.
    pub(super) fn sign(&self, key: &SigningKey, sequence: u64, hash: Hash) -> io::Result<()> {
        let signature = key.sign(Signed::Head, sequence, hash);
        let line = format!("{sequence:020} {hash} {signature}\n");
        self.0.write_all_at(line.as_bytes(), 0)
    }

    /// The second line.
    pub(super) fn name(&self, key: &SigningKey, sequence: u64, hash: Hash) -> io::Result<()> {
        let code = key.code_of(sequence, hash);
        let line = format!("{sequence:020} {hash} {code}\n");
        self.0.write_all_at(line.as_bytes(), SIGNED)
    }
}
