//! From an endpoint to a connected byte stream.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::error::ClientError;
use super::target::{Address, Endpoint, SshTarget};
use super::tls::TlsConnector;
use crate::config::go_error;

/// Any connection to a daemon.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// How long a TCP connection and its handshake may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens connections to one endpoint.
#[derive(Debug)]
pub(super) struct Dialer {
    endpoint: Endpoint,
    tls: Option<Arc<TlsConnector>>,
}

impl Dialer {
    /// Reads the TLS files once.
    pub(super) fn new(endpoint: Endpoint) -> Result<Self, String> {
        let tls = match &endpoint.tls {
            Some(files) => Some(Arc::new(TlsConnector::new(files)?)),
            None => None,
        };
        Ok(Self { endpoint, tls })
    }

    /// The endpoint.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The TLS side, to explain what went wrong on it.
    pub(super) fn tls(&self) -> Option<&TlsConnector> {
        self.tls.as_deref()
    }

    /// Connects. `request` is what messages say was being done.
    pub(super) async fn dial(&self, request: &str) -> Result<Box<dyn Wire>, ClientError> {
        match &self.endpoint.address {
            Address::Unix(path) => self.dial_unix(path, request).await,
            Address::Tcp { host, port, .. } => {
                let late = || ClientError::Connect {
                    request: request.to_owned(),
                    reason: format!("dial tcp {host}:{port}: i/o timeout"),
                };
                timeout(PATIENCE, self.dial_tcp(host, *port, request))
                    .await
                    .unwrap_or_else(|_elapsed| Err(late()))
            }
            Address::Ssh(target) => {
                let pipe = SshPipe::start(target).map_err(|error| ClientError::Connect {
                    request: request.to_owned(),
                    reason: format!("exec: \"ssh\": {}", go_error(&error)),
                })?;
                Ok(Box::new(pipe))
            }
        }
    }

    async fn dial_unix(&self, path: &Path, request: &str) -> Result<Box<dyn Wire>, ClientError> {
        match UnixStream::connect(path).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(ClientError::Permission {
                    path: path.display().to_string(),
                    request: request.to_owned(),
                })
            }
            Err(_) => Err(ClientError::NotRunning {
                url: self.endpoint.url.clone(),
            }),
        }
    }

    async fn dial_tcp(
        &self,
        host: &str,
        port: u16,
        request: &str,
    ) -> Result<Box<dyn Wire>, ClientError> {
        let failed = |reason: String| ClientError::Connect {
            request: request.to_owned(),
            reason,
        };
        let addresses = lockgate_enroll::lookup(host)
            .await
            .map_err(|e| failed(format!("dial tcp: {e}")))?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect((address, port)).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return self.secure(stream, host, request).await;
                }
                Err(error) => last = Some((address, error)),
            }
        }
        Err(match last {
            Some((_, error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning {
                    url: self.endpoint.url.clone(),
                }
            }
            Some((address, error)) => failed(format!(
                "dial tcp {address}:{port}: connect: {}",
                go_error(&error)
            )),
            None => failed(format!("dial tcp: lookup {host}: no addresses")),
        })
    }

    async fn secure(
        &self,
        stream: TcpStream,
        host: &str,
        request: &str,
    ) -> Result<Box<dyn Wire>, ClientError> {
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        match tls.connect(host, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(trouble) => Err(ClientError::Tls {
                request: request.to_owned(),
                trouble,
            }),
        }
    }
}

/// The two pipes of an ssh process as one stream; shutting it down closes ssh's stdin.
struct SshPipe {
    // Held so that the process ends with the connection.
    _process: Child,
    from: ChildStdout,
    to: Option<ChildStdin>,
}

impl SshPipe {
    fn start(target: &SshTarget) -> io::Result<Self> {
        let mut command = Command::new("ssh");
        command.args(["-o", "ConnectTimeout=30", "-T"]);
        if let Some(user) = &target.user {
            command.args(["-l", user]);
        }
        if let Some(port) = target.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &target.host, "docker"]);
        if let Some(socket) = &target.socket {
            command.args(["--host", &format!("unix://{socket}")]);
        }
        command.args(["system", "dial-stdio"]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("no pipe to ssh");
        let from = process.stdout.take().ok_or_else(missing)?;
        let to = Some(process.stdin.take().ok_or_else(missing)?);
        Ok(Self {
            _process: process,
            from,
            to,
        })
    }
}

impl AsyncRead for SshPipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.from).poll_read(cx, buffer)
    }
}

impl AsyncWrite for SshPipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.to {
            Some(to) => Pin::new(to).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.to {
            Some(to) => Pin::new(to).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.to = None;
        Poll::Ready(Ok(()))
    }
}
