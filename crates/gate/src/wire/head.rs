//! Request heads, read before anything else sees them.
//!
//! What is refused here is what another reader might understand differently (so that no request
//! can hide in another), and what is no HTTP/1 at all.

use bytes::{BufMut, BytesMut};
use lockgate_api::StreamKind;

use super::chunked::Chunked;
use crate::limits::Limits;

/// Why a request head is refused. `Display` is for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum HeadError {
    /// A line feed without a carriage return.
    #[error("a line of the request head ends in a bare line feed")]
    BareLineFeed,
    /// A chunk that is not written as chunks are.
    #[error("malformed chunked encoding")]
    Chunk,
    /// gRPC in disguise.
    #[error("gRPC is not spoken here")]
    Grpc,
    /// `PRI * HTTP/2.0`, `Upgrade: h2c` or `HTTP2-Settings`.
    #[error("HTTP/2 is not spoken here; use HTTP/1.1")]
    Http2,
    /// Both lengths, or one of them twice, or an encoding that is not `chunked`.
    #[error("the length of the request body is ambiguous")]
    Length,
    /// No `Host` in HTTP/1.1, or several.
    #[error("missing required Host header")]
    MissingHost,
    /// Not HTTP.
    #[error("malformed HTTP request")]
    Syntax,
    /// Not whole within the time.
    #[error("the request head did not arrive in time")]
    Timeout,
    /// A TLS handshake on a socket without TLS.
    #[error("client sent a TLS handshake to a socket without TLS")]
    Tls,
    /// More bytes than allowed.
    #[error("the request head is too large")]
    TooLarge,
    /// More fields than allowed.
    #[error("the request has too many header fields")]
    TooManyFields,
}

impl HeadError {
    /// A stable word for the audit trail.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::BareLineFeed => "bare_line_feed",
            Self::Chunk => "malformed_chunk",
            Self::Grpc => "grpc",
            Self::Http2 => "http2",
            Self::Length => "ambiguous_length",
            Self::MissingHost => "missing_host",
            Self::Syntax => "malformed_request",
            Self::Timeout => "slow_head",
            Self::Tls => "tls_on_plain_socket",
            Self::TooLarge => "head_too_large",
            Self::TooManyFields => "too_many_fields",
        }
    }
}

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framing {
    Chunked(Chunked),
    Length(u64),
}

/// A head that may pass.
#[derive(Debug)]
pub(super) struct Head {
    /// What is handed on: the bytes as they came, but for hijacks without `Upgrade`, which get one.
    pub(super) bytes: BytesMut,
    pub(super) framing: Framing,
    /// The connection may become a stream, so nothing behind the body belongs to HTTP.
    pub(super) hijack: bool,
}

/// The value of the `Upgrade` field that is added when the client sent none.
pub(crate) const RAW: &str = "lockgate-raw";

/// Looks for the end of a head as bytes come in.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// How much was looked at.
    seen: usize,
    /// Where the current line begins.
    line: usize,
}

impl Scanner {
    /// The length of the head, if `bytes` hold all of it.
    pub(super) fn end(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, HeadError> {
        check_first_byte(bytes)?;
        let fresh = bytes.get(self.seen..).unwrap_or_default();
        for (offset, _) in fresh.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            let at = self.seen + offset;
            let line = bytes.get(self.line..at).unwrap_or_default();
            if line.last() != Some(&b'\r') {
                return Err(HeadError::BareLineFeed);
            }
            self.line = at + 1;
            if line.len() == 1 {
                return Ok(Some(at + 1)).filter_too_large(at + 1, limits);
            }
        }
        self.seen = bytes.len();
        Ok(None).filter_too_large(bytes.len(), limits)
    }
}

trait FilterTooLarge: Sized {
    fn filter_too_large(self, length: usize, limits: &Limits) -> Self;
}

impl FilterTooLarge for Result<Option<usize>, HeadError> {
    fn filter_too_large(self, length: usize, limits: &Limits) -> Self {
        if length > limits.head_bytes {
            Err(HeadError::TooLarge)
        } else {
            self
        }
    }
}

fn check_first_byte(bytes: &[u8]) -> Result<(), HeadError> {
    match bytes.first() {
        Some(0x16) => Err(HeadError::Tls),
        Some(byte) if !byte.is_ascii_alphabetic() => Err(HeadError::Syntax),
        Some(_) | None => Ok(()),
    }
}

impl Head {
    /// Reads a whole head, blank line included.
    pub(super) fn parse(bytes: BytesMut, limits: &Limits) -> Result<Self, HeadError> {
        if bytes.starts_with(b"PRI * HTTP/2.0\r\n") {
            return Err(HeadError::Http2);
        }
        let mut fields = vec![httparse::EMPTY_HEADER; limits.fields];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyFields),
            Ok(httparse::Status::Partial) | Err(_) => return Err(HeadError::Syntax),
        }
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(HeadError::Syntax);
        };
        let uri = target
            .parse::<http::Uri>()
            .map_err(|_unusable| HeadError::Syntax)?;
        let fields = Fields(request.headers);
        let stream = stream_of(method, &uri);
        let h2c = stream == StreamKind::H2c && fields.ask_for_h2c();
        fields.check(minor, h2c)?;
        let framing = fields.framing(minor)?;
        let bytes = match (stream, fields.has("upgrade")) {
            (StreamKind::Hijack, false) => with_upgrade(&bytes, fields.0),
            _ => bytes,
        };
        let hijack = h2c || stream == StreamKind::Hijack;
        Ok(Self {
            bytes,
            framing,
            hijack,
        })
    }
}

/// Asked with the same text as in `serve`, so that both give the same answer.
fn stream_of(method: &str, uri: &http::Uri) -> StreamKind {
    lockgate_api::route(method, &uri.to_string())
        .map_or(StreamKind::None, |call| call.route().stream)
}

/// The head as HTTP/1.1 with an `Upgrade`, without which the HTTP library hijacks nothing. What
/// the client gets is written by us, not by the library.
fn with_upgrade(bytes: &[u8], fields: &[httparse::Header<'_>]) -> BytesMut {
    let line_end = bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .unwrap_or(bytes.len());
    let line = bytes.get(..line_end.saturating_sub(1)).unwrap_or_default();
    let mut head = BytesMut::with_capacity(bytes.len() + 64);
    head.put_slice(line);
    head.put_slice(b"1\r\n");
    for field in fields {
        if !field.name.eq_ignore_ascii_case("connection") {
            head.put_slice(field.name.as_bytes());
            head.put_slice(b": ");
            head.put_slice(field.value);
            head.put_slice(b"\r\n");
        }
    }
    head.put_slice(b"Connection: Upgrade\r\nUpgrade: ");
    head.put_slice(RAW.as_bytes());
    head.put_slice(b"\r\n\r\n");
    head
}

struct Fields<'a>(&'a [httparse::Header<'a>]);

impl<'a> Fields<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let matching = self
            .0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name));
        matching.map(|field| field.value.trim_ascii())
    }

    fn has(&self, name: &'static str) -> bool {
        self.all(name).next().is_some()
    }

    /// One `Upgrade`, and of one meaning.
    fn ask_for_h2c(&self) -> bool {
        let mut upgrades = self.all("upgrade");
        upgrades.next() == Some(b"h2c") && upgrades.next().is_none()
    }

    /// `may_be_h2c`: whether the route is one of the two that HTTP/2 may follow upon, and it was asked for.
    fn check(&self, minor: u8, may_be_h2c: bool) -> Result<(), HeadError> {
        let h2c = |value: &[u8]| {
            let tokens = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            tokens.into_iter().any(|token| {
                token
                    .get(..2)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"h2"))
            })
        };
        if self.has("http2-settings") || (!may_be_h2c && self.all("upgrade").any(h2c)) {
            return Err(HeadError::Http2);
        }
        let grpc = b"application/grpc";
        let is_grpc = |value: &[u8]| {
            value
                .get(..grpc.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(grpc))
        };
        if self.all("content-type").any(is_grpc) {
            return Err(HeadError::Grpc);
        }
        match self.all("host").count() {
            1 => Ok(()),
            0 if minor == 0 => Ok(()),
            _ => Err(HeadError::MissingHost),
        }
    }

    fn framing(&self, minor: u8) -> Result<Framing, HeadError> {
        let mut lengths = self.all("content-length");
        let mut encodings = self.all("transfer-encoding");
        match (lengths.next(), encodings.next()) {
            (None, None) => Ok(Framing::Length(0)),
            (Some(length), None) if lengths.next().is_none() => decimal(length)
                .map(Framing::Length)
                .ok_or(HeadError::Length),
            (None, Some(encoding))
                if encodings.next().is_none()
                    && minor == 1
                    && encoding.eq_ignore_ascii_case(b"chunked") =>
            {
                Ok(Framing::Chunked(Chunked::new()))
            }
            _ => Err(HeadError::Length),
        }
    }
}

/// Digits and nothing else: no sign, no list, no blank. 18 of them never overflow.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 18 && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

impl Framing {
    /// How many of `bytes` belong to the body.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Result<usize, HeadError> {
        match self {
            Self::Chunked(chunked) => chunked.accept(bytes),
            Self::Length(left) => {
                let here = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= here as u64;
                Ok(here)
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Chunked(chunked) => chunked.is_done(),
            Self::Length(left) => *left == 0,
        }
    }
}
