//! The stream of an exec.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::life::State;
use crate::container::Duplex;

/// Both directions of an exec: reading yields stdcopy frames (or raw bytes of a terminal), writing
/// is standard input, shutdown is its end. The exit code is known before reading yields the end.
pub struct ExecStream {
    duplex: Duplex,
    /// Ends when the exit code is known; gone once it has been awaited.
    exit: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    raw: bool,
}

impl ExecStream {
    pub(super) fn new(duplex: Duplex, mut state: watch::Receiver<State>, raw: bool) -> Self {
        let exit = async move {
            // Fails only if the exec is forgotten, with its container.
            drop(state.wait_for(|state| state.is_over()).await);
        };
        Self {
            duplex,
            exit: Some(Box::pin(exit)),
            raw,
        }
    }

    /// Whether the exec has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        self.raw
    }
}

impl AsyncRead for ExecStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(self.duplex.poll_read(context, buffer));
        let at_end = result.is_ok() && buffer.filled().len() == before && buffer.remaining() > 0;
        if at_end
            && !self.duplex.detached
            && let Some(exit) = &mut self.exit
        {
            ready!(exit.as_mut().poll(context));
            self.exit = None;
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for ExecStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.duplex.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.duplex.poll_shutdown(context)
    }
}

impl fmt::Debug for ExecStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecStream")
            .field("raw", &self.raw)
            .finish_non_exhaustive()
    }
}
