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

/// An answer that flows. It moves its connection when it is asked for more, and gives it back at its end.
#[derive(Debug)]
pub(crate) struct Flow {
    body: Incoming,
    line: Option<Line>,
    idle: Arc<Idle>,
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
            next: None,
            ended: false,
        };
        flow.release();
        flow
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
        let mut gathered = BytesMut::new();
        while gathered.len() < PIECE {
            match self.poll_piece(cx) {
                Poll::Ready(Some(Ok(piece))) if piece.len() < PIECE => {
                    if gathered.is_empty() {
                        gathered.reserve(PIECE);
                    }
                    gathered.extend_from_slice(&piece);
                }
                Poll::Ready(other) if gathered.is_empty() => return Poll::Ready(other),
                Poll::Ready(other) => {
                    self.next = other;
                    break;
                }
                Poll::Pending if gathered.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Some(Ok(gathered.freeze())))
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
        self.next.is_none() && (self.ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let held = match &self.next {
            Some(Ok(piece)) => piece.len() as u64,
            Some(Err(_)) | None => 0,
        };
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}
