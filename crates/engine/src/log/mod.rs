//! Reading container logs.
//!
//! A task of its own reads, decodes and formats whole blocks on a blocking thread, and hands them
//! over in a short queue; a reader that is not read from stops reading the disk. Once it has caught
//! up it sleeps on inotify until something is written or the container stops.

mod decode;
mod follow;
mod format;
mod read;

use std::io;
use std::path::PathBuf;
use std::task::{Context, Poll};

use bytes::Bytes;
use lockgate_types::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::container::Lifeline;

/// Blocks that are ready before anybody asks for them.
const AHEAD: usize = 4;

/// Which part of a log is wanted, and how.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Keep the stream open and deliver new lines until the container stops.
    pub follow: bool,
    /// With standard output.
    pub stdout: bool,
    /// With standard error.
    pub stderr: bool,
    /// Only lines from this time on.
    pub since: Option<Timestamp>,
    /// Only lines up to this time.
    pub until: Option<Timestamp>,
    /// A timestamp before each line.
    pub timestamps: bool,
    /// Only that many last lines; `None` is all.
    pub tail: Option<u64>,
    /// The log attributes (`key=value,…`) before each line.
    pub details: bool,
}

/// A log as ready-made bytes: stdcopy frames, or raw text for a container with a terminal.
#[derive(Debug)]
pub struct LogStream {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    raw: bool,
}

impl LogStream {
    /// Begins to read; `life` tells when there is nothing more to follow.
    pub(crate) fn open(
        path: PathBuf,
        query: LogQuery,
        raw: bool,
        life: Option<watch::Receiver<Lifeline>>,
    ) -> Self {
        let (sender, chunks) = mpsc::channel(AHEAD);
        tokio::spawn(follow::run(path, query, raw, life, sender));
        Self { chunks, raw }
    }

    /// Whether the container has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// The next chunk, or `None` at the end.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.chunks.recv().await
    }

    /// As [`LogStream::next`], for streams.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.chunks.poll_recv(context)
    }
}
