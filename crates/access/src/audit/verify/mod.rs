//! Reading a trail and saying where it is not what was written.

mod debris;
mod end;
mod event;
mod files;
mod walk;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use files::AuditFiles;
use serde::Deserialize;

/// What a trail turned out to be.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many records there are.
    pub records: u64,
    /// The number of the first.
    pub first: Option<u64>,
    /// The number of the last.
    pub last: Option<u64>,
    /// Signatures that were checked, the one of the head file included.
    pub signatures: u64,
    /// Everything up to this record is covered by a signature.
    pub signed_through: u64,
    /// Records at the end that the head names and no signature covers yet. After a daemon was killed its next
    /// start says whether they are its own.
    pub unsigned: u64,
    /// Records that a daemon itself says it could not write.
    pub lost: u64,
    /// Lines that a process left half written, each closed off by a record that says so.
    pub closed_off: u64,
    /// Records that were the last of a killed process, and that its head did not know yet; the next start said so.
    pub unproven: u64,
    /// Where the clock was set back, if it was: the record after it, and by how much, where that is most. Times
    /// before it and after it are not in one order; numbers are.
    pub set_back: Option<(u64, Duration)>,
    /// What is wrong, in the order of the files.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which file.
    pub file: PathBuf,
    /// In which line of it, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What.
    pub what: What,
}

/// What can be wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The text of a record is not the one that was hashed.
    Edited {
        /// Its number.
        sequence: u64,
    },
    /// A record was changed and hashed anew, or put in: the next one does not follow from it.
    Replaced {
        /// Its number.
        sequence: u64,
    },
    /// Records are not there.
    Missing {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// Records at the end, that the signed head knows of, are not there.
    Truncated {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A record stands at another place.
    Reordered {
        /// Its number.
        sequence: u64,
        /// The number that belongs there.
        expected: u64,
    },
    /// A line is no record, and no record says why.
    NoRecord,
    /// The last line is cut short; the next start of the daemon closes it off.
    Torn,
    /// A signature is wrong, or made by another key.
    Signature {
        /// The record that it stands for.
        sequence: u64,
    },
    /// Records at the end that the head does not know.
    Beyond {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A daemon that started found what no signature speaks for.
    Unproven {
        /// Up to this record it was what had been signed.
        signed_through: u64,
        /// The last record that was there.
        through: u64,
        /// Why.
        why: Why,
    },
    /// A daemon began to sign with another key.
    OtherKey {
        /// Its first record.
        sequence: u64,
        /// The short name of the key.
        key: String,
    },
    /// There is no head file, so that nothing says how far the trail should go.
    NoHead,
}

/// Why a start did not know whether the records before it are all and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There were more than the head says.
    BeyondHead,
    /// The head was signed by another key, or changed.
    ForeignHead,
    /// There was a key and no head.
    NoHead,
    /// There were records and no key.
    NewKey,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeyondHead => "there were more records than the signed head knew",
            Self::ForeignHead => "the head file was changed, or by another key",
            Self::NoHead => "the head file was gone",
            Self::NewKey => "the key was gone",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { sequence } => write!(f, "record {sequence} was edited"),
            Self::Replaced { sequence } => write!(
                f,
                "record {sequence} is not the one that was written: it was replaced and hashed anew"
            ),
            Self::Missing { from, to } if from == to => write!(f, "record {from} was removed"),
            Self::Missing { from, to } => write!(f, "records {from} to {to} were removed"),
            Self::Truncated { from, to } => {
                write!(
                    f,
                    "the trail was truncated: records {from} to {to} are gone"
                )
            }
            Self::Reordered { sequence, expected } => {
                write!(f, "record {sequence} stands where {expected} belongs")
            }
            Self::NoRecord => f.write_str("this is no record, and no record says why"),
            Self::Torn => f.write_str("the last line is cut short"),
            Self::Signature { sequence } => {
                write!(f, "the signature at record {sequence} is not by this key")
            }
            Self::Beyond { from, to } => write!(
                f,
                "records {from} to {to} are not known to the signed head: somebody added them (or one, if a \
                 process was killed right there; the next start says so)"
            ),
            Self::Unproven {
                signed_through,
                through,
                why,
            } => write!(
                f,
                "a daemon started here and {why}: nothing proves that the {through} records before it are \
                 what was written, beyond record {signed_through}"
            ),
            Self::OtherKey { sequence, key } => write!(
                f,
                "the daemon that started at record {sequence} signs with another key ({})",
                key.escape_default()
            ),
            Self::NoHead => f.write_str(
                "the head file is missing or unreadable, so records may be missing at the end",
            ),
        }
    }
}

impl Report {
    /// Whether the trail is whole.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Why a trail cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing.
    #[error("there is no audit log at {path}; name it with --log")]
    Nothing {
        /// Where.
        path: PathBuf,
    },
}
