//! The open record of a call, ended by whoever sees the end of its answer.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::audit::{AuditLog, Ending, Record};

/// A handle on an open audit record. The first [`Entry::finish`] of any handle counts.
#[derive(Debug)]
pub struct Entry(Arc<OpenEntry>);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client left, or the answer broke off.
    Aborted,
    /// The answer was sent to its end.
    Done,
    /// The backend panicked.
    Panicked,
    /// The identity, or its role, ended first.
    Revoked,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Done => "done",
            Self::Panicked => "panicked",
            Self::Revoked => "revoked",
        }
    }
}

impl Entry {
    pub(crate) fn open(id: String, audit: Arc<AuditLog>) -> Self {
        Self(Arc::new(OpenEntry::new(id, audit)))
    }

    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// The id that joins the lines of the record.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Remembers the status of the answer.
    pub fn status(&self, status: u16) {
        self.0.status.store(status, Ordering::Relaxed);
    }

    /// Counts bytes of the answer.
    pub fn sent(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Ends the record.
    pub fn finish(&self, outcome: Outcome) {
        self.0.finish(outcome);
    }
}

#[derive(Debug)]
struct OpenEntry {
    id: String,
    audit: Arc<AuditLog>,
    since: Instant,
    status: AtomicU16,
    bytes: AtomicU64,
    ended: Mutex<bool>,
}

impl OpenEntry {
    fn new(id: String, audit: Arc<AuditLog>) -> Self {
        Self {
            id,
            audit,
            since: Instant::now(),
            status: AtomicU16::new(0),
            bytes: AtomicU64::new(0),
            ended: Mutex::new(false),
        }
    }

    fn finish(&self, outcome: Outcome) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *ended, true) {
            return;
        }
        let status = self.status.load(Ordering::Relaxed);
        let record = Record::End(Ending {
            call: &self.id,
            outcome: outcome.word(),
            status: (status != 0).then_some(status),
            duration_ms: u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            bytes: self.bytes.load(Ordering::Relaxed),
        });
        // One that cannot be written is counted and told of.
        drop(self.audit.write(&record));
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        self.finish(Outcome::Aborted);
    }
}
