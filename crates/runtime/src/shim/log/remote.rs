//! Output on its way to the program that ships it elsewhere.
//!
//! A target that is slow or dead makes that program slow; then records wait here. In Docker's mode
//! `blocking` the container waits with them, in `non-blocking` new ones are dropped once the buffer is full.
//!
//! A program that dies is started again, and gets what it did not take whole. While it cannot be, the container
//! goes on, and what does not fit the queue is dropped.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use lockgate_sys::process::Spawn;
use lockgate_types::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, recv, send, shutdown,
    socketpair,
};

use crate::protocol::{Decoder, LogReady, RemoteLog, encode, encode_record, record_length};

/// How long the program may take to say whether it can reach its target.
const READY: Duration = Duration::from_mins(1);
/// The least time from one start of the program to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// How long what waits may take at the end, as in Docker.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// What may wait while the container waits with it.
const MAX_QUEUE: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Remote {
    socket: OwnedFd,
    target: RemoteLog,
    /// Records, of which `sent` bytes are gone.
    queue: Vec<u8>,
    sent: usize,
    /// Where the first record begins that is not gone whole; what is before it is worth nothing any more.
    record: usize,
    /// The size of a buffer that drops; absent in the mode that waits.
    buffer: Option<usize>,
    /// When the program was started.
    started: Instant,
    /// It is gone, and not started again yet.
    is_down: bool,
}

impl Remote {
    /// Starts the program and waits until it is ready.
    pub(super) fn start(target: &RemoteLog) -> io::Result<Self> {
        let setup = encode(&target.setup).map_err(io::Error::other)?;
        let mut remote = Self {
            socket: launch(target)?,
            target: target.clone(),
            sent: 0,
            record: setup.len(),
            queue: setup,
            buffer: target
                .buffer
                .map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
            started: Instant::now(),
            is_down: false,
        };
        remote.flush();
        match remote.await_ready()?.error {
            None => Ok(remote),
            Some(text) => Err(io::Error::other(text)),
        }
    }

    fn await_ready(&self) -> io::Result<LogReady> {
        let (deadline, mut decoder) = (Instant::now() + READY, Decoder::new());
        loop {
            if !self.await_event(PollFlags::IN, deadline) {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the log driver does not answer",
                ));
            }
            let mut buffer = [0; 4096];
            match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(io::Error::other("the log driver has ended")),
                Ok((count, _)) => decoder.push(buffer.get(..count).unwrap_or_default()),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(ready) = decoder.next_message().map_err(io::Error::other)? {
                return Ok(ready);
            }
        }
    }

    fn await_event(&self, flags: PollFlags, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(&self.socket, flags)], Some(&timeout)) {
            Ok(count) => count > 0,
            Err(_) => Instant::now() < deadline,
        }
    }

    /// Takes one line, or a piece of one.
    pub(super) fn push(&mut self, is_stderr: bool, time: Timestamp, piece: &[u8]) {
        let waiting = self.queue.len() - self.sent;
        let buffer = self.buffer.or_else(|| self.is_down.then_some(MAX_QUEUE));
        let is_lost = buffer.is_some_and(|size| waiting > 0 && waiting + piece.len() > size);
        if !is_lost {
            encode_record(is_stderr, time, piece, &mut self.queue);
        }
    }

    /// Whether the container has to wait.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.is_none() && !self.is_down && self.queue.len() - self.sent >= MAX_QUEUE
    }

    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        (!self.is_down && !self.queue.is_empty()).then(|| self.socket.as_fd())
    }

    /// Sends as much as goes at once.
    pub(super) fn flush(&mut self) {
        if self.is_down {
            self.restart();
        }
        while let Some(rest) = self.queue.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match send(&self.socket, rest, flags) {
                Ok(count) => self.note_sent(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // What is gone is not kept: the queue stays near what waits.
                    let gone = self.sent.min(self.record);
                    if gone > MAX_QUEUE {
                        self.queue.drain(..gone);
                        self.sent -= gone;
                        self.record -= gone;
                    }
                    return;
                }
                Err(error) => {
                    super::super::note(&format!("the log driver is gone: {error}"));
                    self.is_down = true;
                    self.restart();
                }
            }
            if self.is_down {
                return;
            }
        }
        self.queue = Vec::new();
        (self.sent, self.record) = (0, 0);
    }

    fn note_sent(&mut self, count: usize) {
        self.sent += count;
        let length = |at: usize| record_length(self.queue.get(at..)?);
        while let Some(end) = length(self.record).map(|length| self.record + length)
            && end <= self.sent
        {
            self.record = end;
        }
    }

    /// Starts the program again, unless that was tried just now. It is told everything from the record on
    /// that the last one did not take whole; whether it reaches its target shows in its own time.
    fn restart(&mut self) {
        if self.started.elapsed() < PAUSE {
            return;
        }
        self.started = Instant::now();
        let setup = encode(&self.target.setup).map_err(io::Error::other);
        match setup.and_then(|setup| Ok((setup, launch(&self.target)?))) {
            Ok((setup, socket)) => {
                self.socket = socket;
                self.queue.splice(..self.record, setup.iter().copied());
                (self.sent, self.record) = (0, setup.len());
                self.is_down = false;
                super::super::note("the log driver was started again");
            }
            Err(error) => {
                super::super::note(&format!("the log driver cannot be started: {error}"));
            }
        }
    }

    /// Hands over what waits; the program delivers it and ends by itself.
    pub(super) fn close(mut self) {
        self.flush();
        let deadline = Instant::now() + LAST_WORDS;
        while self.waits_for().is_some() && self.await_event(PollFlags::OUT, deadline) {
            self.flush();
        }
        if self.waits_for().is_some() {
            super::super::note("the log driver is too slow: the last lines are lost");
        }
        crate::reason::ignore(shutdown(&self.socket, Shutdown::Write));
    }
}

/// Starts the program; returns our end of its socket.
fn launch(target: &RemoteLog) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let log = io::stderr();
    let spawn = Spawn {
        program: &target.program,
        name: &target.program,
        args: &[OsStr::new("ship")],
        environment: &[],
        descriptors: &[(theirs.as_fd(), 0), (log.as_fd(), 1), (log.as_fd(), 2)],
        new_session: true,
    };
    spawn.start()?;
    Ok(ours)
}
