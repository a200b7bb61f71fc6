//! The kinds of sockets, as one.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::wire::Hangup;

/// A client's socket.
#[derive(Debug)]
pub(crate) enum Transport {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Transport {
    /// For counting.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Unix(_) => "unix",
        }
    }
}

macro_rules! each {
    ($self:expr, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Transport::Tcp(io) => {
                let $io = Pin::new(io);
                $call
            }
            Transport::Tls(io) => {
                let $io = Pin::new(io.as_mut());
                $call
            }
            Transport::Unix(io) => {
                let $io = Pin::new(io);
                $call
            }
        }
    };
}

impl Transport {
    /// Whether the client has yet to read something, where that can be known and matters: over TLS each
    /// write is a record of its own, which a reader gets alone.
    pub(crate) fn has_unread(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Tls(_) => false,
            Self::Unix(socket) => lockgate_sys::socket::has_unread(socket.as_fd()).unwrap_or(false),
        }
    }
}

impl Transport {
    /// Ends when both directions are closed: with a client of a unix socket that has left, with one of TCP
    /// as soon as its host says so, which the next keep-alive makes it do.
    pub(crate) fn hung_up(&self) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let socket = match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Tls(stream) => stream.get_ref().0.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        };
        let watch = watch(socket.try_clone_to_owned()?)?;
        Ok(async move { drop(watch.ready(Interest::PRIORITY).await) })
    }
}

/// Nothing has priority on these sockets, so what wakes it is that they are closed.
#[expect(
    deprecated,
    reason = "the successor is unsafe for types whose descriptor may change; an OwnedFd's cannot"
)]
fn watch(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(socket, Interest::PRIORITY)
}

impl Hangup for Transport {
    fn has_hung_up(&self) -> Option<bool> {
        match self {
            // Over TCP a peer that is gone looks like one that has just finished sending.
            Self::Tcp(_) | Self::Tls(_) => None,
            Self::Unix(socket) => {
                let mut look = [PollFd::new(socket, PollFlags::empty())];
                let answered = rustix::event::poll(&mut look, Some(&Timespec::default()));
                let [look] = look;
                Some(answered.is_err() || look.revents().contains(PollFlags::HUP))
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = each!(self, io => io.poll_read(cx, buffer));
        // A TLS peer that closes without `close_notify`. HTTP knows by itself where a request ends,
        // and on a stream it is how a client that was killed looks.
        read.map(|result| match result {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            result => result,
        })
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
            Self::Unix(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }
}
