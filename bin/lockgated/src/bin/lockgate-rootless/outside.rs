//! The thread that stays in the host's network: it makes sockets there, and processes.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use lockgate_net::Protocol;
use lockgate_net::outside::Port;

use crate::way_out::has_route;

/// A way to have things made in the host's network.
#[derive(Clone, Debug)]
pub(crate) struct Outside(Sender<Job>);

type Job = Box<dyn FnOnce() + Send>;

impl Outside {
    /// Starts the thread, which stays where this one is now.
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, received) = channel::<Job>();
        thread::Builder::new()
            .name("outside".to_owned())
            .spawn(move || {
                for job in received {
                    job();
                }
            })?;
        Ok(Self(jobs))
    }

    /// Does `work` on the thread and waits for it.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (answer, answered) = channel();
        let job = move || {
            // Who no longer waits needs no answer.
            drop(answer.send(work()));
        };
        let gone = |_error| io::Error::other("the thread in the host's network has ended");
        self.0
            .send(Box::new(job))
            .map_err(|_error| io::Error::other("the thread in the host's network has ended"))?;
        answered.recv().map_err(gone)?
    }

    /// Starts a process.
    pub(crate) fn spawn(&self, mut command: Command) -> io::Result<Child> {
        self.run(move || command.spawn())
    }

    /// Whether the host has a default route.
    pub(crate) fn has_route(&self) -> io::Result<bool> {
        self.run(|| Ok(has_route()))
    }

    /// Binds a port, and listens if it is one of TCP.
    pub(crate) fn bind(&self, port: Port) -> io::Result<OwnedFd> {
        self.run(move || {
            let address = SocketAddr::V4(port.address);
            match port.proto {
                Protocol::Tcp => {
                    let listener = TcpListener::bind(address)?;
                    listener.set_nonblocking(true)?;
                    Ok(listener.into())
                }
                Protocol::Udp => {
                    let socket = UdpSocket::bind(address)?;
                    socket.set_nonblocking(true)?;
                    Ok(socket.into())
                }
            }
        })
    }
}

/// The host's first port that needs no privilege.
pub(crate) fn floor() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}
