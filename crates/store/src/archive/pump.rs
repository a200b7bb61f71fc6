//! One stream, three threads: the caller reads and decompresses, one hashes, one unpacks.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use aws_lc_rs::digest::{Context, SHA256};
use lockgate_types::{Digest, IdMapping};

use crate::error::{LayerError, StoreError};
use crate::layer::{Unpacked, finish, unpack};

/// A piece of the stream. An empty one marks its end; without that mark it was broken off.
type Chunk = Arc<Vec<u8>>;

/// Unpacks the uncompressed tar stream `input` into `directory` and tells its digest.
pub(crate) fn unpack_and_hash(
    mut input: impl Read,
    directory: PathBuf,
    ids: IdMapping,
) -> Result<(Unpacked, Digest), LayerError> {
    let (hasher, hashed) = start("store-hash", hash)?;
    let (unpacker, unpacked) = start("store-unpack", move |chunks| {
        unpack(
            Chunks {
                receiver: chunks,
                current: None,
                position: 0,
            },
            &directory,
            &ids,
        )
    })?;
    let pumped = pump(&mut input, [&hasher, &unpacker]);
    drop((hasher, unpacker));
    // Why the unpacker stopped early says more than that it did.
    let unpacked = join(unpacked)?;
    let digest = join(hashed)?;
    pumped.map_err(LayerError::Read)?;
    Ok((unpacked?, digest))
}

/// Hands the stream to both, until its end or until one of them wants no more.
fn pump(input: &mut impl Read, to: [&SyncSender<Chunk>; 2]) -> io::Result<()> {
    loop {
        let mut bytes = vec![0; CHUNK];
        let length = fill(input, &mut bytes)?;
        bytes.truncate(length);
        let chunk = Chunk::new(bytes);
        let is_refused = to
            .iter()
            .any(|sender| sender.send(Arc::clone(&chunk)).is_err());
        if length == 0 || is_refused {
            return Ok(());
        }
    }
}

/// Reads until `buffer` is full or the stream ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

type Started<T> = (SyncSender<Chunk>, JoinHandle<T>);

fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(Receiver<Chunk>) -> T + Send + 'static,
) -> Result<Started<T>, StoreError> {
    let (sender, receiver) = sync_channel(AHEAD);
    let thread = Builder::new()
        .name(name.to_owned())
        .spawn(move || work(receiver));
    Ok((sender, thread.map_err(StoreError::io("start a thread"))?))
}

fn join<T>(thread: JoinHandle<T>) -> Result<T, StoreError> {
    thread.join().map_err(|_panic| {
        let source = io::Error::other("a worker died, please report this");
        StoreError::Io {
            action: "unpack a layer",
            source,
        }
    })
}

fn hash(chunks: Receiver<Chunk>) -> Digest {
    let mut context = Context::new(&SHA256);
    for chunk in chunks {
        context.update(&chunk);
    }
    finish(context)
}

/// The unpacker's end.
struct Chunks {
    receiver: Receiver<Chunk>,
    current: Option<Chunk>,
    position: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = match self.current.take() {
            // The empty one is kept for good: the end stays the end.
            Some(chunk) if chunk.is_empty() || self.position < chunk.len() => chunk,
            Some(_) | None => {
                self.position = 0;
                self.receiver
                    .recv()
                    .map_err(|_broken| io::ErrorKind::UnexpectedEof)?
            }
        };
        let rest = chunk.get(self.position..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.position += length;
        self.current = Some(chunk);
        Ok(length)
    }
}

const CHUNK: usize = 256 * 1024;
/// Two mebibytes between reader and workers.
const AHEAD: usize = 8;
