//! What the HTTP library reads.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncRead, ReadBuf};

use super::clock::Wait;
use super::{Hangup, HeadError, Reading, Wire, broken};

/// How much of a refused request is read away so that the answer is not lost to a reset.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
const READ: usize = 16 * 1024;

impl<I: AsyncRead + Unpin> Wire<I> {
    /// Reads into the inbox; 0 is the end of input.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        self.inbox.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// The fast path of long bodies: straight into the reader's buffer, no further than the body.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        if let Reading::Body { framing, .. } = &mut self.reading {
            let taken = framing.accept(fresh).map_err(broken)?;
            self.inbox
                .extend_from_slice(fresh.get(taken..).unwrap_or_default());
            buffer.set_filled(before + taken);
        }
        self.end_of_body();
        Poll::Ready(Ok(()))
    }

    /// A client that is still sending must not be reset before it has read the answer.
    pub(super) fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(
            self.reading,
            Reading::Body { .. } | Reading::Held | Reading::Refused
        ) {
            return Poll::Ready(());
        }
        self.inbox.clear();
        while self.lingered < LINGER_BYTES {
            if self
                .poll_timer(cx, Wait::Linger, Duration::from_secs(1))
                .is_ready()
            {
                return Poll::Ready(());
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(count) => self.lingered += count,
            }
            self.inbox.clear();
        }
        Poll::Ready(())
    }
}

impl<I: AsyncRead + Hangup + Unpin> AsyncRead for Wire<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.passed > 0 {
                let count = this.passed.min(buffer.remaining());
                buffer.put_slice(this.inbox.get(..count).unwrap_or_default());
                this.inbox.advance(count);
                this.passed -= count;
                return Poll::Ready(Ok(()));
            }
            if this.advance()? {
                continue;
            }
            match &this.reading {
                Reading::Held | Reading::Refused => return Poll::Pending,
                Reading::Body { .. } => return this.poll_body(cx, buffer),
                Reading::Head(_) => {}
            }
            if this.ended {
                return this.poll_gone(cx).map(Ok);
            }
            if let Poll::Ready(wait) = this.poll_deadline(cx) {
                if wait == Wait::Idle {
                    return Poll::Ready(Ok(()));
                }
                this.refuse(HeadError::Timeout);
                continue;
            }
            this.ended = ready!(this.poll_fill(cx))? == 0;
        }
    }
}
