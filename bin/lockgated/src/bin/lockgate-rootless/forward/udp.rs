//! Datagrams: each client gets a socket of its own towards the container, so that answers find back.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::{AbortHandle, JoinSet};

use super::{Target, wait};
use crate::note;

/// A client that said something not long ago.
struct Flow {
    towards: Arc<UdpSocket>,
    answers: AbortHandle,
}

/// Relays until the port is closed.
pub(super) async fn run(socket: UdpSocket, mut aimed: Target) {
    let socket = Arc::new(socket);
    let mut flows: BTreeMap<SocketAddr, Flow> = BTreeMap::new();
    let mut answering: JoinSet<SocketAddr> = JoinSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    while let Some(target) = wait(&mut aimed).await {
        tokio::select! {
            received = socket.recv_from(&mut buffer) => {
                // An error here is an echo of an earlier answer that nobody took.
                let Ok((length, client)) = received else { continue };
                let datagram = buffer.get(..length).unwrap_or_default();
                if !flows.contains_key(&client) {
                    if flows.len() >= MAX_FLOWS {
                        continue;
                    }
                    match open(target).await {
                        Ok(towards) => {
                            let towards = Arc::new(towards);
                            let answers = answer(Arc::clone(&towards), Arc::clone(&socket), client);
                            let answers = answering.spawn(answers);
                            flows.insert(client, Flow { towards, answers });
                        }
                        Err(error) => note(&format!("udp: {error}")),
                    }
                }
                if let Some(flow) = flows.get(&client) {
                    // Datagrams may be lost; the container may not listen.
                    drop(flow.towards.send(datagram).await);
                }
            }
            Some(Ok(client)) = answering.join_next() => drop(flows.remove(&client)),
            changed = aimed.changed() => {
                if changed.is_err() {
                    return;
                }
                for flow in std::mem::take(&mut flows).into_values() {
                    flow.answers.abort();
                }
            }
        }
    }
}

async fn open(target: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect(target).await?;
    Ok(socket)
}

/// Brings answers back until there have been none for a while.
async fn answer(from: Arc<UdpSocket>, to: Arc<UdpSocket>, client: SocketAddr) -> SocketAddr {
    let mut buffer = vec![0; MAX_DATAGRAM];
    // A refusal is an error of this socket once; the next datagram may be taken.
    while let Ok(received) = tokio::time::timeout(IDLE, from.recv(&mut buffer)).await {
        if let Ok(length) = received {
            drop(
                to.send_to(buffer.get(..length).unwrap_or_default(), client)
                    .await,
            );
        }
    }
    client
}

/// As long as the kernel's own table remembers a stream of datagrams.
const IDLE: Duration = Duration::from_mins(2);
const MAX_DATAGRAM: usize = 65_535;
/// Each has a buffer of 64 KiB.
const MAX_FLOWS: usize = 1024;
