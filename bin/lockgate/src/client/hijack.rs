//! Connections that stop being HTTP: attach and exec.

use http::StatusCode;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::answer::Answer;
use super::call::Call;
use super::{Client, ClientError};

/// A raw stream to a container. Shutting it down ends our half; what the container still says
/// can be read.
#[derive(Debug)]
pub(crate) struct Hijacked {
    /// Bytes in both directions.
    pub(crate) stream: TokioIo<Upgraded>,
    /// Whether the daemon frames stdout and stderr; unknown if it named no content type for it.
    pub(crate) multiplexed: Option<bool>,
}

impl Client {
    /// Sends a request on a connection of its own, and takes that connection over.
    pub(crate) async fn hijack(&self, call: Call<'_>) -> Result<Hijacked, ClientError> {
        let (mut request, shown) = call.build().await?;
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
        if !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        let mut sender = self.connect(&shown).await?;
        let sent = sender.send_request(request).await;
        let answer = sent.map_err(|error| self.explain(&error, &shown))?;
        let status = answer.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            if status.is_client_error() || status.is_server_error() {
                return Err(Answer::new(answer).into_error().await);
            }
            return Err(ClientError::NoUpgrade(status.as_u16()));
        }
        let kind = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let multiplexed = match kind {
            Some("application/vnd.docker.multiplexed-stream") => Some(true),
            _ => None,
        };
        let upgraded = hyper::upgrade::on(answer).await;
        let upgraded = upgraded.map_err(|error| self.explain(&error, &shown))?;
        Ok(Hijacked {
            stream: TokioIo::new(upgraded),
            multiplexed,
        })
    }
}
