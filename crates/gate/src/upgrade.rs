//! Connections that have become byte streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use futures_util::future::BoxFuture;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use lockgate_access::Outcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;

use crate::backend::Duplex;
use crate::serve::{Ending, Visit};
use crate::transport::Transport;
use crate::wire::Wire;

/// How long a client may go on sending after its stream has ended, so that closing does not throw
/// away what it has not read yet.
const LINGER: Duration = Duration::from_secs(1);

/// How long a client may take to read the head of its stream before the stream starts all the same. A busy
/// interpreter needs some milliseconds.
const HEAD_PATIENCE: Duration = Duration::from_millis(50);
/// Looks without a pause in between: most clients are waiting for the head.
const QUICK_LOOKS: u32 = 100;

/// A connection that is about to become a stream.
pub(crate) struct Upgrade {
    /// Keeps the connection's place in the registry.
    pub(crate) visit: Arc<Visit>,
    pub(crate) switched: OnUpgrade,
    /// The head of the answer.
    pub(crate) head: Vec<u8>,
    pub(crate) run: Box<dyn FnOnce(Duplex) -> BoxFuture<'static, ()> + Send>,
    pub(crate) ending: Ending,
}

/// Runs the stream while the identity is good.
pub(crate) async fn run(upgrade: Upgrade) {
    let live = Arc::clone(upgrade.visit.live());
    tokio::select! {
        () = stream(upgrade) => {}
        () = live.ended() => {
            tracing::info!(peer = %live.peer.name, "stream ended from inside");
        }
    }
}

async fn stream(upgrade: Upgrade) {
    let Upgrade {
        visit,
        switched,
        head,
        run,
        ending,
    } = upgrade;
    let Some(mut socket) = taken_over(switched).await else {
        return;
    };
    if socket.write_all(&head).await.is_err() || socket.flush().await.is_err() {
        return;
    }
    head_is_read(&socket.transport).await;
    let (give_back, given_back) = oneshot::channel();
    let (input_ended, end_of_input) = oneshot::channel();
    let ending = Arc::new(ending);
    let lent = Lent {
        socket: Some(socket),
        give_back: Some(give_back),
        input_ended: Some(input_ended),
        ending: Arc::clone(&ending),
    };
    run(Duplex::of_client(lent, gone(end_of_input))).await;
    if let Ok(socket) = given_back.await {
        close(socket).await;
    }
    ending.finish(Outcome::Done);
    drop(visit);
}

type Gone = BoxFuture<'static, ()>;

/// Waits for a client that has finished sending to leave.
async fn gone(end_of_input: oneshot::Receiver<Gone>) {
    match end_of_input.await {
        Ok(gone) => gone.await,
        Err(_dropped) => std::future::pending().await,
    }
}

/// Waits a moment for the client to take the head. Some clients read it through a buffer and then go on
/// with the bare socket (docker-py does): what arrived together with the head is lost to them.
async fn head_is_read(transport: &Transport) {
    let patience = Instant::now() + HEAD_PATIENCE;
    let mut quick = QUICK_LOOKS;
    while transport.has_unread() && Instant::now() < patience {
        if quick > 0 {
            quick -= 1;
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The bare socket, once the HTTP library is through with it.
async fn taken_over(switched: OnUpgrade) -> Option<Socket> {
    let upgraded = switched.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Wire<Transport>>>().ok()?;
    let (transport, rest) = parts.io.into_inner().into_parts();
    let mut early = BytesMut::from(parts.read_buf);
    early.unsplit(rest);
    Some(Socket { early, transport })
}

/// Tells the client that nothing more comes (over TLS by `close_notify`, which clients insist on).
async fn close(mut socket: Socket) {
    if socket.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0_u8; 4096];
    let drained = async { while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {} };
    // A client that does not stop is cut off.
    tokio::time::timeout(LINGER, drained)
        .await
        .unwrap_or_default();
}

/// A socket, and what the client sent before it was one.
struct Socket {
    early: BytesMut,
    transport: Transport,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.transport).poll_read(cx, buffer);
        }
        let count = self.early.len().min(buffer.remaining());
        buffer.put_slice(self.early.get(..count).unwrap_or_default());
        self.early.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

/// The socket while the backend has it. It comes back when the backend drops it, to be closed as
/// it should be.
struct Lent {
    socket: Option<Socket>,
    give_back: Option<oneshot::Sender<Socket>>,
    /// Told once how to know that the client has left.
    input_ended: Option<oneshot::Sender<Gone>>,
    ending: Arc<Ending>,
}

impl Lent {
    fn socket(&mut self) -> io::Result<Pin<&mut Socket>> {
        self.socket
            .as_mut()
            .map(Pin::new)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// From now on the only news of the client is that it leaves.
    fn end_of_input(&mut self) {
        let Some(told) = self.input_ended.take() else {
            return;
        };
        match self.socket.as_ref().map(|it| it.transport.hung_up()) {
            Some(Ok(gone)) => drop(told.send(Box::pin(gone))),
            Some(Err(error)) => tracing::debug!(%error, "a client is not watched"),
            None => {}
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(socket), Some(give_back)) = (self.socket.take(), self.give_back.take()) {
            // Nobody waits for it if the identity has ended: then it is just dropped.
            drop(give_back.send(socket));
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.remaining();
        let read = ready!(this.socket()?.poll_read(cx, buffer));
        // Who leaves with something unread leaves by a reset: an error, and the end of input as well.
        if before > 0 && buffer.remaining() == before {
            this.end_of_input();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(this.socket()?.poll_write(cx, bytes))?;
        this.ending.sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(this.socket()?.poll_write_vectored(cx, slices))?;
        this.ending.sent(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_shutdown(cx)
    }
}
