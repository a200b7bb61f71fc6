//! The call into the backend, such that neither a vanished client nor a panic leaves a mess.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use lockgate_access::{Facts, Objects};
use lockgate_api::Call;

use super::Door;
use crate::backend::{Backend, Reply, Request};
use crate::identity::Peer;
use crate::rescue::Refused;
use crate::settle::settle;

/// What the judge has to know and the backend has to ask somebody for.
pub(super) async fn what_exists(
    door: &Door,
    peer: &Peer,
    call: &Call,
    facts: &Facts,
) -> Result<Option<Arc<dyn Objects>>, Refused> {
    let Some(look_up) = door.backend.look_up() else {
        return Ok(None);
    };
    let wanted = door.access.wanted(&peer.principal, call, facts);
    if wanted.is_empty() {
        return Ok(None);
    }
    Ok(Some(look_up.find(wanted).await?))
}

/// Asks the backend. What it finishes even when the client leaves runs in a task of its own; the rest
/// is dropped with the client.
pub(super) async fn backend(backend: Arc<dyn Backend>, request: Request) -> Result<Reply, Refused> {
    let operation = request.admitted.call().operation();
    let is_finished = backend.finishes(request.admitted.call());
    let serve = async move { backend.serve(request).await };
    let reply = if is_finished {
        tokio::spawn(settle(serve))
            .await
            .map_err(|error| error.to_string())
    } else {
        AssertUnwindSafe(serve)
            .catch_unwind()
            .await
            .map_err(|_payload| "panic".to_owned())
    };
    reply.map_err(|error| {
        tracing::error!(operation = operation.name(), error, "THE BACKEND PANICKED");
        Refused::Internal
    })
}
