//! One process that the shim looks after, with its standard streams.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use lockgate_types::{ExecId, Timestamp};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::termios::{Winsize, tcsetwinsize};

use super::log::{Log, Stream};

/// The container's init or an exec.
#[derive(Debug)]
pub(super) struct Task {
    /// Which exec; none is the init.
    pub(super) exec: Option<ExecId>,
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    pub(super) terminal: bool,
    pub(super) streams: Streams,
    /// Close standard input when the first client that had it ends its side.
    pub(super) closes_input: bool,
    pub(super) log: Option<Log>,
    pub(super) exit_file: Option<PathBuf>,
    /// It was killed on request: output that others hold open is not waited for.
    pub(super) killed: bool,
    /// How it ended, once it has.
    pub(super) ended: Option<Ended>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) at: Timestamp,
    /// Output that others hold open is waited for until then.
    pub(super) patience: Instant,
}

/// Our ends of the standard streams, all non-blocking.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Standard output (or the terminal) and standard error.
    pub(super) outputs: [Option<OwnedFd>; 2],
    pub(super) input: Input,
}

/// The writing end of standard input, with what it could not take yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) pipe: Option<OwnedFd>,
    waiting: Vec<u8>,
    closing: bool,
}

/// The process's ends.
#[derive(Debug)]
pub(super) struct TheirEnds {
    pub(super) input: Option<OwnedFd>,
    pub(super) output: OwnedFd,
    pub(super) error: OwnedFd,
}

impl Streams {
    /// Pipes for a process without a terminal.
    pub(super) fn pipes(with_input: bool) -> Result<(Self, TheirEnds), Errno> {
        let (output, their_output) = pipe_with(PipeFlags::CLOEXEC)?;
        let (error, their_error) = pipe_with(PipeFlags::CLOEXEC)?;
        // More room means fewer turns between a busy process and the shim. Not worth an error.
        crate::reason::ignore(fcntl_setpipe_size(&output, PIPE_SIZE));
        let (their_input, input) = if with_input {
            let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
            (Some(theirs), Some(ours))
        } else {
            (None, None)
        };
        for end in [&output, &error].into_iter().chain(&input) {
            set_nonblocking(end)?;
        }
        let input = Input {
            pipe: input,
            ..Input::default()
        };
        let theirs = TheirEnds {
            input: their_input,
            output: their_output,
            error: their_error,
        };
        Ok((
            Self {
                outputs: [Some(output), Some(error)],
                input,
            },
            theirs,
        ))
    }

    /// A terminal, of which we have the master.
    pub(super) fn terminal(master: OwnedFd) -> Result<Self, Errno> {
        set_nonblocking(&master)?;
        let writer = rustix::io::fcntl_dupfd_cloexec(&master, 3)?;
        let input = Input {
            pipe: Some(writer),
            ..Input::default()
        };
        Ok(Self {
            outputs: [Some(master), None],
            input,
        })
    }

    /// Whether no more output can come.
    pub(super) fn are_drained(&self) -> bool {
        self.outputs.iter().all(Option::is_none)
    }

    /// Reads output; `None` means nothing at the moment. At the end the stream is gone.
    pub(super) fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> Option<usize> {
        let slot = &mut self.outputs[stream as usize];
        let source = slot.as_ref()?;
        match rustix::io::read(source, &mut *buffer) {
            Ok(count) if count > 0 => Some(count),
            Err(Errno::AGAIN | Errno::INTR) => None,
            // A terminal whose other end is closed everywhere says EIO.
            Ok(_) | Err(_) => {
                *slot = None;
                Some(0)
            }
        }
    }

    /// Sets the terminal's size.
    pub(super) fn resize(&self, height: u16, width: u16) -> io::Result<()> {
        let Some(master) = &self.outputs[0] else {
            return Ok(());
        };
        let size = Winsize {
            ws_row: height,
            ws_col: width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(tcsetwinsize(master.as_fd(), size)?)
    }
}

impl Input {
    /// Whether there is something to write.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether more may be taken from a client.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_INPUT
    }

    /// Takes bytes from a client. Without anybody to read them they are gone.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.pipe.is_some() {
            self.waiting.extend_from_slice(bytes);
            self.write();
        }
    }

    /// Closes it once everything is written.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.write();
    }

    /// Writes what can be written.
    pub(super) fn write(&mut self) {
        while let Some(pipe) = self.pipe.as_ref().filter(|_| !self.waiting.is_empty()) {
            match rustix::io::write(pipe, &self.waiting) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                // Nobody reads any more.
                Err(_) => {
                    self.waiting = Vec::new();
                    self.closing = true;
                }
            }
        }
        self.waiting = Vec::new();
        if self.closing {
            self.pipe = None;
        }
    }
}

fn set_nonblocking(fd: &OwnedFd) -> Result<(), Errno> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)
}

/// What is kept of standard input while the process does not read.
const MAX_INPUT: usize = 64 << 10;
/// Of the pipe for standard output.
const PIPE_SIZE: usize = 256 << 10;
