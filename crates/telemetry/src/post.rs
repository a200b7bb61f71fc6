//! One request to a collector.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lockgate_enroll::LookupError;
use tokio::net::TcpStream;

use crate::endpoint::Endpoint;

/// From looking up the name to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What was taken was taken, though its confirmation has no end.
const GOODBYE: Duration = Duration::from_millis(500);
/// Of an answer; more than the list of what was not taken is not read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// What a collector said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Taken,
    /// It will not take that, however often it is asked.
    Refused(StatusCode),
}

/// Why a batch may be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("it answers {0}")]
    Busy(StatusCode),
    #[error("it cannot be reached: {0}")]
    Connect(#[from] io::Error),
    #[error("it cannot be spoken with: {0}")]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
    #[error("it does not answer in time")]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// Sends one body.
pub(crate) async fn post(endpoint: &Endpoint, body: Bytes) -> Result<Sent, PostError> {
    tokio::time::timeout(PATIENCE, exchange(endpoint, body)).await?
}

async fn exchange(endpoint: &Endpoint, body: Bytes) -> Result<Sent, PostError> {
    let socket = connect(endpoint).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    let request = Request::post(&endpoint.path)
        .header(HOST, endpoint.authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("lockgated/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        // What it says is not looked at, but a connection that is cut off looks like a failure to some.
        let rest = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
        drop(tokio::time::timeout(GOODBYE, rest).await);
        Ok::<_, hyper::Error>(status)
    };
    let mut answer = std::pin::pin!(answer);
    let status = tokio::select! {
        biased;
        status = &mut answer => status?,
        // The whole answer may have come with the end of the connection.
        ended = connection => {
            ended?;
            answer.await?
        }
    };
    match status {
        status if status.is_success() => Ok(Sent::Taken),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Err(PostError::Busy(status)),
        status => Ok(Sent::Refused(status)),
    }
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, PostError> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in lockgate_enroll::lookup(endpoint.host()).await? {
        match TcpStream::connect((address, endpoint.port())).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last.into())
}
