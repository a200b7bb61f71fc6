//! Request and response bodies.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};

/// A body in either direction. Make one with [`empty`], [`full`] or [`stream`].
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke or the client's framing did.
    #[error("the request body broke off")]
    Incoming(#[from] hyper::Error),
    /// What feeds the body failed; the connection is closed without the end of the body.
    #[error("the response body broke off")]
    Source(#[from] std::io::Error),
}

/// No body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is there whole.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that flows. An error ends the connection.
pub fn stream(stream: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Body {
    let frames = stream.map(|item| item.map(Frame::data).map_err(BodyError::Source));
    StreamBody::new(frames).boxed_unsync()
}
