//! SHA-256 of what flows through a reader, computed on a thread of its own.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use aws_lc_rs::digest::{Context, SHA256};
use lockgate_types::Digest;

use crate::layer::{digest_of, finish};

/// A reader whose bytes are hashed while the caller works on them.
pub(crate) struct Hashing<R> {
    inner: R,
    chunk: Vec<u8>,
    /// Started with the second chunk: most blobs are small.
    worker: Option<Worker>,
}

struct Worker {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Digest>,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            chunk: Vec::new(),
            worker: None,
        }
    }

    /// Reads what is left and tells the digest of everything.
    pub(crate) fn finish(mut self) -> io::Result<Digest> {
        io::copy(&mut self, &mut io::sink())?;
        match self.worker.take() {
            None => Ok(digest_of(&self.chunk)),
            Some(worker) => {
                worker.full.send(self.chunk).map_err(io::Error::other)?;
                drop(worker.full);
                worker
                    .thread
                    .join()
                    .map_err(|_panic| io::Error::other("the hash thread died"))
            }
        }
    }

    fn note(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = CHUNK - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let worker = match &self.worker {
            Some(worker) => worker,
            None => self.worker.insert(Worker::start()?),
        };
        let mut next = worker.empty.try_recv().unwrap_or_default();
        next.clear();
        next.reserve_exact(CHUNK);
        worker
            .full
            .send(std::mem::replace(&mut self.chunk, next))
            .map_err(io::Error::other)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.note(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let (full, chunks) = sync_channel::<Vec<u8>>(AHEAD);
        let (spent, empty) = sync_channel(AHEAD + 2);
        let hash = move || {
            let mut context = Context::new(&SHA256);
            for chunk in chunks {
                context.update(&chunk);
                // Nobody may want it back at the end.
                drop(spent.try_send(chunk));
            }
            finish(context)
        };
        let thread = std::thread::Builder::new()
            .name("store-hash".to_owned())
            .spawn(hash)?;
        Ok(Self {
            full,
            empty,
            thread,
        })
    }
}

const CHUNK: usize = 256 * 1024;
const AHEAD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_short_and_long_streams_alike() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 17] {
            let bytes: Vec<u8> = (0..length)
                .map(|n| u8::try_from(n % 251).unwrap())
                .collect();
            let mut reader = Hashing::new(bytes.as_slice());
            let mut start = vec![0; length.min(1000)];
            reader.read_exact(&mut start).unwrap();
            assert_eq!(reader.finish().unwrap(), digest_of(&bytes), "{length}");
        }
    }
}
