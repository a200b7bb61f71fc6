//! The request side: who may not even ask, and what becomes of the body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header;
use http::request::Parts;
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use lockgate_access::{JudgedBody, Principal};
use lockgate_api::{BodyUse, Call};

use crate::body::{self, Body, BodyError};
use crate::identity::Peer;
use crate::limits::Limits;
use crate::quota::Slot;
use crate::rescue::Refused;

/// Refuses what a browser sends: a page on any site can make one talk to this address, with the
/// user's client certificate even, and by DNS rebinding read the answers. No client of an engine
/// is a browser.
pub(super) fn refuse_browsers(peer: &Peer, head: &Parts) -> Result<(), Refused> {
    if !peer.network {
        return Ok(());
    }
    if head.headers.contains_key(header::ORIGIN) {
        return Err(Refused::Browser("the request has an `Origin`"));
    }
    if head
        .headers
        .keys()
        .any(|name| name.as_str().starts_with("sec-fetch-"))
    {
        return Err(Refused::Browser("the request has `Sec-Fetch` fields"));
    }
    match peer.principal.get() {
        Principal::Loopback { .. } if !names_loopback(head) => {
            Err(Refused::Browser("`Host` is not a loopback address"))
        }
        Principal::Certificate(_) | Principal::Loopback { .. } | Principal::Unix(_) => Ok(()),
    }
}

/// Whether the client means this machine and not a name that resolves to it.
fn names_loopback(head: &Parts) -> bool {
    let host = head
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(host) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) else {
        return false;
    };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Reads the body if it is judged, passes it on if it streams, reads it away otherwise.
pub(super) async fn split_body(
    call: &Call,
    head: &Parts,
    incoming: Incoming,
    limits: &Limits,
    slot: Arc<Slot>,
) -> Result<(JudgedBody, Body), Refused> {
    let declared = incoming.size_hint().lower();
    slot.body(declared)?;
    let limit = match call.body() {
        BodyUse::Stream => {
            let body = Counted {
                inner: incoming,
                declared,
                slot,
            };
            return Ok((JudgedBody::default(), body.boxed_unsync()));
        }
        BodyUse::Judge { limit } => limit,
        BodyUse::None => limits.ignored_body_bytes,
    };
    if incoming.is_end_stream() {
        return Ok((judged(Bytes::new(), head), body::empty()));
    }
    if declared > limit as u64 {
        return Err(Refused::BodyTooLarge { limit });
    }
    // One that does not say how long it is may be as long as it likes.
    let room = match incoming.size_hint().exact() {
        Some(length) => length,
        None => limit as u64,
    };
    slot.reserve(room)?;
    let whole = tokio::time::timeout(limits.judged_body, Limited::new(incoming, limit).collect());
    let bytes = whole
        .await
        .map_err(|_elapsed| Refused::BodySlow)?
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refused::BodyTooLarge { limit }
            } else {
                Refused::BodyBroken
            }
        })?;
    let bytes = bytes.to_bytes();
    slot.give_back(room.saturating_sub(bytes.len() as u64));
    slot.body((bytes.len() as u64).saturating_sub(declared))?;
    Ok(match call.body() {
        BodyUse::None => (JudgedBody::default(), body::empty()),
        BodyUse::Judge { .. } | BodyUse::Stream => (judged(bytes, head), body::empty()),
    })
}

/// A streaming body whose bytes are counted against its identity: those that were declared when it was admitted, the
/// others as they come.
struct Counted {
    inner: Incoming,
    declared: u64,
    slot: Arc<Slot>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let Some(frame) = frame.transpose()? else {
            return Poll::Ready(None);
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let beyond = length.saturating_sub(self.declared);
        self.declared = self.declared.saturating_sub(length);
        if beyond > 0 {
            self.slot.body(beyond).map_err(std::io::Error::other)?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

fn judged(bytes: Bytes, head: &Parts) -> JudgedBody {
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let text = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    JudgedBody::new(bytes, text)
}
