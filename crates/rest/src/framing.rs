//! What a client that started an exec expects of its stream, whatever the exec has: frames without
//! a terminal of its own, bare bytes with one. In Docker the start decides, not the creation.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lockgate_api::stdcopy;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream between what there is and what is wanted.
pub(crate) struct Framing<S> {
    inner: S,
    change: Change,
    /// Bytes that are ready for the client.
    ready: Vec<u8>,
    sent: usize,
}

enum Change {
    None,
    /// Bare bytes become frames of standard output.
    Frame,
    /// Frames become bare bytes: what of the current header has come, what of its payload is open.
    Strip {
        header: Vec<u8>,
        payload: usize,
    },
}

impl<S> Framing<S> {
    pub(crate) fn new(inner: S, is_raw: bool, wants_raw: bool) -> Self {
        let change = match (is_raw, wants_raw) {
            (true, false) => Change::Frame,
            (false, true) => Change::Strip {
                header: Vec::with_capacity(HEADER),
                payload: 0,
            },
            (true, true) | (false, false) => Change::None,
        };
        Self {
            inner,
            change,
            ready: Vec::new(),
            sent: 0,
        }
    }

    /// Takes over what has been read.
    fn digest(&mut self, mut bytes: &[u8]) {
        match &mut self.change {
            Change::None => self.ready.extend_from_slice(bytes),
            Change::Frame => self
                .ready
                .extend(stdcopy::frame(stdcopy::Stream::Stdout, bytes)),
            Change::Strip { header, payload } => {
                while !bytes.is_empty() {
                    if *payload == 0 {
                        let missing = HEADER - header.len();
                        let (part, rest) = bytes.split_at(missing.min(bytes.len()));
                        header.extend_from_slice(part);
                        bytes = rest;
                        if let [_, _, _, _, length @ ..] = header.as_slice()
                            && let Ok(length) = <[u8; 4]>::try_from(length)
                        {
                            *payload = u32::from_be_bytes(length) as usize;
                            header.clear();
                        }
                    } else {
                        let (part, rest) = bytes.split_at((*payload).min(bytes.len()));
                        self.ready.extend_from_slice(part);
                        *payload -= part.len();
                        bytes = rest;
                    }
                }
            }
        }
    }

    fn deliver(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let open = self.ready.get(self.sent..).unwrap_or_default();
        let length = open.len().min(buffer.remaining());
        buffer.put_slice(open.get(..length).unwrap_or_default());
        self.sent += length;
        if self.sent == self.ready.len() {
            self.ready.clear();
            self.sent = 0;
        }
        length > 0
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Framing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if matches!(self.change, Change::None) {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        while !self.deliver(buffer) {
            let mut space = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                break;
            }
            self.digest(chunk.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Framing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

const HEADER: usize = 8;
const CHUNK: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    async fn through(bytes: &[u8], is_raw: bool, wants_raw: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut stream = Framing::new(bytes, is_raw, wants_raw);
        // One byte at a time: frames are cut anywhere.
        let mut byte = [0];
        while stream.read(&mut byte).await.unwrap() > 0 {
            out.push(byte[0]);
        }
        out
    }

    #[tokio::test]
    async fn the_client_gets_what_it_asked_for() {
        let frames: &[u8] = b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c";
        assert_eq!(through(b"abc", true, true).await, b"abc");
        assert_eq!(through(frames, false, false).await, frames);
        assert_eq!(through(frames, false, true).await, b"abc");
        assert_eq!(
            through(b"abc", true, false).await,
            b"\x01\0\0\0\0\0\0\x03abc"
        );
    }
}
