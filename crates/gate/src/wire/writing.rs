//! What the HTTP library writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Wire, lock};

impl<I: AsyncWrite + Unpin> Wire<I> {
    /// Where in `bytes` the head begins that is to be swallowed.
    fn swallowed_from(&self, bytes: &[u8]) -> Option<usize> {
        let mark = lock(&self.link.swallow);
        let mark = mark.as_ref()?.as_bytes();
        let at = bytes
            .windows(mark.len())
            .position(|window| window == mark)?;
        let before = bytes.get(..at)?;
        before.windows(9).rposition(|window| window == b"HTTP/1.1 ")
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.swallowed_from(bytes) {
            Some(0) => {
                *lock(&this.link.swallow) = None;
                Poll::Ready(Ok(bytes.len()))
            }
            Some(at) => {
                let before = bytes.get(..at).unwrap_or_default();
                Pin::new(&mut this.io).poll_write(cx, before)
            }
            None => Pin::new(&mut this.io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if lock(&self.link.swallow).is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| slice));
        }
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        ready!(this.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}
