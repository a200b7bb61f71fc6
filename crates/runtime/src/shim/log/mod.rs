//! Container logs in Docker's `json-file` format, written by the shim itself.
//!
//! ```text
//! {"log":"text\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-11-22T00:00:00.123456789Z"}
//! ```
//!
//! One line per line of output; a line longer than 16 KiB becomes several without the `\n`. Everything that
//! one read brought gets one time and goes out in one write, unless the file is rotated in between.
//! A full disk loses lines, never stops the container.

mod escape;
mod remote;
mod rotate;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;

use lockgate_types::Timestamp;

use crate::protocol::LogTarget;
use remote::Remote;
use rotate::Rotation;

/// Which output a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// A log that is being written.
#[derive(Debug, Default)]
pub(super) struct Log {
    file: Option<Rotation>,
    remote: Option<Remote>,
    /// `"attrs":{…},` or nothing.
    attributes: String,
    /// The beginning of a line whose end has not come yet, for each stream.
    partial: [Vec<u8>; 2],
}

impl Log {
    /// Opens the log for appending; `None` if nothing is to be kept.
    pub(super) fn open(target: &LogTarget) -> io::Result<Option<Self>> {
        match target {
            LogTarget::JsonFile {
                path,
                max_size,
                max_file,
                attrs,
                compressor,
            } => Ok(Some(Self {
                file: Some(Rotation::open(
                    path,
                    *max_size,
                    *max_file,
                    compressor.as_deref(),
                )?),
                remote: None,
                attributes: attributes(attrs)?,
                partial: [Vec::new(), Vec::new()],
            })),
            LogTarget::Remote(target) => {
                let remote = Remote::start(target)?;
                let cache = target.cache.as_deref().map(Self::open).transpose()?;
                let mut log = cache.flatten().unwrap_or_default();
                log.remote = Some(remote);
                Ok(Some(log))
            }
            LogTarget::Discard => Ok(None),
        }
    }

    /// Whether a slow target is to hold up the container.
    pub(super) fn is_full(&self) -> bool {
        self.remote.as_ref().is_some_and(Remote::is_full)
    }

    /// What to wait for while records wait for their target.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        self.remote.as_ref().and_then(Remote::waits_for)
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        if let Some(remote) = &mut self.remote {
            remote.flush();
        }
    }

    /// Nothing more will be written.
    pub(super) fn close(self) {
        if let Some(remote) = self.remote {
            remote.close();
        }
    }

    /// Takes what one read brought.
    pub(super) fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let now = Timestamp::now();
        let tail = Tail {
            text: self.tail(stream, now),
            stream,
            time: now,
        };
        let mut out = Vec::with_capacity(bytes.len() * 3 / 2 + 256);
        let mut result = Ok(());
        let mut partial = std::mem::take(&mut self.partial[stream as usize]);
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let mut rest = line;
            loop {
                let room = MAX_LINE - partial.len();
                let ends = rest.last() == Some(&b'\n');
                if rest.len() <= room || (ends && rest.len() == room + 1) {
                    if !ends {
                        partial.extend_from_slice(rest);
                    } else if partial.is_empty() {
                        self.add_piece(rest, &tail, &mut out, &mut result);
                    } else {
                        partial.extend_from_slice(rest);
                        self.add_piece(&partial, &tail, &mut out, &mut result);
                        partial.clear();
                    }
                    break;
                }
                let (now, later) = rest.split_at(room);
                partial.extend_from_slice(now);
                self.add_piece(&partial, &tail, &mut out, &mut result);
                partial.clear();
                rest = later;
            }
        }
        if !partial.is_empty() {
            self.partial[stream as usize] = partial;
        }
        keep_first(&mut result, self.write_out(&out));
        result
    }

    /// Writes a last line that has no end.
    pub(super) fn finish(&mut self, stream: Stream) -> io::Result<()> {
        let partial = std::mem::take(&mut self.partial[stream as usize]);
        if partial.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        let tail = Tail {
            text: self.tail(stream, now),
            stream,
            time: now,
        };
        let mut out = Vec::new();
        let mut result = Ok(());
        self.add_piece(&partial, &tail, &mut out, &mut result);
        keep_first(&mut result, self.write_out(&out));
        result
    }

    fn write_out(&mut self, out: &[u8]) -> io::Result<()> {
        self.flush();
        match &mut self.file {
            Some(file) if !out.is_empty() => file.write(out),
            _ => Ok(()),
        }
    }

    fn add_piece(
        &mut self,
        piece: &[u8],
        tail: &Tail,
        out: &mut Vec<u8>,
        result: &mut io::Result<()>,
    ) {
        if let Some(remote) = &mut self.remote {
            remote.push(tail.stream == Stream::Stderr, tail.time, piece);
        }
        let Some(file) = &mut self.file else { return };
        if file.is_full(out.len()) {
            keep_first(result, file.write(out));
            out.clear();
            keep_first(result, file.rotate());
        }
        out.extend_from_slice(b"{\"log\":\"");
        escape::escape(piece, out);
        out.extend_from_slice(tail.text.as_bytes());
    }

    /// What follows the text.
    fn tail(&self, stream: Stream, time: Timestamp) -> String {
        let name = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        format!(
            "\",\"stream\":\"{name}\",{}\"time\":\"{time}\"}}\n",
            self.attributes
        )
    }
}

/// What belongs to every line of one read.
struct Tail {
    /// What follows the text in a file.
    text: String,
    stream: Stream,
    time: Timestamp,
}

fn attributes(attrs: &BTreeMap<String, String>) -> io::Result<String> {
    if attrs.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("\"attrs\":{},", serde_json::to_string(attrs)?))
}

fn keep_first(result: &mut io::Result<()>, next: io::Result<()>) {
    if result.is_ok() {
        *result = next;
    }
}

/// Docker's length of a log line.
const MAX_LINE: usize = 16 << 10;

#[cfg(test)]
mod tests;
