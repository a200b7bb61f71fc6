//! Connections.

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Target, wait};
use crate::note;

/// Accepts until the port is closed; its connections end with it.
pub(super) async fn run(listener: TcpListener, mut aimed: Target) {
    let mut connections = JoinSet::new();
    while wait(&mut aimed).await.is_some() {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let target = *aimed.borrow();
                    if let Some(target) = target {
                        connections.spawn(relay(client, target));
                    }
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    note(&format!("accept: {error}"));
                    // With no descriptors left, only time brings some back.
                    tokio::time::sleep(BREATH).await;
                }
            },
            // What has ended is forgotten.
            Some(_) = connections.join_next() => {}
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Copies both ways; a half that is closed on one side is closed on the other.
async fn relay(mut client: TcpStream, target: SocketAddrV4) {
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(target)).await;
    let Ok(Ok(mut container)) = connected else {
        return reset(&client);
    };
    for stream in [&client, &container] {
        // Costs a little speed at worst.
        drop(stream.set_nodelay(true));
    }
    if copy_bidirectional(&mut client, &mut container)
        .await
        .is_err()
    {
        reset(&client);
        reset(&container);
    }
}

/// Makes the end look like what it was: no answer, or a connection that broke.
fn reset(stream: &TcpStream) {
    // It is closed without it as well, only more politely.
    drop(stream.set_zero_linger());
}

/// A container on our own bridge answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(100);
