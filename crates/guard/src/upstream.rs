//! Where the other daemon listens.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::error::UpstreamError;
use crate::tls;
pub use crate::tls::UpstreamTls;

/// A daemon answers at once, or its backlog is full.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of a connection, and of the TLS on it.
const SILENT: &str = "it did not take the connection within 10 seconds";

/// Finds the addresses of a name. A static binary cannot ask libc.
pub type Resolve = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// A connection to the other daemon.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// The address of the daemon behind the door: `unix:///PATH`, or `tcp://HOST:PORT` with TLS.
///
/// Whoever can reach the upstream daemon by another way goes round this door. Of a socket one can
/// say who that is; over TCP the upstream has to ask for certificates, and ours is the only one.
#[derive(Clone)]
pub enum Upstream {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(Tcp),
}

/// A TCP address, and how it is believed.
#[derive(Clone)]
pub struct Tcp {
    host: String,
    port: u16,
    tls: Option<UpstreamTls>,
    resolve: Resolve,
}

impl Upstream {
    /// Reads an address. Plain TCP is for loopback addresses alone, and only if `insecure` says so.
    pub fn parse(
        text: &str,
        tls: Option<UpstreamTls>,
        insecure: bool,
        resolve: Resolve,
    ) -> Result<Self, UpstreamError> {
        if let Some(path) = text.strip_prefix("unix://") {
            return match tls {
                Some(_) => Err(UpstreamError::NoTls(text.to_owned())),
                None if path.starts_with('/') => Ok(Self::Unix(PathBuf::from(path))),
                None => Err(UpstreamError::Relative(text.to_owned())),
            };
        }
        let Some(address) = text.strip_prefix("tcp://") else {
            return Err(UpstreamError::Scheme(text.to_owned()));
        };
        let bad = || UpstreamError::Address(text.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().map_err(|_no_number| bad())?;
        ServerName::try_from(host).map_err(|_no_name| bad())?;
        let is_loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match &tls {
            Some(tls) => drop(tls.load()?),
            None if insecure && is_loopback => {}
            None => return Err(UpstreamError::Plain(text.to_owned())),
        }
        Ok(Self::Tcp(Tcp {
            host: host.to_owned(),
            port,
            tls,
            resolve,
        }))
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let connecting = async {
            match self {
                Self::Unix(path) => {
                    Ok(Box::new(UnixStream::connect(path).await?) as Box<dyn Connection>)
                }
                Self::Tcp(tcp) => tcp.connect().await,
            }
        };
        tokio::time::timeout(PATIENCE, connecting)
            .await
            .unwrap_or_else(|_elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, SILENT)))
    }
}

impl Tcp {
    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let socket = self.dial().await?;
        // A stream may say nothing for days: that its daemon's host is gone has to be asked for.
        lockgate_gate::tune(&socket)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(socket));
        };
        // Read anew each time, so that a renewed certificate is used from the next connection on.
        let config = tls.load().map_err(io::Error::other)?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await
            .map_err(tls::explained)?;
        Ok(Box::new(stream))
    }

    /// The first address that answers.
    async fn dial(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.resolve)(self.host.clone()).await? {
            match TcpStream::connect(SocketAddr::new(address, self.port)).await {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(tcp) if tcp.host.contains(':') => {
                write!(f, "tcp://[{}]:{}", tcp.host, tcp.port)
            }
            Self::Tcp(tcp) => write!(f, "tcp://{}:{}", tcp.host, tcp.port),
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({self})")
    }
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tcp({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, insecure: bool) -> Result<String, UpstreamError> {
        let nowhere: Resolve = Arc::new(|_| Box::pin(async { Ok(Vec::new()) }));
        Upstream::parse(text, None, insecure, nowhere).map(|upstream| upstream.to_string())
    }

    #[test]
    fn an_address_is_an_absolute_unix_socket_or_tcp() {
        let docker = "unix:///var/run/docker.sock";
        assert_eq!(parse(docker, false).as_deref(), Ok(docker));
        let wrong = |text: &str| parse(text, true).unwrap_err();
        assert!(matches!(wrong("unix://run/x"), UpstreamError::Relative(_)));
        for text in ["/var/run/docker.sock", "", "npipe:////./pipe/x"] {
            assert!(matches!(wrong(text), UpstreamError::Scheme(_)), "{text}");
        }
        for text in [
            "tcp://",
            "tcp://host",
            "tcp://:1",
            "tcp://host:x",
            "tcp://a b:1",
        ] {
            assert!(matches!(wrong(text), UpstreamError::Address(_)), "{text}");
        }
    }

    #[test]
    fn tcp_without_tls_is_for_loopback_and_only_when_asked_for() {
        assert_eq!(
            parse("tcp://127.0.0.1:2375", true).as_deref(),
            Ok("tcp://127.0.0.1:2375")
        );
        assert_eq!(
            parse("tcp://[::1]:2375", true).as_deref(),
            Ok("tcp://[::1]:2375")
        );
        for (text, insecure) in [
            ("tcp://127.0.0.1:2375", false),
            ("tcp://192.0.2.1:2375", true),
            ("tcp://localhost:2375", true),
        ] {
            let refused = parse(text, insecure).unwrap_err();
            assert!(matches!(refused, UpstreamError::Plain(_)), "{text}");
        }
    }
}
