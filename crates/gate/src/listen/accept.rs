//! The loop that accepts, and what happens to a connection before it has an identity.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use lockgate_access::{Principal, Refusal};
use rustix::net::sockopt;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::{Listener, Socket};
use crate::crowd::{Crowd, Ticket};
use crate::identity::Peer;
use crate::serve::{Door, connection};
use crate::settle::settle;
use crate::tls::{TlsState, shake_hands};
use crate::transport::Transport;

/// A pause after a failed accept: with no descriptors left, only time brings some back.
const BREATH: Duration = Duration::from_millis(100);
/// A peer that vanished without a word is noticed after about a minute.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What the accept loops share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) door: Arc<Door>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) tls: Arc<ArcSwapOption<TlsState>>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Accepts until told to stop.
pub(crate) async fn accept(listener: Listener, shared: Shared) {
    let mut stop = shared.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok(Fresh::Unix(socket)) => local(&shared, socket),
            Ok(Fresh::Tcp {
                socket,
                address,
                tls,
            }) => remote(&shared, socket, address, tls),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(listener = listener.name, error = %error, "cannot accept");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// A connection that nobody has spoken on.
enum Fresh {
    Tcp {
        socket: TcpStream,
        address: SocketAddr,
        tls: bool,
    },
    Unix(UnixStream),
}

impl Listener {
    async fn next(&self) -> io::Result<Fresh> {
        match &self.socket {
            Socket::Tcp { listener, tls } => {
                let (socket, address) = listener.accept().await?;
                Ok(Fresh::Tcp {
                    socket,
                    address,
                    tls: *tls,
                })
            }
            Socket::Unix(listener) => Ok(Fresh::Unix(listener.accept().await?.0)),
        }
    }
}

/// The client was gone before it was accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn local(shared: &Shared, socket: UnixStream) {
    let door = &shared.door;
    let ticket = match shared.crowd.enter(None, &door.limits) {
        Ok(ticket) => ticket,
        Err(full) => return refused(shared, "unix", "too_many_connections", &full.to_string()),
    };
    match Peer::of_unix(&socket) {
        Ok(peer) => spawn(shared, Transport::Unix(socket), peer, ticket),
        Err(error) => refused(shared, "unix", "no_credentials", &error.to_string()),
    }
}

fn remote(shared: &Shared, socket: TcpStream, address: SocketAddr, tls: bool) {
    let door = &shared.door;
    let mut ticket = match shared.crowd.enter(Some(address.ip()), &door.limits) {
        Ok(ticket) => ticket,
        Err(full) => {
            return refused(
                shared,
                &address.to_string(),
                "too_many_connections",
                &full.to_string(),
            );
        }
    };
    if let Err(error) = tune(&socket) {
        tracing::debug!(peer = %address, error = %error, "cannot tune the socket");
    }
    if !tls {
        ticket.identified();
        return spawn(
            shared,
            Transport::Tcp(socket),
            Peer::of_loopback(address),
            ticket,
        );
    }
    let Some(state) = shared.tls.load_full() else {
        return refused(shared, &address.to_string(), "no_tls", "TLS is not set up");
    };
    tokio::spawn(greet(shared.clone(), state, socket, address, ticket));
}

/// Handshakes, then serves.
async fn greet(
    shared: Shared,
    state: Arc<TlsState>,
    socket: TcpStream,
    address: SocketAddr,
    mut ticket: Ticket,
) {
    let limit = shared.door.limits.handshake;
    match shake_hands(Arc::clone(&state), socket, address, limit).await {
        Ok(shaken) => {
            ticket.identified();
            shared.door.metrics.handshake("ok");
            if let Principal::Certificate(certificate) = shaken.peer.principal.get() {
                let registry = &shared.door.registry;
                registry.note_seen(&certificate.serial, address.ip());
            }
            let now = Arc::clone(&shared.tls);
            let is_trusted = move |peer: &Peer| {
                now.load()
                    .as_ref()
                    .is_some_and(|now| Arc::ptr_eq(now, &state) || now.still_trusts(&peer.chain))
            };
            serve(&shared, shaken.transport, shaken.peer, ticket, is_trusted).await;
        }
        Err(refusal) => {
            let detail = refusal.to_string();
            shared.door.metrics.handshake(refusal.word());
            refused(&shared, &address.to_string(), refusal.word(), &detail);
        }
    }
}

fn spawn(shared: &Shared, transport: Transport, peer: Peer, ticket: Ticket) {
    let shared = shared.clone();
    tokio::spawn(async move { serve(&shared, transport, peer, ticket, |_| true).await });
}

async fn serve(
    shared: &Shared,
    transport: Transport,
    peer: Peer,
    ticket: Ticket,
    is_trusted: impl FnOnce(&Peer) -> bool,
) {
    let door = Arc::clone(&shared.door);
    let stop = shared.stop.clone();
    settle(connection(door, transport, peer, stop, is_trusted)).await;
    drop(ticket);
}

/// Makes a connection send at once, and end a minute after its other end was lost without a word.
pub fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let fd = socket.as_fd();
    sockopt::set_socket_keepalive(fd, true)?;
    sockopt::set_tcp_keepidle(fd, KEEPALIVE)?;
    sockopt::set_tcp_keepintvl(fd, KEEPALIVE)?;
    sockopt::set_tcp_keepcnt(fd, 3)?;
    Ok(())
}

/// Records that a stranger was refused, if there are not too many of them.
fn refused(shared: &Shared, peer: &str, reason: &'static str, detail: &str) {
    shared.door.metrics.refused(reason);
    let Some(suppressed) = shared.crowd.may_record() else {
        return;
    };
    let access = &shared.door.access;
    if suppressed > 0 {
        tracing::warn!(suppressed, "refusals were too many to record");
        let detail = format!("{suppressed} refusals before this one were not recorded");
        access.refused(&Refusal {
            peer,
            identity: None,
            reason: "flood",
            detail: &detail,
        });
    }
    tracing::warn!(peer, reason, detail, "connection refused");
    access.refused(&Refusal {
        peer,
        identity: None,
        reason,
        detail,
    });
}
