//! Connections to the upstream daemon, kept for the next call.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use lockgate_gate::Body;

use crate::error::GuardError;
use crate::upstream::Upstream;

/// As many as a busy client keeps open. More are made when needed, and closed when done with.
const KEPT: usize = 32;

/// Connections to one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    upstream: Upstream,
    idle: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

/// Whether a call may be sent a second time if the first one got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Changes,
    Reads,
}

impl Pool {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            idle: Arc::default(),
        }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// A kept connection may have been closed meanwhile: what was not sent at all is sent on a
    /// fresh one. What was sent and got no answer is an error, because it may have been acted upon.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        effect: Effect,
    ) -> Result<Response<Incoming>, GuardError> {
        while let Some(mut kept) = self.take() {
            match kept.try_send_request(request).await {
                Ok(response) => {
                    self.keep_when_ready(kept);
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(self.broke_off(effect, error.into_error())),
                },
            }
        }
        let mut fresh = self.connect().await?;
        let response = fresh.send_request(request).await;
        let response = response.map_err(|error| self.broke_off(effect, error))?;
        self.keep_when_ready(fresh);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Body>, GuardError> {
        let socket = self.upstream.connect().await;
        let socket = socket.map_err(|source| GuardError::Unreachable {
            upstream: self.upstream.to_string(),
            source,
        })?;
        let shaken = http1::handshake(TokioIo::new(socket)).await;
        let (sender, connection) = shaken.map_err(|error| self.broke_off(Effect::Reads, error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to the upstream daemon ended");
            }
        });
        Ok(sender)
    }

    fn take(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        idle.pop()
    }

    /// Keeps a connection once the answer on it has been read to its end. One that became a stream
    /// is never ready again.
    fn keep_when_ready(&self, mut sender: SendRequest<Body>) {
        let idle = Arc::clone(&self.idle);
        tokio::spawn(async move {
            if sender.ready().await.is_err() {
                return;
            }
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(sender);
            }
        });
    }

    fn broke_off(&self, effect: Effect, source: hyper::Error) -> GuardError {
        GuardError::BrokeOff {
            upstream: self.upstream.to_string(),
            mutates: effect == Effect::Changes,
            source,
        }
    }
}
