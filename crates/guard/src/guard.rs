//! The backend.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use lockgate_access::Objects;
use lockgate_api::{Operation, StreamKind};
use lockgate_gate::{Backend, Reply, Request};

use crate::error::GuardError;
use crate::objects::Unknown;
use crate::patch::Patches;
use crate::pool::{Effect, Pool};
use crate::upstream::Upstream;
use crate::{answer, relay, rewrite};

/// A daemon behind the door, as the gate's backend.
#[derive(Debug)]
pub struct Guard {
    pool: Pool,
    patches: Patches,
}

impl Guard {
    /// A guard before the daemon at `upstream`. It need not run yet.
    pub fn new(upstream: Upstream, patches: Patches) -> Self {
        Self {
            pool: Pool::new(upstream),
            patches,
        }
    }

    async fn pass_on(&self, request: Request) -> Result<Reply, GuardError> {
        let Request {
            admitted,
            head,
            body,
        } = request;
        let call = admitted.call();
        if call.operation() == Operation::ContainerAttachWebsocket {
            return Err(GuardError::Unbuilt(call.operation()));
        }
        let body = self.patches.apply(&self.pool, call, body).await?;
        let effect = if call.operation().mutates() {
            Effect::Changes
        } else {
            Effect::Reads
        };
        let outgoing = rewrite::request(call, admitted.body(), &head, body)?;
        let response = self.pool.send(outgoing, effect).await?;
        let kind = call.route().stream;
        match (response.status(), kind) {
            (StatusCode::SWITCHING_PROTOCOLS, StreamKind::Hijack | StreamKind::H2c) => {
                Ok(relay::hijack(response, kind))
            }
            (StatusCode::SWITCHING_PROTOCOLS, _) => Err(self.strange("it changes the protocol")),
            (StatusCode::OK, StreamKind::H2c) => Err(self.strange("it changes no protocol")),
            _ => Ok(Reply::Http(answer::relayed(response))),
        }
    }

    fn strange(&self, what: &'static str) -> GuardError {
        GuardError::Strange {
            upstream: self.pool.upstream().to_string(),
            what,
        }
    }
}

impl Backend for Guard {
    fn objects(&self) -> &dyn Objects {
        &Unknown
    }

    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply> {
        Box::pin(async move {
            let id = request.admitted.id().to_owned();
            let operation = request.admitted.call().operation();
            self.pass_on(request).await.unwrap_or_else(|error| {
                tracing::warn!(%operation, call = id, %error, "a call was not passed on");
                error.into_reply()
            })
        })
    }
}
