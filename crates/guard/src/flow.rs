//! The body of the upstream daemon's answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use crate::line::Line;
use crate::pool::Idle;

/// Small pieces that are there together go on as one piece of about this length. A daemon writes each
/// line of a log as a piece.
const PIECE: usize = 32 * 1024;
/// What is not so small goes on as it is: to copy it would cost more than to name it.
const LARGE: usize = 4 * 1024;
/// So much of an answer that is no stream is waited for: a daemon writes it in pieces of 4 KiB, each of which would
/// rouse the client.
const ANSWER: usize = 64 * 1024;

/// An answer that flows. It moves its connection when it is asked for more, and gives it back at its end.
#[derive(Debug)]
pub(crate) struct Flow {
    body: Incoming,
    line: Option<Line>,
    idle: Arc<Idle>,
    /// How much is waited for.
    patience: usize,
    gathered: BytesMut,
    /// What comes after the pieces that were gathered.
    next: Option<hyper::Result<Bytes>>,
    ended: bool,
}

impl Flow {
    pub(crate) fn new(body: Incoming, line: Line, idle: Arc<Idle>) -> Self {
        let mut flow = Self {
            body,
            line: Some(line),
            idle,
            patience: 0,
            gathered: BytesMut::new(),
            next: None,
            ended: false,
        };
        flow.release();
        flow
    }

    /// An answer that its daemon says in one breath.
    pub(crate) fn in_one(mut self) -> Self {
        self.patience = ANSWER;
        self
    }

    /// The connection, of an answer after which it is a stream.
    pub(crate) fn into_line(mut self) -> Option<Line> {
        self.line.take()
    }

    /// Nobody asks for more after the last piece.
    fn release(&mut self) {
        if (self.ended || self.body.is_end_stream())
            && let Some(line) = self.line.take()
        {
            self.idle.keep(line);
        }
    }

    /// One piece as the daemon made it.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        let mut moved = false;
        while !self.ended {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers belong to the connection.
                    if let Ok(piece) = frame.into_data() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => self.ended = true,
                Poll::Pending if moved => return Poll::Pending,
                Poll::Pending => {
                    if let Some(line) = &mut self.line {
                        line.step(cx);
                    }
                    moved = true;
                }
            }
        }
        Poll::Ready(None)
    }

    /// As many pieces as are there, as one.
    fn poll_pieces(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        let (enough, large) = match self.patience {
            0 => (PIECE, LARGE),
            patience => (patience, PIECE),
        };
        while self.gathered.len() < enough {
            match self.poll_piece(cx) {
                Poll::Ready(Some(Ok(piece))) if piece.len() < large => {
                    if self.gathered.is_empty() {
                        self.gathered.reserve(PIECE);
                    }
                    self.gathered.extend_from_slice(&piece);
                }
                Poll::Ready(other) if self.gathered.is_empty() => return Poll::Ready(other),
                Poll::Ready(other) => {
                    self.next = other;
                    break;
                }
                Poll::Pending if self.gathered.len() <= self.patience => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        // A longer answer goes on as it comes.
        self.patience = 0;
        Poll::Ready(Some(Ok(self.gathered.split().freeze())))
    }
}

impl HttpBody for Flow {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let piece = match self.next.take() {
            Some(next) => Poll::Ready(Some(next)),
            None => self.poll_pieces(cx),
        };
        if piece.is_ready() {
            self.release();
        }
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none() && self.gathered.is_empty() && (self.ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let next = match &self.next {
            Some(Ok(piece)) => piece.len(),
            Some(Err(_)) | None => 0,
        };
        let held = (self.gathered.len() + next) as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}
