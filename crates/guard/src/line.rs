//! One connection to the upstream daemon.

use std::fmt;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use lockgate_gate::Body;
use tokio::time::Instant;

use crate::upstream::Connection;

/// A connection with nobody of its own to move it: whoever waits for an answer does, in the same task.
/// With a task of its own each piece of a stream would cost a wake-up, and each request two.
pub(crate) struct Line {
    sender: SendRequest<Body>,
    /// `None` once it has ended, or has become a stream.
    mover: Option<BoxFuture<'static, hyper::Result<()>>>,
    made: Instant,
}

impl Line {
    pub(crate) async fn new(socket: Box<dyn Connection>) -> hyper::Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        Ok(Self {
            sender,
            mover: Some(Box::pin(connection.with_upgrades())),
            made: Instant::now(),
        })
    }

    /// How long ago it was made.
    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn ask(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let mover = &mut self.mover;
        std::future::poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.poll_unpin(cx) {
                return Poll::Ready(answer);
            }
            step(mover, cx);
            answer.poll_unpin(cx)
        })
        .await
    }

    /// Reads and writes what can be read and written now.
    pub(crate) fn step(&mut self, cx: &mut Context<'_>) {
        step(&mut self.mover, cx);
    }

    /// Moves it until it has ended or has become a stream.
    pub(crate) async fn end(mut self) {
        std::future::poll_fn(|cx| {
            self.step(cx);
            match self.mover {
                Some(_) => Poll::Pending,
                None => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Whether it is there for the next request. Nobody has to be woken when that changes: it is asked
    /// again when there is one.
    pub(crate) fn rests(&mut self) -> bool {
        let look = std::future::poll_fn(|cx| {
            self.step(cx);
            Poll::Ready(())
        });
        // A task that has done much in its turn would be shown nothing.
        tokio::task::unconstrained(look)
            .now_or_never()
            .unwrap_or_default();
        self.mover.is_some() && self.sender.is_ready()
    }
}

fn step(mover: &mut Option<BoxFuture<'static, hyper::Result<()>>>, cx: &mut Context<'_>) {
    let Some(moving) = mover else { return };
    if let Poll::Ready(ended) = moving.poll_unpin(cx) {
        // Dropped, it tells whoever waits for an answer.
        *mover = None;
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the upstream daemon ended");
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
