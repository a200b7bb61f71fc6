//! The upstream's answer as ours.

use std::io;

use http::Response;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use lockgate_gate::{Body, BodyError};

/// Fields that belong to one connection (RFC 9110, 7.6.1), and the length, which is written anew.
const OF_THE_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Everything but what belongs to the connection; the body flows as the client takes it.
pub(crate) fn relayed(response: Response<Incoming>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    for name in &OF_THE_CONNECTION {
        head.headers.remove(name);
    }
    let body = body
        .map_err(|error| BodyError::Source(io::Error::other(error)))
        .boxed_unsync();
    Response::from_parts(head, body)
}
