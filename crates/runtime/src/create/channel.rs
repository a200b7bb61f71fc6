//! The line between a creating process and the process it made.
//!
//! ```text
//! packets of a SOCK_SEQPACKET pair
//!   'M'                      parent -> child   user and group maps are written
//!   'H'                      child -> parent   mounts are made, waiting for the hooks
//!   'C'                      parent -> child   the hooks have run
//!   'R' (+ terminal master)  child -> parent   ready, waiting at the gate
//!   'G'                      parent -> child   go
//!   'F' kind text            child -> parent   failed
//!   end of file              the program runs (the child's end is close-on-exec), or the child died
//! ```

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use lockgate_types::ErrorKind;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::error::{CreateError, InitError};

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// What a child says.
#[derive(Debug)]
pub(crate) enum Word {
    Mounted,
    Ready(Option<OwnedFd>),
    Failed(CreateError),
    Closed,
}

impl Channel {
    pub(crate) fn pair() -> Result<(Self, Self), Errno> {
        let kind = SocketType::SEQPACKET;
        let (a, b) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
        Ok((Self(a), Self(b)))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sends one of the packets of one letter.
    pub(crate) fn send(&self, letter: u8) -> Result<(), Errno> {
        self.send_bytes(&[letter])
    }

    pub(crate) fn send_ready(&self, terminal: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = terminal.as_slice();
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::NOBUFS);
        }
        sendmsg(
            &self.0,
            &[IoSlice::new(b"R")],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    pub(crate) fn send_failure(&self, error: &InitError) -> Result<(), Errno> {
        let mut packet = vec![b'F', kind_code(error.kind())];
        packet.extend(error.to_string().bytes().take(MAX_TEXT));
        self.send_bytes(&packet)
    }

    /// Waits for one of the packets of one letter; `None` if the other end is closed.
    pub(crate) fn receive_letter(&self) -> Result<Option<u8>, Errno> {
        let mut byte = [0];
        loop {
            match rustix::net::recv(&self.0, &mut byte, RecvFlags::empty()) {
                Ok((0, _)) => return Ok(None),
                Ok(_) => return Ok(Some(byte[0])),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for what the child says next.
    pub(crate) fn receive(&self) -> Result<Word, Errno> {
        let mut bytes = [0; MAX_TEXT + 2];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let length = loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            match recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(message) => break message.bytes,
                Err(Errno::INTR) => {}
                // A peer that died with a packet of ours unread.
                Err(Errno::CONNRESET) => break 0,
                Err(error) => return Err(error),
            }
        };
        let terminal = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        Ok(match bytes.get(..length) {
            Some([b'H']) => Word::Mounted,
            Some([b'R']) => Word::Ready(terminal),
            Some([b'F', code, text @ ..]) => Word::Failed(CreateError::Init {
                kind: kind_of(*code),
                message: String::from_utf8_lossy(text).into_owned(),
            }),
            _ => Word::Closed,
        })
    }

    fn send_bytes(&self, bytes: &[u8]) -> Result<(), Errno> {
        rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL).map(drop)
    }
}

fn kind_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotFound => b'n',
        ErrorKind::Denied => b'd',
        ErrorKind::InvalidInput => b'i',
        ErrorKind::Unsupported => b'u',
        ErrorKind::AlreadyExists
        | ErrorKind::Conflict
        | ErrorKind::Exhausted
        | ErrorKind::Internal
        | ErrorKind::NotModified
        | ErrorKind::PreconditionFailed
        | ErrorKind::Timeout
        | ErrorKind::Unauthenticated
        | ErrorKind::Unavailable => b'x',
    }
}

fn kind_of(code: u8) -> ErrorKind {
    match code {
        b'n' => ErrorKind::NotFound,
        b'd' => ErrorKind::Denied,
        b'i' => ErrorKind::InvalidInput,
        b'u' => ErrorKind::Unsupported,
        _ => ErrorKind::Internal,
    }
}

/// Longest text of a failure; paths are at most 4096 bytes.
const MAX_TEXT: usize = 8 << 10;
