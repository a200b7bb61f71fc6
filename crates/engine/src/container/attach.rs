//! Attaching to a container's standard streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Which streams, and how.
#[derive(Clone, Debug, Default)]
pub struct AttachQuery {
    /// Deliver the log so far first.
    pub logs: bool,
    /// Stay attached and deliver what comes.
    pub stream: bool,
    /// With standard input.
    pub stdin: bool,
    /// With standard output.
    pub stdout: bool,
    /// With standard error.
    pub stderr: bool,
    /// The keys that detach from a terminal; `None` is `ctrl-p,ctrl-q`.
    pub detach_keys: Option<String>,
}

/// Both directions of an attachment: reading yields stdcopy frames (or raw bytes of a terminal),
/// writing is standard input, shutdown is its end.
#[derive(Debug)]
pub struct AttachStream {}

impl AttachStream {
    /// Whether the container has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        todo!("is raw")
    }
}

impl AsyncRead for AttachStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!("read")
    }
}

impl AsyncWrite for AttachStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!("write")
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!("shutdown")
    }
}
