//! Sockets to listen on, and the loop that accepts under caps.

mod accept;
mod group;
mod host;
mod unix;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use lockgate_types::ErrorKind;
use rustix::net::AddressFamily;
use tokio::net::{TcpListener, UnixListener};

pub use accept::tune;
pub(crate) use accept::{Shared, accept};
pub use host::{Host, HostError};
use unix::SocketFile;

/// One socket that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: Socket,
    /// What the log calls it.
    pub(crate) name: String,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
pub(crate) enum Socket {
    Tcp { listener: TcpListener, tls: bool },
    Unix(UnixListener),
}

/// Why the door cannot open.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A network address without TLS.
    #[error(
        "{host} without TLS would give everybody who reaches it root on this machine; run with \
         --tlsverify --tlscacert CA --tlscert CERT --tlskey KEY (`lockgate ca quick` makes them)"
    )]
    NoTls {
        /// The address.
        host: String,
    },
    /// Plain TCP beyond this machine.
    #[error("--insecure-tcp-loopback-only allows 127.0.0.1 and ::1, not {host}")]
    NotLoopback {
        /// The address.
        host: String,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {address}")]
    Socket {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// There is something else in the socket's place.
    #[error("{path} exists and is no socket")]
    NoSocket {
        /// Where.
        path: PathBuf,
    },
    /// Somebody serves this socket.
    #[error("{path} is in use by a running process")]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The group of the socket does not exist.
    #[error("there is no group `{0}`; run `groupadd {0}`, or name another with --group")]
    NoGroup(String),
    /// `fd://` without sockets from a service manager.
    #[error(
        "no sockets were handed over for fd://{0}; start through a systemd socket unit, or use unix:// or tcp://"
    )]
    NoDescriptors(String),
    /// A handed-over descriptor that is no listening socket of a kind that is served.
    #[error("descriptor {0} that was handed over is no stream socket for unix or TCP")]
    BadDescriptor(usize),
    /// Nowhere to listen.
    #[error("there is no address to listen on; name one with --host")]
    Nowhere,
}

impl BindError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse { .. } => ErrorKind::Conflict,
            Self::Socket { .. } => ErrorKind::Unavailable,
            Self::BadDescriptor(_)
            | Self::NoDescriptors(_)
            | Self::NoGroup(_)
            | Self::NoSocket { .. }
            | Self::NoTls { .. }
            | Self::NotLoopback { .. }
            | Self::Nowhere => ErrorKind::InvalidInput,
        }
    }
}

/// The group that may open the unix sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketGroup {
    /// This one, by name or number; it is an error if it does not exist.
    Named(String),
    /// This one if it exists, else only the owner.
    IfExists(String),
}

impl SocketGroup {
    /// The number of the group, `None` if there is none to give the socket to.
    pub fn number(&self) -> Result<Option<u32>, BindError> {
        match self {
            Self::Named(name) => group::find(name)
                .map(Some)
                .ok_or_else(|| BindError::NoGroup(name.clone())),
            Self::IfExists(name) => Ok(group::find(name)),
        }
    }
}

/// What TCP sockets speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    Tls,
    LoopbackOnly,
    Missing,
}

/// Opens the sockets of one address, or takes over the one that is open.
pub(crate) fn bind(
    host: &Host,
    opened: Option<&std::net::TcpListener>,
    protection: Protection,
    group: Option<u32>,
) -> Result<Vec<Listener>, BindError> {
    match host {
        Host::Fd(name) => inherited(name.as_deref(), protection),
        Host::Tcp { ip, port } => {
            let address = tcp_address(*ip, *port, protection == Protection::Tls);
            let tls = protect(*ip, protection, &format!("tcp://{address}"))?;
            let socket = match opened {
                Some(socket) => socket.try_clone(),
                None => std::net::TcpListener::bind(address),
            };
            let socket = socket.and_then(|socket| {
                rustix::net::listen(&socket, BACKLOG)?;
                Ok(socket)
            });
            Ok(vec![tcp(socket, tls, format!("tcp://{address}"))?])
        }
        Host::Unix(path) => {
            let (listener, file) = unix::bind(path, group)?;
            let name = format!("unix://{}", path.display());
            let socket = nonblocking(listener, &name)?;
            Ok(vec![Listener {
                socket,
                name,
                _file: Some(file),
            }])
        }
    }
}

/// How many connections may wait to be accepted; the kernel's own limit is as much. The standard
/// library's 128 are full at once in a flood, and who is dropped there waits for a second.
const BACKLOG: i32 = 4096;

/// An address with Docker's port if it names none.
fn tcp_address(ip: IpAddr, port: Option<u16>, tls: bool) -> SocketAddr {
    let default = if tls { 2376 } else { 2375 };
    SocketAddr::new(ip, port.unwrap_or(default))
}

impl Host {
    /// The address of TCP, if it is one.
    pub fn tcp_address(&self, tls: bool) -> Option<SocketAddr> {
        match self {
            Self::Tcp { ip, port } => Some(tcp_address(*ip, *port, tls)),
            Self::Fd(_) | Self::Unix(_) => None,
        }
    }
}

/// Whether TLS is spoken on an address; an error if it must be and cannot.
fn protect(ip: IpAddr, protection: Protection, host: &str) -> Result<bool, BindError> {
    match protection {
        Protection::Tls => Ok(true),
        Protection::LoopbackOnly if ip.is_loopback() => Ok(false),
        Protection::LoopbackOnly => Err(BindError::NotLoopback {
            host: host.to_owned(),
        }),
        Protection::Missing => Err(BindError::NoTls {
            host: host.to_owned(),
        }),
    }
}

fn tcp(
    socket: io::Result<std::net::TcpListener>,
    tls: bool,
    name: String,
) -> Result<Listener, BindError> {
    let made = socket.and_then(|socket| {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    });
    match made {
        Ok(listener) => {
            let name = listener
                .local_addr()
                .map_or(name, |address| format!("tcp://{address}"));
            Ok(Listener {
                socket: Socket::Tcp { listener, tls },
                name,
                _file: None,
            })
        }
        Err(source) => Err(BindError::Socket {
            address: name,
            source,
        }),
    }
}

fn nonblocking(
    listener: std::os::unix::net::UnixListener,
    name: &str,
) -> Result<Socket, BindError> {
    listener
        .set_nonblocking(true)
        .and_then(|()| UnixListener::from_std(listener))
        .map(Socket::Unix)
        .map_err(|source| BindError::Socket {
            address: name.to_owned(),
            source,
        })
}

/// Sockets from the service manager. `fd://` is good for all of them, whatever their number.
fn inherited(wanted: Option<&str>, protection: Protection) -> Result<Vec<Listener>, BindError> {
    let label = wanted.unwrap_or_default().to_owned();
    let taken = lockgate_sys::socket::take_listen_fds().map_err(|source| BindError::Socket {
        address: format!("fd://{label}"),
        source,
    })?;
    let listeners = taken
        .into_iter()
        .enumerate()
        .filter(|(index, (name, _))| is_wanted(wanted, name, *index))
        .map(|(index, (name, fd))| adopt(index, &name, fd, protection))
        .collect::<Result<Vec<_>, _>>()?;
    if listeners.is_empty() {
        Err(BindError::NoDescriptors(label))
    } else {
        Ok(listeners)
    }
}

/// By name, or by number counted from 3 as the stock daemon does.
fn is_wanted(wanted: Option<&str>, name: &str, index: usize) -> bool {
    wanted.is_none_or(|wanted| wanted == name || wanted.parse() == Ok(index + 3))
}

fn adopt(
    index: usize,
    name: &str,
    fd: OwnedFd,
    protection: Protection,
) -> Result<Listener, BindError> {
    let bad = |_errno| BindError::BadDescriptor(index + 3);
    let name = format!("fd://{name}");
    match rustix::net::sockopt::socket_domain(&fd).map_err(bad)? {
        AddressFamily::UNIX => {
            let socket = nonblocking(fd.into(), &name)?;
            Ok(Listener {
                socket,
                name,
                _file: None,
            })
        }
        AddressFamily::INET | AddressFamily::INET6 => {
            let listener = std::net::TcpListener::from(fd);
            let address = listener.local_addr().map_err(|source| BindError::Socket {
                address: name.clone(),
                source,
            })?;
            let tls = protect(address.ip(), protection, &format!("{name} ({address})"))?;
            tcp(Ok(listener), tls, name)
        }
        _ => Err(BindError::BadDescriptor(index + 3)),
    }
}
