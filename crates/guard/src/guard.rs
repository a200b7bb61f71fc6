//! The backend.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Response, StatusCode};
use lockgate_access::Admitted;
use lockgate_api::{BodyUse, Call, Operation, StreamKind};
use lockgate_gate::{Backend, Body, LookUp, Reply, Request, UpgradeTo, websocket};

use crate::error::GuardError;
use crate::flow::Flow;
use crate::lookup::{Execs, Looker};
use crate::mark::{self, Known};
use crate::narrow::{self, Narrowing};
use crate::patch::Patches;
use crate::pool::{Effect, Pool};
use crate::rewrite::{self, Outgoing};
use crate::upstream::Upstream;
use crate::{answer, implied, inquire, prepare, relay};

/// A daemon behind the door, as the gate's backend.
#[derive(Debug)]
pub struct Guard {
    looker: Looker,
    patches: Patches,
}

impl Guard {
    /// A guard before the daemon at `upstream`. It need not run yet.
    /// Who prepared which exec is kept in the file `execs`.
    pub fn new(upstream: Upstream, patches: Patches, execs: &Path) -> io::Result<Self> {
        let looker = Looker {
            pool: Pool::new(upstream),
            execs: Execs::open(execs)?,
        };
        Ok(Self { looker, patches })
    }

    fn pool(&self) -> &Pool {
        &self.looker.pool
    }

    async fn pass_on(&self, request: Request) -> Result<Reply, GuardError> {
        let Request {
            admitted,
            head,
            body,
            found,
        } = request;
        let (call, view) = (admitted.call(), admitted.view());
        let known = Known {
            operation: call.operation(),
            found: found.as_deref(),
            owner: view.owner.as_deref(),
            controlled: &view.controlled,
        };
        if let Some(done) = prepare::is_there(call, known)? {
            return Ok(Reply::Http(done));
        }
        let narrowing = narrow::how(call, view)?;
        if let (Narrowing::Prune, Some(scope)) = (narrowing, &view.scope) {
            let (status, report) = narrow::prune(self.pool(), call, scope).await?;
            return Ok(Reply::Http(answer::json(status, report)));
        }
        let body = self.patches.apply(self.pool(), call, body).await?;
        let mut query = narrow::query(call, narrowing);
        let judged = admitted.body().bytes();
        let implied = implied::by(self.pool(), known, judged).await?;
        let marked = mark::body(known, &implied, judged)?;
        prepare::query(known, &mut query)?;
        prepare::volumes(self.pool(), view, marked.volumes).await?;
        let outgoing = Outgoing {
            call,
            query: &query,
            json: marked.body,
        };
        let response = self.send(outgoing, &head, body).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.stream(call, &head, response);
        }
        if response.status() == StatusCode::OK && call.route().stream == StreamKind::H2c {
            return Err(self.strange("it changes no protocol"));
        }
        if call.operation() == Operation::ContainerExec {
            return self.exec(&admitted, response).await.map(Reply::Http);
        }
        narrow::answer(self.pool(), call, (view, narrowing), response)
            .await
            .map(Reply::Http)
    }

    async fn send(
        &self,
        outgoing: Outgoing<'_>,
        head: &Parts,
        body: Body,
    ) -> Result<Response<Flow>, GuardError> {
        let operation = outgoing.call.operation();
        if operation == Operation::ContainerAttachWebsocket {
            websocket::accept(&head.headers)?;
        }
        let effect = if operation.mutates() {
            Effect::Changes
        } else {
            Effect::Reads
        };
        let stream = outgoing.call.route().stream;
        let request = rewrite::request(outgoing, head, body)?;
        let response = self.pool().send(request, effect).await?;
        Ok(match stream {
            StreamKind::None => response.map(Flow::in_one),
            StreamKind::Down | StreamKind::H2c | StreamKind::Hijack => response,
        })
    }

    /// The connection becomes what the call asked for, and nothing else.
    fn stream(
        &self,
        call: &Call,
        head: &Parts,
        response: Response<Flow>,
    ) -> Result<Reply, GuardError> {
        let protocol = match call.route().stream {
            StreamKind::Hijack if call.operation() == Operation::ContainerAttachWebsocket => {
                let accept = websocket::accept(&head.headers)?;
                let answered = response.headers().get(http::header::SEC_WEBSOCKET_ACCEPT);
                if answered.is_none_or(|answered| answered != accept.as_str()) {
                    return Err(self.strange("it is no WebSocket"));
                }
                UpgradeTo::WebSocket { accept }
            }
            StreamKind::Hijack => UpgradeTo::Tcp,
            StreamKind::H2c => UpgradeTo::H2c,
            StreamKind::Down | StreamKind::None => {
                return Err(self.strange("it changes the protocol"));
            }
        };
        Ok(relay::hijack(response, protocol))
    }

    /// Remembers whose an exec is.
    async fn exec(
        &self,
        admitted: &Admitted,
        response: Response<Flow>,
    ) -> Result<Response<Body>, GuardError> {
        let (head, body) = response.into_parts();
        let whole: Bytes = inquire::whole(self.pool(), body).await?;
        let made: serde_json::Value = serde_json::from_slice(&whole).unwrap_or_default();
        if let (Some(id), Some(owner)) = (
            made.get("Id").and_then(serde_json::Value::as_str),
            &admitted.view().owner,
        ) {
            self.looker.execs.made(id, owner);
        }
        let response = Response::from_parts(head, ());
        Ok(answer::with(response, |()| {
            lockgate_gate::body::full(whole)
        }))
    }

    fn strange(&self, what: &'static str) -> GuardError {
        GuardError::Strange {
            upstream: self.pool().upstream().to_string(),
            what,
        }
    }
}

impl Backend for Guard {
    fn look_up(&self) -> Option<&dyn LookUp> {
        Some(&self.looker)
    }

    /// Who leaves a pull, a push, a build or a copy ends it: the daemon behind sees that, as it would without a door.
    fn finishes(&self, call: &Call) -> bool {
        let flows = call.route().stream == StreamKind::Down || call.body() == BodyUse::Stream;
        call.operation().mutates() && !flows
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
