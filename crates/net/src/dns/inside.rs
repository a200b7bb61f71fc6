//! Sockets inside a container's namespace.
//!
//! Port 53 stays free there for whoever wants to serve names himself: the sockets have ports of
//! the kernel's choice, and two rules of the namespace's own lead from port 53 to them.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

use lockgate_sys::netns;

use super::SERVER;
use crate::bridge::namespace_error;
use crate::firewall::nft;
use crate::{FirewallError, NetError};

/// Where the queries of one container come in; both do not block.
#[derive(Debug)]
pub struct Sockets {
    /// Datagrams.
    pub udp: UdpSocket,
    /// Connections.
    pub tcp: TcpListener,
}

/// Opens the sockets in the namespace named `path`; those of an earlier daemon are forgotten.
pub fn open(path: &Path) -> Result<Sockets, NetError> {
    let failed = || namespace_error("cannot set up the container's name server");
    let namespace = netns::open(path).map_err(failed())?;
    let work = || -> Result<Sockets, Step> {
        let sockets = bind().map_err(Step::Socket)?;
        let udp = sockets.udp.local_addr().map_err(Step::Socket)?;
        let tcp = sockets.tcp.local_addr().map_err(Step::Socket)?;
        nft::run(&rules(udp, tcp)).map_err(Step::Rules)?;
        Ok(sockets)
    };
    match netns::run_in(namespace.as_fd(), work).map_err(failed())? {
        Ok(sockets) => Ok(sockets),
        Err(Step::Socket(error)) => Err(failed()(error)),
        Err(Step::Rules(error)) => Err(error.into()),
    }
}

/// A socket that asks a name server on the container's behalf: what the container cannot reach,
/// it cannot ask either.
pub fn forwarding_socket(path: &Path, server: SocketAddr) -> io::Result<UdpSocket> {
    let namespace = netns::open(path)?;
    netns::run_in(namespace.as_fd(), || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })?
}

/// The same for what does not fit a datagram. Blocks until it is connected.
pub fn forwarding_stream(
    path: &Path,
    server: SocketAddr,
    patience: Duration,
) -> io::Result<TcpStream> {
    let namespace = netns::open(path)?;
    netns::run_in(namespace.as_fd(), || {
        let stream = TcpStream::connect_timeout(&server, patience)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    })?
}

enum Step {
    Socket(io::Error),
    Rules(FirewallError),
}

fn bind() -> io::Result<Sockets> {
    let udp = UdpSocket::bind((SERVER, 0))?;
    let tcp = TcpListener::bind((SERVER, 0))?;
    udp.set_nonblocking(true)?;
    tcp.set_nonblocking(true)?;
    Ok(Sockets { udp, tcp })
}

fn rules(udp: SocketAddr, tcp: SocketAddr) -> String {
    format!(
        "add table ip {TABLE}\n\
         delete table ip {TABLE}\n\
         table ip {TABLE} {{\n\
         chain output {{\n\
         type nat hook output priority -100;\n\
         ip daddr {SERVER} udp dport 53 dnat to {udp}\n\
         ip daddr {SERVER} tcp dport 53 dnat to {tcp}\n\
         }}\n\
         }}\n"
    )
}

/// The table inside the container's namespace.
const TABLE: &str = "lockgate_dns";
