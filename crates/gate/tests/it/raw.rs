//! A client that sends exactly what it is told to.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::authority::{Leaf, Wish};
use crate::door::Door;

pub(crate) struct Client<S> {
    pub(crate) io: S,
    unread: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message of an error.
    pub(crate) fn message(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        json["message"].as_str().unwrap().to_owned()
    }
}

pub(crate) type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

impl Client<UnixStream> {
    pub(crate) fn half_close(&self) {
        self.io.shutdown(std::net::Shutdown::Write).unwrap();
    }
}

impl TlsClient {
    /// Shakes hands with everything the client can.
    pub(crate) fn connect(door: &Door, leaf: Option<&Leaf>) -> std::io::Result<Self> {
        Self::connect_with(door, config(door, leaf))
    }

    /// A client whom the door's authority certifies by that name.
    pub(crate) fn of(door: &Door, name: &str) -> Self {
        let leaf = door.authority.issue(&Wish::client(name));
        Self::connect(door, Some(&leaf)).unwrap()
    }

    /// As [`Self::connect`], from an address of this machine.
    pub(crate) fn connect_from(ip: [u8; 4], door: &Door, leaf: &Leaf) -> std::io::Result<Self> {
        let family = rustix::net::AddressFamily::INET;
        let socket = rustix::net::socket(family, rustix::net::SocketType::STREAM, None)?;
        rustix::net::bind(&socket, &SocketAddr::from((ip, 0)))?;
        rustix::net::connect(&socket, &door.address())?;
        Self::greet(socket.into(), config(door, Some(leaf)))
    }

    pub(crate) fn connect_with(door: &Door, config: ClientConfig) -> std::io::Result<Self> {
        Self::greet(TcpStream::connect(door.address()).unwrap(), config)
    }

    fn greet(socket: TcpStream, config: ClientConfig) -> std::io::Result<Self> {
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self::new(stream))
    }

    pub(crate) fn half_close(&mut self) {
        self.io.conn.send_close_notify();
        self.io.flush().unwrap();
    }
}

/// A client's settings: what the Go client has by default.
pub(crate) fn config(door: &Door, leaf: Option<&Leaf>) -> ClientConfig {
    builder_end(door, leaf, rustls::ALL_VERSIONS)
}

pub(crate) fn builder_end(
    door: &Door,
    leaf: Option<&Leaf>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(door.authority.roots());
    match leaf {
        Some(leaf) => {
            // Not the usual way, which looks at the certificate first: ours are hostile.
            let key = any_supported_type(&leaf.key()).unwrap();
            let pair = rustls::sign::CertifiedKey::new(leaf.chain(), key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
        }
        None => builder.with_no_client_auth(),
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(io: S) -> Self {
        Self {
            io,
            unread: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).unwrap();
        self.io.flush().unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        self.answer()
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.answer()
    }

    /// Reads one answer with its body.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer
            .headers
            .get("content-length")
            .map(|length| length.parse().unwrap());
        answer.body = match length {
            Some(length) => self.exactly(length),
            None if answer.headers.contains_key("transfer-encoding") => self.chunks(),
            None if answer.status == 204 || answer.status == 304 => Vec::new(),
            None => self.rest(),
        };
        answer
    }

    /// Whether there is an answer at all: the door may have closed on who waited too long.
    pub(crate) fn is_answered(&mut self) -> bool {
        while !self.unread.windows(4).any(|window| window == b"\r\n\r\n") {
            if !self.more() {
                return false;
            }
        }
        true
    }

    /// Reads the head of an answer alone.
    pub(crate) fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self
                .unread
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break at + 4;
            }
            assert!(
                self.more(),
                "no answer, only {:?}",
                self.unread.escape_ascii().to_string()
            );
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer {
            status,
            headers,
            head,
            body: Vec::new(),
        }
    }

    pub(crate) fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.more(), "the body broke off");
        }
        self.unread.drain(..length).collect()
    }

    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let end = loop {
            if let Some(at) = self.unread.windows(2).position(|window| window == b"\r\n") {
                break at;
            }
            assert!(self.more(), "the chunks broke off");
        };
        let line: Vec<u8> = self.unread.drain(..end + 2).collect();
        let size = usize::from_str_radix(std::str::from_utf8(&line[..end]).unwrap(), 16).unwrap();
        let chunk = self.exactly(size);
        self.exactly(2);
        chunk
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return all;
            }
            all.extend(chunk);
        }
    }

    /// Reads until the other side closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the other side has closed without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.io.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
        }
    }
}
