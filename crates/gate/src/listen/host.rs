//! Addresses as `-H` takes them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// `fd://`: sockets that the service manager made; with a name, only those of that name.
    Fd(Option<String>),
    /// `tcp://ADDRESS[:PORT]`; without a port 2376, or 2375 without TLS.
    Tcp {
        /// The address.
        ip: IpAddr,
        /// The port, if one was given.
        port: Option<u16>,
    },
    /// `unix:///PATH`.
    Unix(PathBuf),
}

/// Why an address is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not a scheme that is listened on.
    #[error("`{0}` is no address to listen on; use unix:///PATH, tcp://ADDRESS:PORT or fd://")]
    Scheme(String),
    /// A unix socket needs an absolute path.
    #[error("`{0}` has no absolute path; write unix:///run/lockgate/lockgate.sock")]
    Path(String),
    /// Names are not looked up: what they resolve to may change behind a firewall's back.
    #[error("`{0}` is no IP address; write tcp://0.0.0.0:2376 for all addresses, or one of them")]
    Name(String),
    /// No port number.
    #[error("`{0}` has a port that is no number from 1 to 65535 (or 0 for any free one)")]
    Port(String),
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix://") {
            return unix(text, path);
        }
        if let Some(name) = text.strip_prefix("fd://") {
            let name = name.trim_end_matches('/');
            return Ok(Self::Fd(
                (!name.is_empty() && name != "*").then(|| name.to_owned()),
            ));
        }
        match (text.strip_prefix("tcp://"), text.contains("://")) {
            (Some(address), _) => tcp(text, address.trim_end_matches('/')),
            (None, false) if text.starts_with('/') => unix(text, text),
            (None, false) if !text.is_empty() => tcp(text, text),
            (None, _) => Err(HostError::Scheme(text.to_owned())),
        }
    }
}

fn unix(text: &str, path: &str) -> Result<Host, HostError> {
    if !path.starts_with('/') || path.ends_with('/') {
        return Err(HostError::Path(text.to_owned()));
    }
    Ok(Host::Unix(PathBuf::from(path)))
}

fn tcp(text: &str, address: &str) -> Result<Host, HostError> {
    if let Ok(address) = address.parse::<SocketAddr>() {
        return Ok(Host::Tcp {
            ip: address.ip(),
            port: Some(address.port()),
        });
    }
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(Host::Tcp { ip, port: None });
    }
    let (name, port) = match address.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (address, None),
    };
    let ip = match name {
        // What the stock daemon makes of no host.
        "" | "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        name => name
            .parse()
            .map_err(|_no_address| HostError::Name(text.to_owned()))?,
    };
    let port = port
        .map(|port| {
            port.parse()
                .map_err(|_no_number| HostError::Port(text.to_owned()))
        })
        .transpose()?;
    Ok(Host::Tcp { ip, port })
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fd(name) => write!(f, "fd://{}", name.as_deref().unwrap_or_default()),
            Self::Tcp {
                ip,
                port: Some(port),
            } => write!(f, "tcp://{}", SocketAddr::new(*ip, *port)),
            Self::Tcp { ip, port: None } => write!(f, "tcp://{ip}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Host>()
            .map_or_else(|error| error.to_string(), |host| host.to_string())
    }

    #[test]
    fn addresses_are_read_as_the_stock_daemon_reads_them() {
        assert_eq!(shown("unix:///run/x.sock"), "unix:///run/x.sock");
        assert_eq!(shown("/run/x.sock"), "unix:///run/x.sock");
        assert_eq!(shown("tcp://0.0.0.0:2376"), "tcp://0.0.0.0:2376");
        assert_eq!(shown("tcp://:2376"), "tcp://127.0.0.1:2376");
        assert_eq!(shown("tcp://localhost"), "tcp://127.0.0.1");
        assert_eq!(shown("tcp://[::1]:2376"), "tcp://[::1]:2376");
        assert_eq!(shown("tcp://[::]"), "tcp://::");
        assert_eq!(shown("10.0.0.1:2376"), "tcp://10.0.0.1:2376");
        assert_eq!(shown("fd://"), "fd://");
        assert_eq!(shown("fd://*"), "fd://");
        assert_eq!(shown("fd://api"), "fd://api");
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for bad in [
            "",
            "ssh://host",
            "http://x",
            "unix://rel",
            "unix:///",
            "tcp://host:2376",
            "tcp://1.2.3.4:x",
            "tcp://1.2.3.4:70000",
        ] {
            bad.parse::<Host>().unwrap_err();
        }
    }
}
