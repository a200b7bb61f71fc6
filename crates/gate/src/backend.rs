//! What stands behind the door, seen from the door.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::request::Parts;
use lockgate_access::{Admitted, Kind, NoObjects, Objects};
use lockgate_api::Call;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::Body;

/// Serves what was admitted: the engine here, an upstream daemon in guard mode.
///
/// Calls that the backend [finishes](Backend::finishes) run in a task of their own, even when the
/// client leaves; the others are dropped with the client. A panic becomes an answer 500.
pub trait Backend: Send + Sync + 'static {
    /// Serves one request.
    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Reply>;

    /// Whether a call goes on when its client has left: as a rule, what changes something.
    fn finishes(&self, call: &Call) -> bool {
        call.operation().mutates()
    }

    /// What exists, for judging calls that are about it.
    fn objects(&self) -> &dyn Objects {
        &NoObjects
    }

    /// How many containers are in which state, for the metrics; nothing where that is not known.
    fn container_states(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Who has to be asked what exists, in place of [`Backend::objects`].
    fn look_up(&self) -> Option<&dyn LookUp> {
        None
    }
}

/// Finds out what exists before a call is judged.
pub trait LookUp: Send + Sync {
    /// The objects of these names. Names that are not among them count as whatever is safe.
    fn find(
        &self,
        wanted: Vec<(Kind, String)>,
    ) -> BoxFuture<'_, Result<Arc<dyn Objects>, LookUpError>>;
}

/// Why nobody can tell what exists. `Display` is for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LookUpError(pub String);

/// An admitted request.
#[derive(Debug)]
pub struct Request {
    /// The judged call; its `body()` is the whole body of calls whose body is judged.
    pub admitted: Admitted,
    /// The head, for headers such as `X-Registry-Auth`. Path and query are those of the call.
    pub head: Parts,
    /// The body of calls whose body streams, else empty.
    pub body: Body,
    /// What was looked up for the judgement, if anything was.
    pub found: Option<Arc<dyn Objects>>,
}

/// The answer to a request.
#[derive(Debug)]
pub enum Reply {
    /// An ordinary answer. The gate adds the headers that every answer of the API has.
    Http(http::Response<Body>),
    /// The connection becomes a byte stream.
    Hijack(Hijack),
}

/// A connection that becomes a byte stream.
pub struct Hijack {
    /// `application/vnd.docker.raw-stream` or `application/vnd.docker.multiplexed-stream`.
    pub content_type: &'static str,
    /// What the connection becomes.
    pub protocol: UpgradeTo,
    /// Whether `Api-Version`, `Server` and the like are sent (exec: yes, attach: no).
    pub api_headers: bool,
    /// What happens on the stream; the connection is closed when it ends. It is dropped when the
    /// client's identity ends.
    pub run: Box<dyn FnOnce(Duplex) -> BoxFuture<'static, ()> + Send>,
}

impl fmt::Debug for Hijack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hijack")
            .field("content_type", &self.content_type)
            .field("protocol", &self.protocol)
            .field("api_headers", &self.api_headers)
            .finish_non_exhaustive()
    }
}

/// What a hijacked connection becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeTo {
    /// A raw stream: answered `101 UPGRADED` if the client sent `Upgrade`, else a bare `200 OK`
    /// without length or chunks.
    Tcp,
    /// HTTP/2 without a preface of ours: answered `101 Switching Protocols` to a client that sent
    /// `Upgrade: h2c` on one of the two routes that have it, and to nobody else.
    H2c,
    /// A WebSocket (RFC 6455): answered `101 Switching Protocols`, from where on the backend reads and writes
    /// frames.
    WebSocket {
        /// The value of `Sec-WebSocket-Accept`, from [`crate::websocket::accept`].
        accept: String,
    },
}

/// A client's connection as a byte stream. Reading ends when the client has closed its writing
/// side; `shutdown` closes ours and leaves reading open.
pub struct Duplex {
    stream: Pin<Box<dyn Stream>>,
    gone: BoxFuture<'static, ()>,
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

impl Duplex {
    /// Wraps a stream.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self::of_client(stream, std::future::pending())
    }

    /// A stream whose client may be known to have left, and not only to have finished sending.
    pub(crate) fn of_client(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        gone: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self {
            stream: Box::pin(stream),
            gone: Box::pin(gone),
        }
    }

    /// Ends when the client has left, if that can be known; once only. It is asked for after the end of input.
    pub(crate) fn take_gone(&mut self) -> BoxFuture<'static, ()> {
        std::mem::replace(&mut self.gone, Box::pin(std::future::pending()))
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Duplex")
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
