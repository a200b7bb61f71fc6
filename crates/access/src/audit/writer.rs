//! The file of the audit trail.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockgate_types::{ErrorKind, Timestamp};

use super::Record;

/// How much of the end of an existing file is read to find the last number. A line is far shorter.
const TAIL: u64 = 256 * 1024;

/// The append-only file that records go to, one `write` a line.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    next: u64,
    /// A write failed half way: the next line must not be glued to the torn one.
    torn: bool,
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
    /// Opens or creates the file with mode 0600; numbering goes on where it stopped.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let state = State::open(path).map_err(|source| open_error(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Opens the path again, for log rotation. The old file stays in use if that fails.
    pub fn reopen(&self) -> Result<(), AuditError> {
        let mut state = self.lock();
        let fresh = State::open(&self.path).map_err(|source| open_error(&self.path, source))?;
        *state = State {
            next: state.next.max(fresh.next),
            ..fresh
        };
        Ok(())
    }

    pub(crate) fn write(&self, record: &Record<'_>) -> Result<(), AuditError> {
        let mut state = self.lock();
        let line = record
            .line(state.next, Timestamp::now())
            .map_err(AuditError::Encode)?;
        state.append(&line).map_err(AuditError::Write)?;
        state.next += 1;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let (next, torn) = end_of(&mut file)?;
        Ok(Self { file, next, torn })
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let glued;
        let bytes = if self.torn {
            glued = format!("\n{line}");
            glued.as_bytes()
        } else {
            line.as_bytes()
        };
        self.torn = true;
        self.file.write_all(bytes)?;
        self.torn = false;
        Ok(())
    }
}

/// The number after the last one in the file, and whether the file ends inside a line.
fn end_of(file: &mut File) -> io::Result<(u64, bool)> {
    if !file.metadata()?.is_file() {
        return Ok((1, false));
    }
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let torn = tail.last().is_some_and(|byte| *byte != b'\n');
    let last = tail
        .split(|byte| *byte == b'\n')
        .rev()
        .find_map(sequence_number);
    Ok((last.map_or(1, |seq| seq + 1), torn))
}

fn sequence_number(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("sequence")?.as_u64()
}

fn open_error(path: &Path, source: io::Error) -> AuditError {
    AuditError::Open {
        path: path.to_owned(),
        source,
    }
}
