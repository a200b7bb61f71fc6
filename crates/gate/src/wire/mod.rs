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
mod clock;
mod head;
mod reading;
mod writing;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use futures_util::task::AtomicWaker;

use crate::limits::Limits;
use clock::Deadline;
use head::{Framing, Head, Scanner};
pub(crate) use head::{HeadError, RAW};

/// What the library gets in place of a head that was refused.
const STAND_IN: &[u8] = b"REFUSED / HTTP/1.1\r\nConnection: close\r\n\r\n";
/// The method of [`STAND_IN`]. A client that sends it itself is refused all the same.
pub(crate) const REFUSED: &str = "REFUSED";

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
}

fn broken(error: HeadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
