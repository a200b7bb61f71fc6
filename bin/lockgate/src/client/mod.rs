//! Talks to a daemon: one HTTP/1.1 client over unix sockets, TCP, TLS and ssh.
//!
//! Each request runs on an idle connection or on a new one; a connection comes back to the idle
//! list by itself once its answer has been read. Attach and exec take a connection for good
//! ([`Hijacked`]).

mod answer;
mod call;
mod certificate;
mod dial;
mod error;
mod hijack;
mod probe;
mod target;
mod tls;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::OnceCell;

pub(crate) use answer::{Answer, LineStream};
pub(crate) use call::{Call, escape_path as call_path, escape_query, filters_json};
pub(crate) use dial::Wire;
pub(crate) use error::ClientError;
pub(crate) use hijack::Hijacked;
pub(crate) use probe::{Plain, Seen, Site};
pub(crate) use target::{Address, Choice, Endpoint, TlsFiles, parse_host};

use dial::Dialer;

/// The newest API version we speak.
pub(crate) const NEWEST: &str = "1.50";
/// What a daemon that does not tell its version is spoken to in.
const UNTOLD: &str = "1.24";

/// A request body.
pub(crate) type Payload = UnsyncBoxBody<Bytes, std::io::Error>;
type Sender = SendRequest<Payload>;

/// A client of one daemon.
#[derive(Debug)]
pub(crate) struct Client {
    dialer: Dialer,
    headers: BTreeMap<String, String>,
    /// Set by `DOCKER_API_VERSION`: then nothing is negotiated.
    fixed_version: Option<String>,
    server: OnceCell<Greeting>,
    idle: Mutex<Vec<Sender>>,
}

/// What the daemon says about itself in `/_ping`.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    /// The version to speak.
    pub(crate) version: String,
}

impl Client {
    /// A client that has not connected yet.
    pub(crate) fn new(
        endpoint: Endpoint,
        headers: BTreeMap<String, String>,
        fixed_version: Option<String>,
    ) -> Result<Self, String> {
        let dialer = Dialer::new(endpoint)?;
        Ok(Self {
            dialer,
            headers,
            fixed_version,
            server: OnceCell::new(),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// The daemon that is meant.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.dialer.endpoint()
    }

    /// The API version spoken with this daemon; asks it at the first call.
    pub(crate) async fn version(&self) -> Result<&str, ClientError> {
        if let Some(version) = &self.fixed_version {
            return Ok(version);
        }
        let greeting = self.server.get_or_try_init(|| self.greet()).await?;
        Ok(&greeting.version)
    }

    /// The version for a request. If the daemon cannot be asked for it, the request itself will
    /// find out why, and say what it was about.
    async fn version_to_try(&self) -> &str {
        self.version().await.unwrap_or(NEWEST)
    }

    async fn greet(&self) -> Result<Greeting, ClientError> {
        let mut answer = self.ping(Method::HEAD).await?;
        if !matches!(
            answer.status(),
            StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR
        ) {
            answer = self.ping(Method::GET).await?;
        }
        let told = answer
            .headers()
            .get("api-version")
            .and_then(|v| v.to_str().ok());
        let told = told.filter(|v| !v.is_empty()).unwrap_or(UNTOLD);
        let version = if number(told) < number(NEWEST) {
            told
        } else {
            NEWEST
        };
        Ok(Greeting {
            version: version.to_owned(),
        })
    }

    async fn ping(&self, method: Method) -> Result<Response<Incoming>, ClientError> {
        // docker names the request it was about to make; ours is this one.
        let url = self.shown_url("/_ping");
        let request = self.request(method.clone(), "/_ping")?;
        self.exchange(request, &format!("{} {url:?}", title(&method)))
            .await
    }

    /// Builds a request with the headers that every request has.
    fn request(&self, method: Method, path: &str) -> Result<Request<Payload>, ClientError> {
        let mut request = Request::builder().method(method).uri(self.full_path(path));
        request = request
            .header(HOST, self.host_header())
            .header(USER_AGENT, AGENT);
        for (name, value) in &self.headers {
            let parsed = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
            if let (Ok(name), Ok(value)) = parsed {
                request = request.header(name, value);
            }
        }
        request
            .body(call::empty())
            .map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// Sends on an idle connection or a new one.
    async fn exchange(
        &self,
        request: Request<Payload>,
        shown: &str,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut sender = match self.take_idle() {
            Some(sender) => sender,
            None => self.connect(shown).await?,
        };
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| self.explain(&error, shown))?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        Ok(answer)
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        let ready = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(ready))
    }

    async fn connect(&self, shown: &str) -> Result<Sender, ClientError> {
        let stream = self.dialer.dial(shown).await?;
        let handshake = http1::Builder::new().handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| self.explain(&error, shown))?;
        // Its errors reach the one who waits for the answer.
        drop(tokio::spawn(connection.with_upgrades()));
        Ok(sender)
    }

    /// A connection without HTTP on it yet.
    pub(crate) async fn raw(&self) -> Result<Box<dyn Wire>, ClientError> {
        self.dialer.dial("dial").await
    }

    fn explain(&self, error: &hyper::Error, shown: &str) -> ClientError {
        let request = shown.to_owned();
        let cause = error::io_cause(error);
        if let Some(tls) = self.dialer.tls() {
            let trouble = cause.map(|io| match error::tls_cause(io) {
                Some(cause) => tls.explain(cause),
                None => tls.explain_broken(io),
            });
            if let Some(trouble) = trouble {
                return ClientError::Tls { request, trouble };
            }
        }
        if error.is_parse() {
            let advice = if self.dialer.tls().is_none() {
                error::TLS_ADVICE
            } else {
                ""
            };
            return ClientError::Malformed { request, advice };
        }
        let reason = match cause {
            Some(io) => crate::config::go_error(io),
            None if error.is_incomplete_message() => "EOF".to_owned(),
            None => error::chain(error),
        };
        ClientError::Connect { request, reason }
    }

    fn full_path(&self, path: &str) -> String {
        match &self.endpoint().address {
            Address::Tcp { prefix, .. } => format!("{prefix}{path}"),
            _ => path.to_owned(),
        }
    }

    fn host_header(&self) -> String {
        match &self.endpoint().address {
            Address::Tcp { .. } => self.authority(),
            Address::Unix(_) | Address::Ssh(_) => "api.moby.localhost".to_owned(),
        }
    }

    fn authority(&self) -> String {
        let url = self.endpoint().url.as_str();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest).to_owned()
    }

    /// The URL as docker's messages show it.
    fn shown_url(&self, path: &str) -> String {
        let scheme = if self.dialer.tls().is_some() {
            "https"
        } else {
            "http"
        };
        match &self.endpoint().address {
            Address::Unix(socket) => {
                let host = call::escape_path(&socket.display().to_string()).replace('/', "%2F");
                format!("{scheme}://{host}{path}")
            }
            Address::Tcp { .. } => {
                format!("{scheme}://{}{}", self.authority(), self.full_path(path))
            }
            Address::Ssh(_) => format!("{scheme}://docker.example.com{path}"),
        }
    }
}

/// `Get`, `Post`, as Go's errors begin.
fn title(method: &Method) -> String {
    let name = method.as_str();
    let (first, rest) = name.split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// `1.50` as something to compare.
fn number(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

const AGENT: &str = concat!("Lockgate-Client/", env!("CARGO_PKG_VERSION"), " (linux)");
