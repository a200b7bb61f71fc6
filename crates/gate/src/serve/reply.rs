//! The answer side: headers, raw errors, and the switch to a stream.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use lockgate_api::{ApiVersion, Operation, StreamKind};

use super::{ANSWERED, Door, Ending, Visit};
use crate::backend::{Hijack, Reply, UpgradeTo};
use crate::body::{self, Body};
use crate::rescue::{ApiHeaders, Refused};
use crate::upgrade::{self, Upgrade};
use crate::wire::RAW;

const RAW_STREAM: &str = "application/vnd.docker.raw-stream";

/// The headers of every answer.
///
/// `Server` has the stock daemon's form, `NAME/VERSION (OS)`. No client was seen to depend on the
/// name (podman sends its own there too), so it is ours.
#[derive(Clone, Debug)]
pub(crate) struct Headers {
    fixed: [(HeaderName, HeaderValue); 4],
    /// From how long before the end of its certificate on a client is told.
    warn_before: Duration,
}

impl Headers {
    pub(crate) fn new(version: &str, warn_before: Duration) -> Self {
        let value = |text: String| {
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
        };
        let fixed = [
            (
                HeaderName::from_static("api-version"),
                value(ApiVersion::MAX.to_string()),
            ),
            (
                HeaderName::from_static("ostype"),
                HeaderValue::from_static("linux"),
            ),
            (header::SERVER, value(format!("Lockgate/{version} (linux)"))),
            (EXPERIMENTAL, HeaderValue::from_static("false")),
        ];
        Self { fixed, warn_before }
    }

    /// Adds what an answer does not have yet. One that says who made it is another daemon's, and has
    /// what that one says.
    pub(super) fn add(&self, response: &mut Response<Body>, which: ApiHeaders) {
        if response.headers().contains_key(header::SERVER) {
            return;
        }
        for (name, value) in self.select(which) {
            response
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
    }

    /// Tells a client whose certificate ends soon; every tool that shows headers shows it.
    pub(super) fn warn_of_end(&self, response: &mut Response<Body>, end: Option<SystemTime>) {
        let Some(end) = end else { return };
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        if left < self.warn_before
            && let Ok(value) =
                HeaderValue::try_from(lockgate_types::Timestamp::from(end).to_string())
        {
            response.headers_mut().insert(CERTIFICATE_EXPIRES, value);
        }
    }

    pub(crate) fn select(
        &self,
        which: ApiHeaders,
    ) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let wanted = move |name: &HeaderName| match which {
            ApiHeaders::All => true,
            ApiHeaders::None => false,
            ApiHeaders::NotExperimental => name != EXPERIMENTAL,
        };
        self.fixed
            .iter()
            .filter(move |(name, _)| wanted(name))
            .map(|(name, value)| (name, value))
    }
}

/// When the certificate ends that the client showed.
const CERTIFICATE_EXPIRES: HeaderName = HeaderName::from_static("lockgate-certificate-expires");
const EXPERIMENTAL: HeaderName = HeaderName::from_static("docker-experimental");

/// `OPTIONS` has one answer for every path.
pub(super) fn options(door: &Door) -> Response<Body> {
    let mut response = Response::new(body::empty());
    door.headers.add(&mut response, ANSWERED);
    response
}

/// How the connection may become a stream.
pub(super) struct Switch {
    hijack: bool,
    operation: Operation,
    /// Whether the client asked with `Upgrade`.
    asked: bool,
    upgrade: OnUpgrade,
}

impl Switch {
    pub(super) fn new(
        kind: StreamKind,
        operation: Operation,
        head: &Parts,
        upgrade: OnUpgrade,
    ) -> Self {
        let asked = head
            .headers
            .get(header::UPGRADE)
            .is_some_and(|value| value != RAW);
        Self {
            hijack: kind == StreamKind::Hijack || (kind == StreamKind::H2c && asked),
            operation,
            asked,
            upgrade,
        }
    }
}

/// Turns the backend's reply into what the HTTP library sends.
pub(super) async fn answer(
    visit: &Arc<Visit>,
    reply: Reply,
    switch: Switch,
    ending: &mut Ending,
) -> Result<Response<Body>, Refused> {
    match reply {
        Reply::Http(response) => Ok(plain(visit, response, &switch).await),
        Reply::Hijack(hijack) if switch.hijack => Ok(hijacked(visit, hijack, switch, ending)),
        Reply::Hijack(_) => {
            tracing::error!(
                operation = switch.operation.name(),
                "this operation has no stream"
            );
            Err(Refused::Internal)
        }
    }
}

async fn plain(visit: &Visit, response: Response<Body>, switch: &Switch) -> Response<Body> {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    // Another daemon's answer is in its own form already.
    let is_ours = !response.headers().contains_key(header::SERVER);
    if failed && is_ours && switch.operation == Operation::ContainerAttach {
        return raw_error(response).await;
    }
    let mut response = response;
    visit.door.headers.add(&mut response, ANSWERED);
    if switch.hijack {
        close(&mut response);
    }
    response
}

/// What attach says in place of a stream: text under the stream's content type, no API headers.
async fn raw_error(response: Response<Body>) -> Response<Body> {
    let status = response.status();
    let bytes = response
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let message = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
    let message = message
        .as_ref()
        .and_then(|value| value.get("message")?.as_str());
    let text = match message {
        Some(message) => Bytes::from(format!("{message}\r\n")),
        None => bytes,
    };
    let mut raw = Response::new(body::full(text));
    *raw.status_mut() = status;
    raw.headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(RAW_STREAM));
    close(&mut raw);
    raw
}

fn close(response: &mut Response<Body>) {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Starts the stream's task. The answer returned here never reaches the client: its head is
/// swallowed by the wire, and the task writes the one that clients expect.
fn hijacked(
    visit: &Arc<Visit>,
    hijack: Hijack,
    switch: Switch,
    ending: &mut Ending,
) -> Response<Body> {
    let head = head(visit, &hijack, switch.asked);
    ending.status(if switch.asked { 101 } else { 200 });
    let mark = lockgate_types::random_hex();
    visit.link.swallow_head_with(mark.clone());
    let upgrade = Upgrade {
        visit: Arc::clone(visit),
        switched: switch.upgrade,
        head,
        run: hijack.run,
        ending: ending.take(),
    };
    tokio::spawn(upgrade::run(upgrade));
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    // Hex digits are a header value.
    headers.insert(
        header::UPGRADE,
        HeaderValue::try_from(mark).unwrap_or(HeaderValue::from_static(RAW)),
    );
    response
}

fn head(visit: &Visit, hijack: &Hijack, asked: bool) -> Vec<u8> {
    let mut head = match (asked, &hijack.protocol) {
        (true, UpgradeTo::Tcp) => format!(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n",
            hijack.content_type
        ),
        (_, UpgradeTo::H2c) => {
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n".to_owned()
        }
        (_, UpgradeTo::WebSocket { accept }) => format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        ),
        // The stock daemon's old form has one content type, whatever the frames are.
        (false, UpgradeTo::Tcp) => format!("HTTP/1.1 200 OK\r\nContent-Type: {RAW_STREAM}\r\n"),
    }
    .into_bytes();
    let which = if hijack.api_headers {
        ApiHeaders::All
    } else {
        ApiHeaders::None
    };
    for (name, value) in visit.door.headers.select(which) {
        head.extend_from_slice(title_case(name.as_str()).as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn title_case(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|c| {
            let cased = if start { c.to_ascii_uppercase() } else { c };
            start = c == '-';
            cased
        })
        .collect()
}
