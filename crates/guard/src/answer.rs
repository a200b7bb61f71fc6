//! The upstream's answer as ours.

use std::io;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Response, StatusCode, Version};
use http_body_util::BodyExt;
use lockgate_gate::{Body, BodyError, body};

use crate::flow::Flow;

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
pub(crate) fn relayed(response: Response<Flow>) -> Response<Body> {
    with(response, |body| {
        body.map_err(|error| BodyError::Source(io::Error::other(error)))
            .boxed_unsync()
    })
}

/// The same with a body made of the upstream's.
pub(crate) fn with<B>(response: Response<B>, make: impl FnOnce(B) -> Body) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    for name in named(&head.headers).iter().chain(&OF_THE_CONNECTION) {
        head.headers.remove(name);
    }
    // The version is of our connection, too.
    head.version = Version::HTTP_11;
    Response::from_parts(head, make(body))
}

/// What the field `Connection` names belongs to the connection as well.
fn named(fields: &HeaderMap) -> Vec<HeaderName> {
    let all = fields.get_all(CONNECTION).iter();
    let texts = all.filter_map(|value| value.to_str().ok());
    let names = texts.flat_map(|text| text.split(','));
    names.filter_map(|name| name.trim().parse().ok()).collect()
}

/// JSON of ours.
pub(crate) fn json(status: StatusCode, json: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(body::full(json));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
