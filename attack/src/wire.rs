//! A connection that sends exactly what it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// Answers of streams are read so far.
const ENOUGH: usize = 1024 * 1024;

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection.
pub(crate) struct Wire {
    io: Box<dyn Stream>,
    socket: TcpStream,
    unread: Vec<u8>,
}

/// An answer; status 0 if the connection was closed instead.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (100..300).contains(&self.status)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The status, and what was said, for people.
    pub(crate) fn summary(&self) -> String {
        if self.status == 0 {
            return "connection closed".to_owned();
        }
        let json = self.json();
        let said = json["message"].as_str().or_else(|| json["cause"].as_str());
        let said: String = said.unwrap_or_default().chars().take(110).collect();
        format!("{} {said}", self.status).trim_end().to_owned()
    }
}

impl Wire {
    /// Without TLS.
    pub(crate) fn plain(address: SocketAddr) -> Result<Self> {
        let socket = connect(address)?;
        Ok(Self {
            io: Box::new(socket.try_clone()?),
            socket,
            unread: Vec::new(),
        })
    }

    /// Shakes hands; a server that speaks TLS 1.3 may refuse a certificate only afterwards.
    pub(crate) fn tls(address: SocketAddr, config: Arc<ClientConfig>) -> Result<Self> {
        let stream = shaken(address, config)?;
        Ok(Self {
            socket: stream.sock.try_clone()?,
            io: Box::new(stream),
            unread: Vec::new(),
        })
    }

    /// Shakes hands, reads what the server sends of itself afterwards, and says how it went.
    pub(crate) fn handshake_kind(
        address: SocketAddr,
        config: Arc<ClientConfig>,
    ) -> Result<Option<rustls::HandshakeKind>> {
        let mut stream = shaken(address, config)?;
        stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n")?;
        // Tickets come with the answer. A server that just closes has said what it had to say.
        drop(stream.read_to_end(&mut Vec::new()));
        Ok(stream.conn.handshake_kind())
    }

    /// The protocol that a handshake agrees on.
    pub(crate) fn negotiated(
        address: SocketAddr,
        config: Arc<ClientConfig>,
    ) -> Result<Option<Vec<u8>>> {
        let stream = shaken(address, config)?;
        Ok(stream.conn.alpn_protocol().map(<[u8]>::to_vec))
    }

    /// A server that has answered and closed need not take everything.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.io
            .write_all(bytes.as_ref())
            .and_then(|()| self.io.flush())
            .is_ok()
    }

    pub(crate) fn patience(&self, patience: Duration) -> Result<()> {
        Ok(self.socket.set_read_timeout(Some(patience))?)
    }

    /// Reads on; false at the end, or when nothing comes in time.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.io.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.unread
                    .extend_from_slice(buffer.get(..count).unwrap_or_default());
                true
            }
        }
    }

    /// Whether the server closes within the time.
    pub(crate) fn is_closed_within(&mut self, time: Duration) -> Result<bool> {
        let end = Instant::now() + time;
        self.patience(Duration::from_secs(1))?;
        while Instant::now() < end {
            let mut buffer = [0; 4096];
            match self.io.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Everything that comes until the server closes or falls silent.
    pub(crate) fn rest(&mut self, silence: Duration) -> Result<Vec<u8>> {
        self.patience(silence)?;
        while self.unread.len() < ENOUGH && self.more() {}
        Ok(std::mem::take(&mut self.unread))
    }

    /// The next answer.
    pub(crate) fn answer(&mut self, to_head: bool) -> Answer {
        let Some(end) = self.head_end() else {
            return Answer {
                status: 0,
                body: Vec::new(),
            };
        };
        let body = self.unread.split_off(end);
        let head = String::from_utf8_lossy(&std::mem::replace(&mut self.unread, body)).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        let body = if to_head || matches!(status, 101 | 204 | 304) {
            Vec::new()
        } else {
            self.body(&head.to_ascii_lowercase())
        };
        Answer { status, body }
    }

    fn head_end(&mut self) -> Option<usize> {
        loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                return Some(at + 4);
            }
            if self.unread.len() > ENOUGH || !self.more() {
                return None;
            }
        }
    }

    fn body(&mut self, head: &str) -> Vec<u8> {
        if head.contains("transfer-encoding: chunked") {
            while find(&self.unread, b"0\r\n\r\n").is_none()
                && self.unread.len() < ENOUGH
                && self.more()
            {}
            return joined(&std::mem::take(&mut self.unread));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        while self.unread.len() < length.unwrap_or(ENOUGH) && self.more() {}
        let length = length.unwrap_or(self.unread.len()).min(self.unread.len());
        let rest = self.unread.split_off(length);
        std::mem::replace(&mut self.unread, rest)
    }
}

fn shaken(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::IpAddress(address.ip().into());
    let connection = ClientConnection::new(config, name)?;
    let mut stream = StreamOwned::new(connection, connect(address)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("nobody answers at {address}"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

fn is_timeout(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Chunks without their sizes.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok((size, rest)) = chunk(chunks) {
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size.min(rest.len())).unwrap_or_default());
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    body
}

fn chunk(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let end = find(bytes, b"\r\n").context("no chunk")?;
    let (size, rest) = bytes.split_at(end);
    let size = usize::from_str_radix(std::str::from_utf8(size)?.trim(), 16)?;
    if size > ENOUGH {
        bail!("a chunk of {size} bytes");
    }
    Ok((size, rest.get(2..).unwrap_or_default()))
}
