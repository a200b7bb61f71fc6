//! The file of the audit trail: one `write` a line, and the chain through all of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockgate_types::{ErrorKind, Timestamp};

use super::key::AuditKey;
use super::trail::Trail;
use super::{Record, Sink};

/// Where the trail lies and how much of it is kept.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// The file that is written to. Key, head and older files lie beside it.
    pub path: PathBuf,
    /// When it is this long another one is begun.
    pub max_bytes: u64,
    /// How many full files are kept besides; the oldest are removed.
    pub max_files: usize,
    /// Who else gets each line.
    pub sinks: Vec<Sink>,
}

impl AuditConfig {
    /// 64 MiB a file, 16 of them.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            max_bytes: 64 * 1024 * 1024,
            max_files: 16,
            sinks: Vec::new(),
        }
    }
}

/// The append-only file that records go to, one `write` a line.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    sinks: Vec<Sink>,
    state: Mutex<State>,
    written: AtomicU64,
    failed: AtomicU64,
}

/// What became of the records of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts {
    /// Written to the file.
    pub written: u64,
    /// Not written, because the file could not be written to.
    pub failed: u64,
}

#[derive(Debug)]
struct State {
    trail: Trail,
    /// Records that could not be written since the last one that could.
    lost: u64,
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened or read.
    #[error("cannot open the audit log {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The line could not be written whole.
    #[error("cannot write to the audit log")]
    Write(#[source] io::Error),
    /// The record does not serialise, which is a fault of ours.
    #[error("cannot encode an audit record")]
    Encode(#[source] serde_json::Error),
}

impl AuditError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { .. } | Self::Write(_) => ErrorKind::Unavailable,
            Self::Encode(_) => ErrorKind::Internal,
        }
    }
}

impl AuditLog {
    /// Opens or creates the trail with the usual limits.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        Self::open_with(AuditConfig::new(path))
    }

    /// Opens or creates the trail with mode 0600; number and chain go on where they stopped. A file
    /// that can be opened and not written to (a full disk) is no error yet: nothing may be changed
    /// until it can.
    pub fn open_with(config: AuditConfig) -> Result<Self, AuditError> {
        let (path, sinks) = (config.path.clone(), config.sinks.clone());
        let opened = Trail::open(config).map_err(|source| AuditError::Open {
            path: path.clone(),
            source,
        })?;
        let log = Self {
            path,
            sinks,
            state: Mutex::new(State {
                trail: opened,
                lost: 0,
            }),
            written: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        if let Err(error) = log.write_all(&[]) {
            super::complain(&error, 0);
        }
        Ok(log)
    }

    /// The public half of the key that signs; a trail that is no ordinary file has none.
    pub fn key(&self) -> Option<AuditKey> {
        self.lock().trail.key()
    }

    /// Opens the path again, after somebody else moved the file away. The old file stays in use if
    /// that fails.
    pub fn reopen(&self) -> Result<(), AuditError> {
        let opened = self.lock().trail.reopen();
        opened.map_err(|source| AuditError::Open {
            path: self.path.clone(),
            source,
        })
    }

    /// Signs what was written, at the end of the process.
    pub fn close(&self) {
        // What was lost until now is said before.
        let told = self.write_all(&[]);
        let mut state = self.lock();
        let closed = told.and_then(|()| state.trail.checkpoint());
        self.spread(&mut state);
        drop(state);
        if let Err(error) = closed {
            super::complain(&error, 0);
        }
    }

    /// How many records were written, and how many could not be.
    pub fn counts(&self) -> AuditCounts {
        AuditCounts {
            written: self.written.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// Which log services did not take how many lines.
    pub fn lost_by_sinks(&self) -> Vec<(&'static str, u64)> {
        self.sinks.iter().filter_map(Sink::lost).collect()
    }

    pub(crate) fn write(&self, record: &Record<'_>) -> Result<(), AuditError> {
        self.write_all(std::slice::from_ref(record))
    }

    /// Says first how many were lost, if any were.
    fn write_all(&self, records: &[Record<'_>]) -> Result<(), AuditError> {
        let mut state = self.lock();
        let lost = state.lost;
        let missed = (lost > 0).then_some(Record::Lost { records: lost });
        for record in missed.iter().chain(records) {
            let appended = state.trail.append(record, Timestamp::now());
            self.spread(&mut state);
            if let Err(error) = appended {
                let count = records.len() as u64;
                self.failed.fetch_add(count, Ordering::Relaxed);
                state.lost += count;
                // The first and some of the others: the log of the daemon may be on the same disk.
                if state.lost.is_power_of_two() {
                    super::complain(&error, state.lost);
                }
                return Err(error);
            }
            state.lost = 0;
        }
        if records.is_empty() {
            let ready = state.trail.ready();
            self.spread(&mut state);
            ready?;
        }
        Ok(())
    }

    /// Tells the others what was written.
    fn spread(&self, state: &mut State) {
        let lines = state.trail.take_fresh();
        self.written
            .fetch_add(lines.len() as u64, Ordering::Relaxed);
        for line in &lines {
            self.sinks.iter().for_each(|sink| sink.send(line));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
