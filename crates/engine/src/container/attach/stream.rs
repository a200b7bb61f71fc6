//! The stream of an attachment.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

use super::keys::Scanner;
use super::slot::{Half, Slot};
use crate::log::LogStream;

/// What the end of a client's input means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StdinEnd {
    /// The client was not sending input anyway.
    Ignore,
    /// The process's input ends; its output goes on.
    Close,
    /// The process's input stays open, the attachment ends with what is there to be read.
    Detach,
}

/// The live half of an attachment or exec.
#[derive(Debug)]
pub(crate) struct Duplex {
    state: State,
    end: StdinEnd,
    scanner: Option<Scanner>,
    /// Typed bytes that have passed the scanner and wait for room.
    pending: Vec<u8>,
    pub(crate) detached: bool,
    reader: Option<std::task::Waker>,
}

#[derive(Debug)]
enum State {
    Waiting(Arc<Slot>),
    Live(UnixStream),
    /// It ends: what the process has written already, up to so many bytes, is still delivered.
    Ending(UnixStream, usize),
    Ended,
}

/// What a client gets after it has ended its attachment, at most: a process may write without end.
const LAST_WORDS: usize = 64 << 10;

impl Duplex {
    pub(crate) fn new(slot: Arc<Slot>, end: StdinEnd, keys: Option<Vec<u8>>) -> Self {
        Self::with_state(State::Waiting(slot), end, keys)
    }

    pub(crate) fn live(stream: UnixStream, end: StdinEnd, keys: Option<Vec<u8>>) -> Self {
        Self::with_state(State::Live(stream), end, keys)
    }

    fn with_state(state: State, end: StdinEnd, keys: Option<Vec<u8>>) -> Self {
        let scanner = keys.map(Scanner::new);
        Self {
            state,
            end,
            scanner,
            pending: Vec::new(),
            detached: false,
            reader: None,
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reader = Some(context.waker().clone());
        if let State::Ending(stream, room) = &mut self.state {
            // Asked of the kernel: what tokio knows of the socket may be a moment old.
            let length = rustix::io::read(&*stream, buffer.initialize_unfilled());
            let length = length.unwrap_or_default();
            buffer.advance(length);
            *room = room.saturating_sub(length);
            if *room == 0 || length == 0 {
                self.state = State::Ended;
            }
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll_live(Half::Read, context)) {
            Some(stream) => Pin::new(stream).poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.end == StdinEnd::Ignore {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_pending(context))?;
        let Some(scanner) = &mut self.scanner else {
            return match ready!(self.poll_live(Half::Write, context)) {
                Some(stream) => Pin::new(stream).poll_write(context, bytes),
                None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            };
        };
        let scanned = scanner.scan(bytes);
        self.pending = scanned.forward;
        if scanned.detached {
            self.detached = true;
            self.finish();
        } else if let Poll::Ready(result) = self.poll_pending(context) {
            // What does not fit now is written before the next bytes are taken.
            result?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.end {
            StdinEnd::Ignore => Poll::Ready(Ok(())),
            StdinEnd::Close => {
                ready!(self.poll_pending(context))?;
                match ready!(self.poll_live(Half::Write, context)) {
                    Some(stream) => Pin::new(stream).poll_shutdown(context),
                    None => Poll::Ready(Ok(())),
                }
            }
            StdinEnd::Detach => {
                drop(ready!(self.poll_pending(context)));
                self.finish();
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Writes what has passed the scanner.
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            let Some(stream) = ready!(self.poll_live(Half::Write, context)) else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            let written = match Pin::new(stream).poll_write(context, &pending) {
                Poll::Ready(Ok(written)) => written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.pending = pending;
                    return Poll::Pending;
                }
            };
            self.pending = pending.get(written..).unwrap_or_default().to_vec();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_live(&mut self, half: Half, context: &Context<'_>) -> Poll<Option<&mut UnixStream>> {
        if let State::Waiting(slot) = &self.state {
            self.state = match ready!(slot.poll(half, context)) {
                Some(stream) => State::Live(stream),
                None => State::Ended,
            };
        }
        match &mut self.state {
            State::Live(stream) => Poll::Ready(Some(stream)),
            State::Waiting(_) | State::Ending(..) | State::Ended => Poll::Ready(None),
        }
    }

    /// Ends the attachment: the reading half sees the end of the stream.
    fn finish(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Live(stream) => State::Ending(stream, LAST_WORDS),
            State::Waiting(_) | State::Ending(..) | State::Ended => State::Ended,
        };
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Both directions of an attachment: reading yields stdcopy frames (or raw bytes of a terminal),
/// writing is standard input, shutdown is its end.
pub struct AttachStream {
    log: Option<LogStream>,
    chunk: Bytes,
    duplex: Option<Duplex>,
    raw: bool,
    on_detach: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl AttachStream {
    pub(super) fn new(
        log: Option<LogStream>,
        duplex: Option<Duplex>,
        raw: bool,
        on_detach: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self {
            log,
            chunk: Bytes::new(),
            duplex,
            raw,
            on_detach: Some(Box::new(on_detach)),
        }
    }

    /// Whether the container has a terminal: the bytes are raw then, not framed.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// Whether the client typed the detach keys.
    pub fn is_detached(&self) -> bool {
        self.duplex.as_ref().is_some_and(|duplex| duplex.detached)
    }

    fn poll_log(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.chunk.is_empty() {
            let Some(log) = &mut self.log else {
                return Poll::Ready(Ok(()));
            };
            match ready!(log.poll_next(context)) {
                Some(chunk) => self.chunk = chunk?,
                None => self.log = None,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for AttachStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_log(context))?;
        if !self.chunk.is_empty() {
            let length = self.chunk.len().min(buffer.remaining());
            buffer.put_slice(&self.chunk.split_to(length));
            return Poll::Ready(Ok(()));
        }
        match &mut self.duplex {
            Some(duplex) => duplex.poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for AttachStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(duplex) = &mut self.duplex else {
            return Poll::Ready(Ok(bytes.len()));
        };
        let result = duplex.poll_write(context, bytes);
        if duplex.detached
            && let Some(on_detach) = self.on_detach.take()
        {
            on_detach();
        }
        result
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.duplex {
            Some(duplex) => duplex.poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl fmt::Debug for AttachStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachStream")
            .field("raw", &self.raw)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// An attachment and its process's end of it.
    fn attached() -> (AttachStream, std::os::unix::net::UnixStream) {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let ours = UnixStream::from_std(ours).unwrap();
        let duplex = Duplex::live(ours, StdinEnd::Detach, None);
        (AttachStream::new(None, Some(duplex), true, || ()), theirs)
    }

    #[tokio::test]
    async fn what_is_there_when_the_client_ends_its_input_is_delivered() {
        let (mut stream, mut process) = attached();
        process.write_all(b"last words").unwrap();
        stream.shutdown().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "last words");
    }

    #[tokio::test]
    async fn a_process_that_never_ends_does_not_keep_a_client_that_does() {
        let (mut stream, mut process) = attached();
        stream.shutdown().await.unwrap();
        let (mut total, mut buffer) = (0, [0; 8 << 10]);
        loop {
            drop(process.write(&[b'y'; 16 << 10]));
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                length => total += length,
            }
        }
        assert_eq!(total, LAST_WORDS);
        process.write(b"more").unwrap_err();
    }
}
