//! Connecting: `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix://PATH` and their like.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection to a log service.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Udp(UdpSocket),
    Unix(UnixStream),
    Datagram(UnixDatagram),
}

/// `scheme://rest` in its two halves.
pub(crate) fn split(address: &str) -> (&str, &str) {
    address.split_once("://").unwrap_or(("", address))
}

/// Host and port, with a default for the port.
pub(crate) fn host_port(text: &str, default: u16) -> io::Result<(String, u16)> {
    let text = text.split('/').next().unwrap_or_default();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port.filter(|port| !port.is_empty()) {
        None => default,
        Some(port) => port
            .parse()
            .map_err(|_port| io::Error::other(format!("address {text}: invalid port")))?,
    };
    Ok((host.to_owned(), port))
}

/// The addresses of a host, IPv4 first.
fn lookup(host: &str) -> io::Result<Vec<IpAddr>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(lockgate_enroll::lookup(host))
        .map_err(io::Error::other)
}

impl Wire {
    /// Connects as Go's `net.Dial` does, with its words for failures.
    pub(crate) fn dial(network: &str, host: &str, port: u16) -> io::Result<Self> {
        let mut last = None;
        for address in lookup(host)? {
            let address = SocketAddr::new(address, port);
            match Self::dial_one(network, address) {
                Ok(wire) => return Ok(wire),
                Err(error) => {
                    last = Some(in_go(&format!("dial {network} {address}: connect"), &error));
                }
            }
        }
        Err(last
            .unwrap_or_else(|| io::Error::other(format!("dial {network}: {host} has no address"))))
    }

    fn dial_one(network: &str, address: SocketAddr) -> io::Result<Self> {
        if network == "tcp" {
            let stream = TcpStream::connect_timeout(&address, CONNECT)?;
            return Ok(Self::Tcp(stream));
        }
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => ([0_u8; 4], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        Ok(Self::Udp(socket))
    }

    /// Connects to a unix socket of either kind.
    pub(crate) fn dial_unix(network: &str, path: &str) -> io::Result<Self> {
        let failed = |error: io::Error| in_go(&format!("dial {network} {path}: connect"), &error);
        if network == "unixgram" {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path).map_err(failed)?;
            return Ok(Self::Datagram(socket));
        }
        Ok(Self::Unix(UnixStream::connect(path).map_err(failed)?))
    }

    /// Sends one message whole.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
            Self::Udp(socket) => match socket.send(bytes) {
                // That nobody listens was the answer to an earlier datagram.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
                sent => sent.map(drop),
            },
            Self::Datagram(socket) => socket.send(bytes).map(drop),
        }
    }

    /// Bounds how long one write may take.
    pub(crate) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(timeout),
            Self::Unix(stream) => stream.set_write_timeout(timeout),
            Self::Udp(_) | Self::Datagram(_) => Ok(()),
        }
    }
}

/// A failure in the words of Go: `dial tcp 127.0.0.1:1: connect: connection refused`.
pub(crate) fn in_go(what: &str, error: &io::Error) -> io::Error {
    let reason = match error.raw_os_error() {
        Some(_) => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase()
        }
        None if error.kind() == io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        None => error.to_string(),
    };
    io::Error::other(format!("{what}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("1.2.3.4:55", "1.2.3.4", 55),
            ("name", "name", 514),
            ("[::1]:5", "::1", 5),
            ("[::1]", "::1", 514),
            ("h:7/path", "h", 7),
        ] {
            assert_eq!(
                host_port(text, 514).unwrap(),
                (host.to_owned(), port),
                "{text}"
            );
        }
        host_port("h:x", 514).unwrap_err();
    }

    #[test]
    fn a_refused_connection_reads_as_in_go() {
        let error = Wire::dial("tcp", "127.0.0.1", 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "dial tcp 127.0.0.1:1: connect: connection refused"
        );
    }
}
