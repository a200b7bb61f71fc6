//! Bodies for the store, which reads and writes files and knows no async runtime.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use http_body_util::BodyExt;
use lockgate_gate::Body;
use tokio::sync::mpsc;

/// How many pieces may be on their way between the two worlds.
const IN_FLIGHT: usize = 8;
/// How large pieces of an answer are.
const PIECE: usize = 64 * 1024;

/// A request's body as a file. Read it on a blocking thread only.
#[derive(Debug)]
pub(crate) struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl BodyReader {
    /// Starts to read ahead; it stops when the reader is dropped.
    pub(crate) fn new(body: Body) -> Self {
        Self::until(body, std::future::pending())
    }

    /// The same, but breaks the body off when `end` ends, however slowly the client sends.
    pub(crate) fn until(mut body: Body, end: impl Future<Output = ()> + Send + 'static) -> Self {
        let (sender, pieces) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(async move {
            let mut end = std::pin::pin!(end);
            loop {
                let piece = tokio::select! {
                    piece = next(&mut body) => piece,
                    () = &mut end => Some(Err(io::Error::other("the container is being started"))),
                };
                let Some(piece) = piece else { return };
                let is_last = piece.is_err();
                if sender.send(piece).await.is_err() {
                    return drain(&mut body).await;
                }
                if is_last {
                    return;
                }
            }
        });
        Self {
            pieces,
            piece: Bytes::new(),
        }
    }
}

/// The next piece of data; trailers mean nothing here.
async fn next(body: &mut Body) -> Option<io::Result<Bytes>> {
    loop {
        match body.frame().await?.map(http_body::Frame::into_data) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            Ok(Err(_trailers)) => {}
            Err(error) => return Some(Err(io::Error::other(error))),
        }
    }
}

/// Reads away what follows the end of an archive (padding, mostly), because a client that can not
/// get rid of it may not look at the answer.
async fn drain(body: &mut Body) {
    let mut left = PADDING;
    while let Some(Ok(piece)) = next(body).await {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// How much may follow an archive.
const PADDING: usize = 16 * 1024 * 1024;

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece
            .split_to(length)
            .copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// An answer's body as a file. Write it on a blocking thread only.
pub(crate) struct BodyWriter {
    pieces: mpsc::Sender<Bytes>,
    piece: BytesMut,
    failure: Arc<Mutex<Option<io::Error>>>,
    end: BoxFuture<'static, ()>,
}

/// A file to write, and what was written as a stream.
pub(crate) fn writer() -> (BodyWriter, impl Stream<Item = io::Result<Bytes>>) {
    writer_until(std::future::pending())
}

/// The same, but once `end` ends the next write fails, however slowly the client reads.
pub(crate) fn writer_until(
    end: impl Future<Output = ()> + Send + 'static,
) -> (BodyWriter, impl Stream<Item = io::Result<Bytes>>) {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let failure = Arc::new(Mutex::new(None));
    let writer = BodyWriter {
        pieces: sender,
        piece: BytesMut::with_capacity(PIECE),
        failure: Arc::clone(&failure),
        end: Box::pin(end),
    };
    let written = stream::unfold((receiver, failure), |(mut receiver, failure)| async move {
        let piece = match receiver.recv().await {
            Some(piece) => Ok(piece),
            None => Err(lock(&failure).take()?),
        };
        Some((piece, (receiver, failure)))
    });
    (writer, written)
}

impl BodyWriter {
    /// Breaks the body off, so that the client does not take it for whole. It waits for nobody.
    pub(crate) fn fail(self, error: io::Error) {
        *lock(&self.failure) = Some(error);
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        let sent = async {
            tokio::select! {
                sent = self.pieces.send(piece) => sent.map_err(|_closed| "the client has left"),
                () = &mut self.end => Err("the archive is in the way"),
            }
        };
        let sent = tokio::runtime::Handle::current().block_on(sent);
        sent.map_err(|reason| io::Error::new(io::ErrorKind::BrokenPipe, reason))
    }
}

fn lock(failure: &Mutex<Option<io::Error>>) -> MutexGuard<'_, Option<io::Error>> {
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use lockgate_gate::body;

    use super::*;

    #[tokio::test]
    async fn bodies_are_read_as_files() {
        let pieces = ["ab", "", "cde"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
        let mut reader = BodyReader::new(body::stream(stream::iter(pieces)));
        let text = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        assert_eq!(text.await.unwrap().unwrap(), "abcde");
    }

    #[tokio::test]
    async fn what_nobody_reads_is_read_away() {
        let (sent, mut all_sent) = mpsc::channel::<()>(1);
        let pieces = stream::unfold((0, sent), |(count, sent)| async move {
            (count < 100).then(|| (Ok(Bytes::from_static(&[0; 512])), (count + 1, sent)))
        });
        drop(BodyReader::new(body::stream(pieces)));
        assert_eq!(all_sent.recv().await, None);
    }

    #[tokio::test]
    async fn a_broken_body_is_an_error_and_not_an_end() {
        let pieces = [Ok(Bytes::from_static(b"ab")), Err(io::Error::other("gone"))];
        let mut reader = BodyReader::new(body::stream(stream::iter(pieces)));
        let read = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
        read.await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn files_are_written_as_bodies() {
        let (mut writer, written) = writer();
        let writing = tokio::task::spawn_blocking(move || {
            writer.write_all(&vec![7; 3 * PIECE + 5])?;
            writer.flush()
        });
        let pieces: Vec<Bytes> = written.try_collect().await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), 3 * PIECE + 5);
    }

    #[tokio::test]
    async fn a_writer_that_must_end_does_not_wait_for_a_slow_client() {
        let (mut writer, written) =
            writer_until(tokio::time::sleep(std::time::Duration::from_millis(10)));
        let writing = tokio::task::spawn_blocking(move || {
            let piece = vec![7; PIECE];
            let error = loop {
                if let Err(error) = writer.write_all(&piece) {
                    break error;
                }
            };
            writer.fail(error);
        });
        writing.await.unwrap();
        written.try_collect::<Vec<Bytes>>().await.unwrap_err();
    }

    #[tokio::test]
    async fn a_failed_file_breaks_the_body_off() {
        let (mut writer, written) = writer();
        tokio::task::spawn_blocking(move || {
            writer.write_all(b"x").unwrap();
            writer.flush().unwrap();
            writer.fail(io::Error::other("no"));
        });
        written.try_collect::<Vec<Bytes>>().await.unwrap_err();
    }
}
