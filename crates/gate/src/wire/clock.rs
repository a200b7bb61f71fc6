//! Time limits of a connection, and the question whether its client is still there.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

use super::{Hangup, Reading, Wire};

/// How often a socket is asked whether a client that sends nothing more is still there.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long such a client gets its answer where the socket cannot tell.
const LEAVING: Duration = Duration::from_secs(2);

/// A time limit that runs.
#[derive(Debug)]
pub(super) struct Deadline {
    sleep: Pin<Box<Sleep>>,
    kind: Wait,
}

/// What a time limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Head,
    Idle,
    Leaving,
    Linger,
}

impl<I> Wire<I> {
    /// Whether the time for what is awaited is up.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Wait> {
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

    pub(super) fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        kind: Wait,
        after: Duration,
    ) -> Poll<Wait> {
        let deadline = match self.deadline.take() {
            Some(deadline) if deadline.kind == kind => deadline,
            _ => Deadline {
                sleep: Box::pin(tokio::time::sleep(after)),
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

impl<I: Hangup> Wire<I> {
    /// Whether a client that sends nothing more has left. `printf … | nc -U SOCKET` is a client too:
    /// it waits for its answer with its writing side closed.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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
