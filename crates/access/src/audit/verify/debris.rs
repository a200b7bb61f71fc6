//! Lines that are no records, until a record explains them.

use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256};

use super::event::Event;
use super::{Finding, What};
use crate::audit::Hash;

pub(super) struct Debris {
    file: PathBuf,
    line: u64,
    context: Context,
    bytes: u64,
    ended: bool,
}

impl Debris {
    /// None yet, which begins here.
    pub(super) fn at(file: PathBuf, line: u64) -> Self {
        Self {
            file,
            line,
            context: Context::new(&SHA256),
            bytes: 0,
            ended: true,
        }
    }

    pub(super) fn add(&mut self, line: &[u8], ended: bool) {
        self.context.update(line);
        self.bytes += line.len() as u64;
        self.ended = ended;
        if ended {
            self.context.update(b"\n");
            self.bytes += 1;
        }
    }

    /// Whether the record behind it says that a daemon found just this and closed it off.
    pub(super) fn is_explained_by(&self, event: &Event) -> bool {
        let Event::Recovered { bytes, sha256 } = event else {
            return false;
        };
        let computed = self.context.clone().finish();
        *bytes == self.bytes && *sha256 == Hash::from(computed)
    }

    /// No record explains it.
    pub(super) fn unexplained(self) -> Finding {
        self.found(What::NoRecord)
    }

    /// No record follows.
    pub(super) fn last_of_all(self) -> Finding {
        let what = if self.ended {
            What::NoRecord
        } else {
            What::Torn
        };
        self.found(what)
    }

    fn found(self, what: What) -> Finding {
        Finding {
            file: self.file,
            line: self.line,
            what,
        }
    }
}
