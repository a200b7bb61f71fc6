//! A daemon's answer, read whole or as it comes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ClientError;

/// An answer whose head has arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    inner: Response<Incoming>,
}

#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

impl Answer {
    pub(super) fn new(inner: Response<Incoming>) -> Self {
        Self { inner }
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The whole body.
    pub(crate) async fn bytes(self) -> Result<Bytes, ClientError> {
        let collected = self.inner.into_body().collect().await;
        Ok(collected.map_err(broken)?.to_bytes())
    }

    /// The whole body as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// The next part of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.inner.body_mut().frame().await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The body as a stream of JSON values.
    pub(crate) fn lines(self) -> LineStream {
        LineStream {
            answer: self,
            buffer: BytesMut::new(),
            ready: VecDeque::new(),
        }
    }

    /// The daemon's refusal.
    pub(crate) async fn into_error(self) -> ClientError {
        let status = self.status();
        let is_json = self
            .headers()
            .get("content-type")
            .is_some_and(|v| v == "application/json");
        let bytes = match self.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        let message = match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(body) if is_json => body.message.trim().to_owned(),
            _ => String::from_utf8_lossy(&bytes).trim().to_owned(),
        };
        let message = if message.is_empty() {
            let reason = status.canonical_reason().unwrap_or("unknown status");
            format!("request returned {reason} ({})", status.as_u16())
        } else {
            message
        };
        ClientError::Daemon { status, message }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function for map_err"
)]
fn broken(error: hyper::Error) -> ClientError {
    let text = match super::error::io_cause(&error) {
        Some(io) => crate::config::go_error(io),
        None => "unexpected EOF".to_owned(),
    };
    ClientError::Answer(text)
}

/// JSON values as they arrive; how they are cut into chunks and lines does not matter.
#[derive(Debug)]
pub(crate) struct LineStream {
    answer: Answer,
    buffer: BytesMut,
    ready: VecDeque<Box<RawValue>>,
}

impl LineStream {
    /// The next value; `None` when the daemon has said everything.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(value) = self.ready.pop_front() {
                let parsed = serde_json::from_str(value.get());
                return parsed
                    .map(Some)
                    .map_err(|e| ClientError::Answer(e.to_string()));
            }
            match self.answer.chunk().await? {
                Some(bytes) => {
                    self.buffer.extend_from_slice(&bytes);
                    self.cut()?;
                }
                None if self.buffer.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                None => return Err(ClientError::Answer("unexpected EOF".to_owned())),
            }
        }
    }

    fn cut(&mut self) -> Result<(), ClientError> {
        let mut values = serde_json::Deserializer::from_slice(&self.buffer).into_iter();
        let mut used = 0;
        loop {
            match values.next() {
                Some(Ok(value)) => {
                    self.ready.push_back(value);
                    used = values.byte_offset();
                }
                Some(Err(error)) if error.is_eof() => break,
                Some(Err(error)) => return Err(ClientError::Answer(error.to_string())),
                None => break,
            }
        }
        drop(self.buffer.split_to(used));
        Ok(())
    }
}
