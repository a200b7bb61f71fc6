//! Reading container logs.

use std::io;

use bytes::Bytes;
use lockgate_types::Timestamp;

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
pub struct LogStream {}

impl LogStream {
    /// Whether the container has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        todo!("is raw")
    }

    /// The next chunk, or `None` at the end.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        todo!("next chunk")
    }
}
