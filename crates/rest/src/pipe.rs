//! Bodies for the store, which reads and writes files and knows no async runtime.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
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
    pub(crate) fn new(mut body: Body) -> Self {
        let (sender, pieces) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(async move {
            while let Some(piece) = next(&mut body).await {
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
#[derive(Debug)]
pub(crate) struct BodyWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: BytesMut,
}

/// A file to write, and what was written as a stream.
pub(crate) fn writer() -> (BodyWriter, impl Stream<Item = io::Result<Bytes>>) {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let written = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    (
        BodyWriter {
            pieces: sender,
            piece: BytesMut::with_capacity(PIECE),
        },
        written,
    )
}

impl BodyWriter {
    /// Breaks the body off, so that the client does not take it for whole.
    pub(crate) fn fail(self, error: io::Error) {
        // Nobody to tell if the client has left.
        drop(self.pieces.blocking_send(Err(error)));
    }

    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        let sent = self.pieces.blocking_send(Ok(piece));
        sent.map_err(|_closed| io::Error::new(io::ErrorKind::BrokenPipe, "the client has left"))
    }
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
