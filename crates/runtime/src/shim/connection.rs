//! One connection of the engine to the shim.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::protocol::{Decoder, Reply, encode};

/// Which process a stream belongs to; 0 is the container's init.
pub(super) type TaskId = u32;

/// What a connection is for.
#[derive(Debug)]
pub(super) enum Role {
    /// Requests and replies.
    Control {
        decoder: Decoder,
        /// Events are wanted.
        watches: bool,
    },
    /// The standard streams of a process.
    Stream {
        task: TaskId,
        /// The peer's bytes are standard input; ends when the peer ends its side.
        input: bool,
        stdout: bool,
        stderr: bool,
    },
}

/// A connection with what is still to be sent on it.
#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) role: Role,
    queue: Vec<u8>,
    /// How much of the queue is sent.
    sent: usize,
    /// Nothing more will be queued; close when all is sent.
    pub(super) ending: bool,
    /// The peer is gone.
    pub(super) dead: bool,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, watches: bool) -> Self {
        let role = Role::Control {
            decoder: Decoder::new(),
            watches,
        };
        Self {
            socket,
            role,
            queue: Vec::new(),
            sent: 0,
            ending: false,
            dead: false,
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether something waits to be sent.
    pub(super) fn has_output(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether the peer is so slow that its process must wait.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() - self.sent >= MAX_QUEUE
    }

    /// Whether it can be closed.
    pub(super) fn is_done(&self) -> bool {
        self.dead || (self.ending && self.queue.is_empty())
    }

    /// Sends a message.
    pub(super) fn reply(&mut self, reply: &Reply) {
        match encode(reply) {
            Ok(frame) => self.send(&[&frame]),
            // No reply comes near the limit of a frame.
            Err(_) => self.dead = true,
        }
    }

    /// Sends bytes, as many as go at once; the rest is queued.
    pub(super) fn send(&mut self, parts: &[&[u8]]) {
        if self.dead {
            return;
        }
        let mut skip = if self.queue.is_empty() {
            self.send_now(parts)
        } else {
            0
        };
        for part in parts {
            let from = skip.min(part.len());
            skip -= from;
            self.queue
                .extend_from_slice(part.get(from..).unwrap_or(&[]));
        }
    }

    /// Sends what is queued.
    pub(super) fn flush(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        while self.sent < queue.len() && !self.dead {
            let count = self.send_now(&[queue.get(self.sent..).unwrap_or(&[])]);
            if count == 0 {
                self.queue = queue;
                return;
            }
            self.sent += count;
        }
        self.sent = 0;
    }

    /// Reads what the peer sent; `None` means nothing at the moment, empty means the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((count, _)) => Some(count),
            Err(Errno::AGAIN | Errno::INTR) => None,
            Err(_) => {
                self.dead = true;
                Some(0)
            }
        }
    }

    fn send_now(&mut self, parts: &[&[u8]]) -> usize {
        use rustix::net::{SendAncillaryBuffer, sendmsg};
        let parts: Vec<std::io::IoSlice<'_>> = parts
            .iter()
            .map(|part| std::io::IoSlice::new(part))
            .collect();
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match sendmsg(
            &self.socket,
            &parts,
            &mut SendAncillaryBuffer::default(),
            flags,
        ) {
            Ok(sent) => sent,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(_) => {
                self.dead = true;
                0
            }
        }
    }
}

/// What may be queued for one client before its process must wait. One read of 64 KiB comes on top.
const MAX_QUEUE: usize = 256 << 10;
