//! One published port: what comes to a socket in the host's network goes to a container.

mod tcp;
mod udp;

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use lockgate_net::Protocol;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A port that is open; closed when dropped, with all that goes through it.
#[derive(Debug)]
pub(crate) struct Forward {
    target: watch::Sender<Option<SocketAddrV4>>,
    task: JoinHandle<()>,
}

/// Where connections go, once somebody has said so.
type Target = watch::Receiver<Option<SocketAddrV4>>;

impl Forward {
    /// Listens; nothing is taken before a target is known. The socket must not block.
    pub(crate) fn start(proto: Protocol, socket: OwnedFd) -> io::Result<Self> {
        let (target, aimed) = watch::channel(None);
        let task = match proto {
            Protocol::Tcp => {
                let listener = tokio::net::TcpListener::from_std(socket.into())?;
                tokio::spawn(tcp::run(listener, aimed))
            }
            Protocol::Udp => {
                let socket = tokio::net::UdpSocket::from_std(socket.into())?;
                tokio::spawn(udp::run(socket, aimed))
            }
        };
        Ok(Self { target, task })
    }

    /// Sends what comes from now on to `target`.
    pub(crate) fn aim(&self, target: SocketAddrV4) {
        self.target.send_replace(Some(target));
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The target, waited for.
async fn wait(aimed: &mut Target) -> Option<SocketAddrV4> {
    *aimed.wait_for(Option::is_some).await.ok()?
}
