//! Questions of our own to the upstream daemon, with their whole answers.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use lockgate_gate::body;

use crate::error::GuardError;
use crate::flow::Flow;
use crate::pool::{Effect, Pool};

/// An inspection is some KiB, a list of ten thousand containers ten MiB.
const LIMIT: usize = 64 * 1024 * 1024;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Asks for something.
pub(crate) async fn get(pool: &Pool, path: &str) -> Result<Told, GuardError> {
    let request = Request::get(path)
        .header(HOST, "docker")
        .body(body::empty())?;
    let response = pool.send(request, Effect::Reads).await?;
    let status = response.status();
    let body = whole(pool, response.into_body()).await?;
    Ok(Told { status, body })
}

/// Has something changed.
pub(crate) async fn post(pool: &Pool, path: &str, json: Bytes) -> Result<Told, GuardError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, "docker")
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(body::full(json))?;
    let response = pool.send(request, Effect::Changes).await?;
    let status = response.status();
    let body = whole(pool, response.into_body()).await?;
    Ok(Told { status, body })
}

/// A body that has to be there before anything can be said of it.
pub(crate) async fn whole(pool: &Pool, body: Flow) -> Result<Bytes, GuardError> {
    match Limited::new(body, LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_broken_or_too_long) => Err(GuardError::Strange {
            upstream: pool.upstream().to_string(),
            what: "it breaks off, or is longer than 64 MiB",
        }),
    }
}
