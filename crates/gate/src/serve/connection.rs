//! One connection, from its identity to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lockgate_access::Refusal;
use tokio::sync::watch;

use super::{Door, Visit, handle};
use crate::identity::Peer;
use crate::transport::Transport;
use crate::wire::Wire;

/// Serves requests until the client leaves, the identity ends or the daemon stops. A stream that
/// the connection has become goes on in its own task.
pub(crate) async fn connection(
    door: Arc<Door>,
    transport: Transport,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
    is_trusted: impl FnOnce(&Peer) -> bool,
) {
    let name = Arc::clone(&peer.name);
    let who = peer.principal.get().to_string();
    let Some(guest) = door.registry.enter(peer, &door.limits) else {
        return too_many(&door, &name, &who);
    };
    let live = Arc::clone(guest.live());
    // A reload while hands were shaken did not see this connection: it was not entered yet.
    if !is_trusted(&live.peer) {
        return distrusted(&door, &name, &who);
    }
    let _counted = door.metrics.connection(transport.word());
    let (wire, link) = Wire::new(transport, Arc::clone(&door.limits));
    let visit = Arc::new(Visit { door, guest, link });
    let service = service_fn(move |request| {
        let visit = Arc::clone(&visit);
        async move { Ok::<_, Infallible>(handle(&visit, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .title_case_headers(true)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades()
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(peer = %name, error = %error, "connection broke off");
                }
                return;
            }
            () = live.ended() => {
                tracing::info!(peer = %name, who, "connection ended from inside");
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn too_many(door: &Door, name: &str, who: &str) {
    door.metrics.refused("too_many_connections");
    let detail = format!("{who} has too many connections");
    tracing::warn!(peer = name, who, "too many connections of one identity");
    door.access.refused(&Refusal {
        peer: name,
        identity: None,
        reason: "too_many_connections",
        detail: &detail,
    });
}

fn distrusted(door: &Door, name: &str, who: &str) {
    let detail = format!("the certificate of {who} was withdrawn during the handshake");
    tracing::warn!(
        peer = name,
        who,
        "certificate withdrawn during the handshake"
    );
    door.access.refused(&Refusal {
        peer: name,
        identity: None,
        reason: "revoked_certificate",
        detail: &detail,
    });
}
