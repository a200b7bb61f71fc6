//! Between the socket and the HTTP library.
//!
//! The library cannot hijack a connection without an `Upgrade` field, takes a client that has
//! closed its writing side for one that has left, and is more tolerant than a door may be. So each
//! request head is read here first, whole, and each body is followed to its end:
//!
//! ```text
//! Head --ok--> Body --end--> Head            an ordinary request
//! Head --ok--> Body --end--> Held            one that may become a stream: nothing more is handed
//!                                            on, the end of input included, until it has
//! Head --bad-> Refused                       the library gets a stand-in request, which is
//!                                            answered with the reason
//! ```
//!
//! The head of the answer to a hijack is written by `upgrade`; the library's own is swallowed.

mod chunked;
mod head;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::limits::Limits;
use head::{Framing, Head, Scanner};
pub(crate) use head::{HeadError, RAW};

/// What the library gets in place of a head that was refused.
const STAND_IN: &[u8] = b"REFUSED / HTTP/1.1\r\nConnection: close\r\n\r\n";
/// The method of [`STAND_IN`]. A client that sends it itself is refused all the same.
pub(crate) const REFUSED: &str = "REFUSED";
/// How much of a refused request is read away so that the answer is not lost to a reset.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
/// How often a socket is asked whether a client that sends nothing more is still there.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long such a client gets its answer where the socket cannot tell.
const LEAVING: Duration = Duration::from_secs(2);
const READ: usize = 16 * 1024;

/// A connection as the HTTP library sees it.
#[derive(Debug)]
pub(crate) struct Wire<I> {
    io: I,
    link: Arc<Link>,
    limits: Arc<Limits>,
    /// Read, and not handed on yet.
    inbox: BytesMut,
    /// How much of the front of `inbox` may be handed on.
    passed: usize,
    reading: Reading,
    deadline: Option<Deadline>,
    /// The client has closed its writing side.
    ended: bool,
    lingered: usize,
}

#[derive(Debug)]
enum Reading {
    Head(Scanner),
    Body { framing: Framing, hijack: bool },
    Held,
    Refused,
}

#[derive(Debug)]
struct Deadline {
    sleep: Pin<Box<Sleep>>,
    kind: Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Idle,
    Head,
    Leaving,
    Linger,
}

/// Sockets that may know whether their peer is gone, and not only done with sending.
pub(crate) trait Hangup {
    /// `None` if the socket cannot tell.
    fn has_hung_up(&self) -> Option<bool>;
}

/// What the two sides of the library tell each other.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Requests whose answers have not ended.
    in_flight: AtomicUsize,
    /// The reader, which may have to start the clock of an idle connection.
    reader: AtomicWaker,
    refusal: Mutex<Option<HeadError>>,
    swallow: Mutex<Option<String>>,
}

impl Link {
    /// Why the stand-in request was made.
    pub(crate) fn refusal(&self) -> Option<HeadError> {
        *lock(&self.refusal)
    }

    /// Swallows the head of an answer that carries this mark.
    pub(crate) fn swallow_head_with(&self, mark: String) {
        *lock(&self.swallow) = Some(mark);
    }

    /// Says that an answer has ended.
    pub(crate) fn answered(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.reader.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<I> Wire<I> {
    pub(crate) fn new(io: I, limits: Arc<Limits>) -> (Self, Arc<Link>) {
        let link = Arc::new(Link::default());
        let wire = Self {
            io,
            link: Arc::clone(&link),
            limits,
            inbox: BytesMut::new(),
            passed: 0,
            reading: Reading::Head(Scanner::default()),
            deadline: None,
            ended: false,
            lingered: 0,
        };
        (wire, link)
    }

    /// The socket, and what was read from it and not handed on.
    pub(crate) fn into_parts(self) -> (I, BytesMut) {
        (self.io, self.inbox)
    }

    fn refuse(&mut self, error: HeadError) {
        *lock(&self.link.refusal) = Some(error);
        self.link.in_flight.fetch_add(1, Ordering::AcqRel);
        self.inbox = BytesMut::from(STAND_IN);
        self.passed = STAND_IN.len();
        self.reading = Reading::Refused;
    }

    /// Takes a step with what is in the inbox; `false` if more is needed.
    fn advance(&mut self) -> io::Result<bool> {
        match &mut self.reading {
            Reading::Head(scanner) if !self.inbox.is_empty() => {
                match scanner.end(&self.inbox, &self.limits) {
                    Ok(None) => return Ok(false),
                    Ok(Some(end)) => self.take_head(end),
                    Err(error) => self.refuse(error),
                }
                self.deadline = None;
                Ok(true)
            }
            Reading::Body { framing, .. } if !self.inbox.is_empty() => {
                self.passed = framing.accept(&self.inbox).map_err(broken)?;
                self.end_of_body();
                Ok(true)
            }
            Reading::Body { .. } | Reading::Head(_) | Reading::Held | Reading::Refused => Ok(false),
        }
    }

    fn take_head(&mut self, end: usize) {
        let head = match Head::parse(self.inbox.split_to(end), &self.limits) {
            Ok(head) => head,
            Err(error) => return self.refuse(error),
        };
        self.link.in_flight.fetch_add(1, Ordering::AcqRel);
        let rest = std::mem::replace(&mut self.inbox, head.bytes);
        self.passed = self.inbox.len();
        self.inbox.unsplit(rest);
        self.reading = Reading::Body {
            framing: head.framing,
            hijack: head.hijack,
        };
        self.end_of_body();
    }

    fn end_of_body(&mut self) {
        if let Reading::Body { framing, hijack } = self.reading
            && framing.is_done()
        {
            self.reading = if hijack {
                Reading::Held
            } else {
                Reading::Head(Scanner::default())
            };
        }
    }

    /// Whether the time for what is awaited is up.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Wait> {
        self.link.reader.register(cx.waker());
        let (kind, after) = match &self.reading {
            Reading::Head(_) if !self.inbox.is_empty() => (Wait::Head, self.limits.head),
            Reading::Head(_) if self.link.in_flight.load(Ordering::Acquire) == 0 => {
                (Wait::Idle, self.limits.idle)
            }
            Reading::Head(_) | Reading::Body { .. } | Reading::Held | Reading::Refused => {
                self.deadline = None;
                return Poll::Pending;
            }
        };
        self.poll_timer(cx, kind, after)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, kind: Wait, after: Duration) -> Poll<Wait> {
        let deadline = match self.deadline.take() {
            Some(deadline) if deadline.kind == kind => deadline,
            _ => Deadline {
                sleep: Box::pin(tokio::time::sleep_until(Instant::now() + after)),
                kind,
            },
        };
        self.deadline
            .insert(deadline)
            .sleep
            .as_mut()
            .poll(cx)
            .map(|()| kind)
    }
}

fn broken(error: HeadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<I: AsyncRead + Unpin> Wire<I> {
    /// Reads into the inbox; 0 is the end of input.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0_u8; READ];
        let mut buffer = ReadBuf::new(&mut space);
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
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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

impl<I: AsyncRead + Hangup + Unpin> Wire<I> {
    /// Whether a client that sends nothing more has left. `printf … | nc -U SOCKET` is a client too:
    /// it waits for its answer with its writing side closed.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.link.reader.register(cx.waker());
            if self.link.in_flight.load(Ordering::Acquire) == 0 {
                return Poll::Ready(());
            }
            let after = match self.io.has_hung_up() {
                Some(true) => return Poll::Ready(()),
                Some(false) => LOOK_AGAIN,
                None => LEAVING,
            };
            ready!(self.poll_timer(cx, Wait::Leaving, after));
            self.deadline = None;
            if after == LEAVING {
                return Poll::Ready(());
            }
        }
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
