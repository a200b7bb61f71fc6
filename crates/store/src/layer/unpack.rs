//! A layer's tar stream in, a layer's directory out.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use lockgate_types::IdMapping;
use rustix::fs::{CWD, Mode, OFlags};

use super::MAX_MEMBERS;
use super::extract::{Extractor, Failure};
use super::path::{clean_path, display};
use super::skeleton::SkeletonWriter;
use super::sparse::Contents;
use super::tar_reader::{Entry, Tap, TarReader};
use crate::error::{LayerError, StoreError};

/// What unpacking found out; the diff id is the reader's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) size: i64,
    pub(crate) tar_size: u64,
    pub(crate) members: u64,
    pub(crate) opaque: bool,
}

impl Tap for SkeletonWriter {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        Self::raw(self, bytes)
    }
}

/// Unpacks the uncompressed tar stream `input` into the empty directory `directory`: `diff/`,
/// `skeleton.zst` and, if needed, `shadow/`. Reads to the end of the stream. How much it takes is
/// bounded by the disk alone, as an image's size is. Owners are the host's ids of those in the stream.
pub(crate) fn unpack(
    input: impl Read,
    directory: &Path,
    ids: &IdMapping,
) -> Result<Unpacked, LayerError> {
    let store = |action| move |error: io::Error| LayerError::from(StoreError::io(action)(error));
    fs::create_dir(directory.join("diff")).map_err(store("create a layer"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let layer = rustix::fs::openat(CWD, directory, flags, Mode::empty())
        .map_err(|error| store("open a layer")(error.into()))?;
    let mut extractor = Extractor::new(layer, ids.clone()).map_err(store("open a layer"))?;
    let skeleton = File::create_new(directory.join("skeleton.zst"))
        .and_then(SkeletonWriter::new)
        .map_err(store("create a skeleton"))?;
    let mut tar = TarReader::new(input, skeleton);
    let mut buffer = vec![0; BUFFER];
    let mut members = 0;
    while let Some(entry) = tar.next()? {
        members += 1;
        if members > MAX_MEMBERS {
            return Err(LayerError::TooManyMembers(MAX_MEMBERS));
        }
        one(&mut tar, &mut extractor, &entry, &mut buffer)?;
    }
    tar.drain()?;
    let tar_size = tar.position();
    let (_, skeleton) = tar.into_parts();
    skeleton.finish().map_err(store("write a skeleton"))?;
    let (size, opaque) = extractor.finish().map_err(|failure| failed(b"", failure))?;
    Ok(Unpacked {
        size,
        tar_size,
        members,
        opaque,
    })
}

fn one<R: Read>(
    tar: &mut TarReader<R, SkeletonWriter>,
    extractor: &mut Extractor,
    entry: &Entry,
    buffer: &mut [u8],
) -> Result<(), LayerError> {
    let failed = |failure| failed(&entry.path, failure);
    let path = clean_path(&entry.path).map_err(|reason| failed(reason.into()))?;
    let Some(new) = extractor.member(entry, &path).map_err(failed)? else {
        return Ok(());
    };
    let write_failed = |error| failed(Failure::Write(error));
    // What the stream has of a file with holes is not what the file has: the skeleton keeps it.
    let is_sparse = entry.sparse.is_some();
    let sequence = match entry.size {
        size if size > 0 && !is_sparse => {
            Some(tar.tap.file(&new.path, size).map_err(write_failed)?)
        }
        _ => None,
    };
    let mut contents = Contents::new(&new.file, entry.sparse.as_ref()).map_err(write_failed)?;
    loop {
        let read = tar.read_data(buffer)?;
        if read == 0 {
            break;
        }
        let part = buffer.get(..read).unwrap_or_default();
        contents.write(part).map_err(write_failed)?;
        if is_sparse {
            tar.tap.raw(part).map_err(write_failed)?;
        }
    }
    extractor.finish_file(&new, entry, sequence).map_err(failed)
}

fn failed(path: &[u8], failure: Failure) -> LayerError {
    let path = display(path);
    match failure {
        Failure::Refused(reason) => LayerError::Member { path, reason },
        Failure::Write(source) => LayerError::Write { path, source },
    }
}

const BUFFER: usize = 256 * 1024;
