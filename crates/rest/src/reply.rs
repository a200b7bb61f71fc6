//! Answers.

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use lockgate_api::encode;
use lockgate_gate::{Body, Reply, body};
use serde::Serialize;

/// 200 with JSON.
pub(crate) fn json<T: Serialize>(answer: &T) -> Reply {
    json_bytes(StatusCode::OK, encode(answer))
}

/// 201 with JSON.
pub(crate) fn created<T: Serialize>(answer: &T) -> Reply {
    json_bytes(StatusCode::CREATED, encode(answer))
}

/// JSON that is encoded already.
pub(crate) fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Reply {
    with_type(status, "application/json", body::full(bytes))
}

/// A status alone.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    Reply::Http(response)
}

/// 204.
pub(crate) fn no_content() -> Reply {
    empty(StatusCode::NO_CONTENT)
}

/// 200 with a body that flows; its head is sent at once.
pub(crate) fn streaming(
    content_type: &'static str,
    stream: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Reply {
    with_type(StatusCode::OK, content_type, body::stream(stream))
}

fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Reply::Http(response)
}

/// Output of a container with a terminal, or for clients before 1.42.
pub(crate) const RAW_STREAM: &str = "application/vnd.docker.raw-stream";
/// Output in frames.
pub(crate) const MULTIPLEXED_STREAM: &str = "application/vnd.docker.multiplexed-stream";
/// JSON objects one after the other.
pub(crate) const JSON: &str = "application/json";
/// An archive of a container's root.
pub(crate) const BYTES: &str = "application/octet-stream";
/// An archive.
pub(crate) const TAR: &str = "application/x-tar";
