//! From a TCP connection to a TLS client with a certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{TlsRefusal, TlsState};
use crate::identity::Peer;
use crate::transport::Transport;

/// What the stock daemon says too; without a header, because whoever sees it looks with their eyes.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 48\r\nConnection: close\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// The first byte of a TLS record that may open a connection.
const HANDSHAKE_RECORD: u8 = 0x16;

/// How long the answer to plain HTTP may take.
const LINGER: Duration = Duration::from_secs(1);

/// A connection with its client.
#[derive(Debug)]
pub(crate) struct Shaken {
    pub(crate) transport: Transport,
    pub(crate) peer: Peer,
}

/// Waits for the client's part of the handshake, at most `limit`.
pub(crate) async fn shake_hands(
    tls: Arc<TlsState>,
    socket: TcpStream,
    address: SocketAddr,
    limit: Duration,
) -> Result<Shaken, TlsRefusal> {
    tokio::time::timeout(limit, shake(tls, socket, address))
        .await
        .unwrap_or(Err(TlsRefusal::Timeout))
}

async fn shake(
    tls: Arc<TlsState>,
    socket: TcpStream,
    address: SocketAddr,
) -> Result<Shaken, TlsRefusal> {
    let mut first = [0_u8; 1];
    match socket.peek(&mut first).await {
        Ok(1) if first == [HANDSHAKE_RECORD] => {}
        Ok(1) if first.first().is_some_and(u8::is_ascii_uppercase) => {
            // Whether the answer arrives is the client's business.
            let answer = tokio::time::timeout(LINGER, answer_in_plain(socket));
            drop(answer.await);
            return Err(TlsRefusal::PlainHttp);
        }
        Ok(1) => return Err(TlsRefusal::Garbage("not a TLS handshake".to_owned())),
        Ok(_) | Err(_) => return Err(TlsRefusal::BrokeOff),
    }
    let stream = TlsAcceptor::from(Arc::clone(&tls.config))
        .accept(socket)
        .await
        .map_err(|error| TlsRefusal::of(&error))?;
    let peer = Peer::of_tls(address, stream.get_ref().1.peer_certificates())
        .map_err(|_unreadable| TlsRefusal::NoCertificate)?;
    Ok(Shaken {
        transport: Transport::Tls(Box::new(stream)),
        peer,
    })
}

/// Answers without looking at what was asked; reads it away so that the answer arrives.
async fn answer_in_plain(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(NOT_TLS).await?;
    socket.shutdown().await?;
    let mut rest = [0_u8; 4096];
    for _ in 0..16 {
        if socket.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}
