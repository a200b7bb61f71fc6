//! The call into the backend, such that neither a vanished client nor a panic leaves a mess.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use lockgate_api::Operation;

use crate::backend::{Backend, Reply, Request};
use crate::rescue::Refused;

/// Asks the backend. What changes something runs in a task of its own and is finished even when
/// the client leaves; what only reads is dropped with the client.
pub(super) async fn backend(
    backend: Arc<dyn Backend>,
    request: Request,
    operation: Operation,
) -> Result<Reply, Refused> {
    let serve = async move { backend.serve(request).await };
    let reply = if operation.mutates() {
        tokio::spawn(serve).await.map_err(|error| error.to_string())
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
