//! The end of an answer, and of its record.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use lockgate_access::{Entry, Outcome};
use lockgate_api::{Operation, StreamKind};

use super::Visit;
use crate::body::{Body, BodyError};
use crate::metrics::Held;
use crate::quota::Slot;
use crate::trace::Span;

/// Sees to it that what began is ended: dropped early, the record ends as cut off.
#[derive(Debug)]
pub(crate) struct Ending(Option<Open>);

#[derive(Debug)]
struct Open {
    visit: Arc<Visit>,
    entry: Option<Entry>,
    /// What was asked, and when; until the head of the answer is there.
    asked: Option<(Operation, Instant)>,
    /// What becomes of it, for whoever follows a trace.
    span: Option<Span>,
    /// Counted among the streams.
    stream: Option<Held>,
    /// The place of a stream, given back with the rest.
    slot: Option<Arc<Slot>>,
}

impl Ending {
    pub(crate) fn new(visit: Arc<Visit>) -> Self {
        Self(Some(Open {
            visit,
            entry: None,
            asked: None,
            span: None,
            stream: None,
            slot: None,
        }))
    }

    /// It is known what is asked for.
    pub(super) fn asked(&mut self, operation: Operation) {
        if let Some(open) = &mut self.0 {
            open.asked = Some((operation, Instant::now()));
        }
    }

    /// It is part of a trace.
    pub(super) fn span(&mut self, span: Option<Span>) {
        if let Some(open) = &mut self.0 {
            open.span = span;
        }
    }

    /// From now on there is a record to end.
    pub(super) fn open(&mut self, entry: Entry, kind: StreamKind) {
        if let Some(open) = &mut self.0 {
            if let Some(span) = &mut open.span {
                span.call = Some(entry.id().to_owned());
            }
            open.entry = Some(entry);
            open.stream = open.visit.door.metrics.stream(kind);
        }
    }

    /// Keeps the place of a stream until the end.
    pub(super) fn slot(&mut self, slot: Arc<Slot>) {
        if let Some(open) = &mut self.0 {
            open.slot = Some(slot);
        }
    }

    pub(super) fn panicked(&mut self) {
        self.status(500);
        self.finish(Outcome::Panicked);
    }

    /// The head of the answer is there.
    pub(super) fn status(&mut self, status: u16) {
        self.with(|entry| entry.status(status));
        let Some(open) = &mut self.0 else { return };
        if let Some(span) = &mut open.span {
            span.status = status;
        }
        if let Some((operation, since)) = open.asked.take() {
            let metrics = &open.visit.door.metrics;
            metrics.answered(operation, status, since.elapsed());
        }
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.with(|entry| entry.sent(bytes as u64));
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        self.with(|entry| entry.finish(outcome));
    }

    /// Hands the duty on; what is left behind does nothing.
    pub(super) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// The answer, with the duty tied to its body.
    pub(super) fn follow(mut self, response: Response<Body>) -> Response<Body> {
        self.status(response.status().as_u16());
        response.map(|inner| {
            if inner.is_end_stream() {
                self.finish(Outcome::Done);
            }
            Followed {
                inner,
                ending: self,
                broken: None,
            }
            .boxed_unsync()
        })
    }

    fn with(&self, act: impl FnOnce(&Entry)) {
        if let Some(entry) = self.0.as_ref().and_then(|open| open.entry.as_ref()) {
            act(entry);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let live = self.visit.live();
        // A change that goes on without its client still holds the record, and ends it later.
        if let (Some(entry), Outcome::Revoked) = (&self.entry, live.cut_off()) {
            entry.finish(Outcome::Revoked);
        }
        live.set_current(None);
        if let (Some(mut span), Some(tracer)) = (self.span.take(), &self.visit.door.tracer) {
            span.end = SystemTime::now();
            tracer.ended(span);
        }
        self.visit.link.answered();
        drop(self.slot.take());
    }
}

/// A body whose end is recorded.
struct Followed {
    inner: Body,
    ending: Ending,
    /// Why it breaks off, once what came before has been sent.
    broken: Option<BodyError>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.ending.sent(frame.data_ref().map_or(0, Bytes::len));
                if self.inner.is_end_stream() {
                    self.ending.finish(Outcome::Done);
                }
            }
            Some(Err(error)) => {
                tracing::warn!(error = %error, "an answer broke off");
                self.ending.finish(Outcome::Aborted);
            }
            None => self.ending.finish(Outcome::Done),
        }
        match frame {
            // The library throws away what it holds when it sees an error, and sends it when there is a pause.
            Some(Err(error)) => {
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
