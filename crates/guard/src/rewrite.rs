//! A judged call as a new request.

use bytes::Bytes;
use http::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::request::Parts;
use http::{Request, Uri};
use lockgate_api::{BodyUse, Call, Operation, StreamKind};
use lockgate_gate::{Body, body};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Names of images hold slashes and colons.
pub(crate) const PATH: &AsciiSet = &QUERY.remove(b'/').remove(b':').remove(b'@');

/// The fields of a client's head that mean something to an engine.
const PASSED: [HeaderName; 6] = [
    ACCEPT,
    USER_AGENT,
    HeaderName::from_static("x-registry-auth"),
    HeaderName::from_static("x-registry-config"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];
/// How a build session says what it offers.
const SESSION: &str = "x-docker-expose-session-";

/// What is asked of the upstream daemon, as it was judged.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) call: &'a Call,
    pub(crate) query: &'a [(String, String)],
    /// The judged body, for calls that have one.
    pub(crate) json: Bytes,
}

/// The request for the upstream daemon, and what the connection would become.
pub(crate) fn request(
    outgoing: Outgoing<'_>,
    head: &Parts,
    streamed: Body,
) -> Result<Request<Body>, http::Error> {
    let Outgoing { call, query, json } = outgoing;
    let uri = Uri::try_from(target(call, query))?;
    let is_empty = json.is_empty();
    let body = match call.body() {
        BodyUse::Judge { .. } => body::full(json),
        BodyUse::Stream => streamed,
        BodyUse::None => body::empty(),
    };
    let mut request = Request::builder()
        .method(call.route().method.as_str())
        .uri(uri)
        .body(body)?;
    let fields = request.headers_mut();
    fields.insert(HOST, HeaderValue::from_static("docker"));
    pass(&head.headers, fields);
    match call.body() {
        // It was judged as JSON, so it is sent as JSON, whatever it called itself.
        BodyUse::Judge { .. } if !is_empty => {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        BodyUse::Stream => copy(&head.headers, fields, &CONTENT_TYPE),
        BodyUse::Judge { .. } | BodyUse::None => {}
    }
    if let Some(protocol) = protocol(call, head) {
        fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static(protocol));
    }
    if call.operation() == Operation::ContainerAttachWebsocket {
        // The key was looked at by whoever answers the client's handshake.
        fields.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        copy(&head.headers, fields, &SEC_WEBSOCKET_KEY);
    }
    Ok(request)
}

/// Path and query as the call was understood, in one spelling.
pub(crate) fn target(call: &Call, query: &[(String, String)]) -> String {
    let mut target = call
        .asked_version()
        .map(|version| format!("/v{version}"))
        .unwrap_or_default();
    target.push_str(&utf8_percent_encode(&call.path(), PATH).to_string());
    let mut mark = '?';
    for (key, value) in query {
        target.push(mark);
        target.extend(utf8_percent_encode(key, QUERY));
        target.push('=');
        target.extend(utf8_percent_encode(value, QUERY));
        mark = '&';
    }
    target
}

fn pass(from: &HeaderMap, to: &mut HeaderMap) {
    for name in &PASSED {
        copy(from, to, name);
    }
    for (name, value) in from {
        if name.as_str().starts_with(SESSION) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn copy(from: &HeaderMap, to: &mut HeaderMap, name: &HeaderName) {
    for value in from.get_all(name) {
        to.append(name.clone(), value.clone());
    }
}

/// What the upstream is asked to turn the connection into. A client that sends no `Upgrade` where
/// one may be sent gets the older form from the gate; the upstream is always asked the newer way.
fn protocol(call: &Call, head: &Parts) -> Option<&'static str> {
    let asked = |protocol: &[u8]| {
        let upgrade = head.headers.get(UPGRADE);
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(protocol))
    };
    match call.route().stream {
        StreamKind::H2c => asked(b"h2c").then_some("h2c"),
        StreamKind::Hijack if call.operation() == Operation::ContainerAttachWebsocket => {
            Some("websocket")
        }
        StreamKind::Hijack => Some("tcp"),
        StreamKind::Down | StreamKind::None => None,
    }
}
