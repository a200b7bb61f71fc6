//! A layer's directory in, its tar stream out, byte for byte.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::parents::{NO_LINKS, open_dir};
use super::skeleton::{Segment, SkeletonReader};
use super::{Layer, finish};
use crate::error::{SaveError, StoreError};

/// Writes the tar stream that `layer`, in `directory`, was unpacked from, and verifies its digest.
/// A failure may come after everything was written; the receiver then has a damaged stream.
pub(crate) fn reassemble(
    layer: &Layer,
    directory: &Path,
    output: &mut dyn Write,
) -> Result<(), SaveError> {
    let store = |error: io::Error| SaveError::from(StoreError::io("read a layer")(error));
    let files = Files::open(directory).map_err(store)?;
    let skeleton = File::open(directory.join("skeleton.zst")).map_err(store)?;
    let mut skeleton = SkeletonReader::new(skeleton).map_err(store)?;
    let mut output = Hashed {
        output,
        context: Context::new(&SHA256),
        written: 0,
    };
    let mut buffer = vec![0; BUFFER];
    while let Some(segment) = skeleton.next().map_err(store)? {
        match segment {
            Segment::Raw(bytes) => output.write(&bytes)?,
            Segment::File {
                sequence,
                size,
                path,
            } => {
                let file = files.contents(sequence, size, &path).map_err(store)?;
                let file = file.ok_or(SaveError::DamagedLayer(layer.diff_id))?;
                let copied = copy(file.take(size), &mut output, &mut buffer)?;
                if copied != size {
                    return Err(SaveError::DamagedLayer(layer.diff_id));
                }
            }
        }
    }
    if output.written == layer.tar_size && finish(output.context) == layer.diff_id {
        Ok(())
    } else {
        Err(SaveError::DamagedLayer(layer.diff_id))
    }
}

struct Hashed<'a> {
    output: &'a mut dyn Write,
    context: Context,
    written: u64,
}

impl Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SaveError> {
        self.context.update(bytes);
        self.written += bytes.len() as u64;
        self.output.write_all(bytes).map_err(SaveError::Write)
    }
}

fn copy(mut file: impl Read, output: &mut Hashed<'_>, buffer: &mut [u8]) -> Result<u64, SaveError> {
    let mut copied = 0;
    loop {
        let read = file.read(buffer).map_err(StoreError::io("read a layer"))?;
        if read == 0 {
            return Ok(copied);
        }
        output.write(buffer.get(..read).unwrap_or_default())?;
        copied += read as u64;
    }
}

/// Where the contents of a layer's files are.
struct Files {
    diff: OwnedFd,
    shadow: Option<OwnedFd>,
}

impl Files {
    fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let layer = rustix::fs::openat(CWD, directory, flags, Mode::empty())?;
        let shadow = match open_dir(&layer, b"shadow", NO_LINKS) {
            Ok(shadow) => Some(shadow),
            Err(Errno::NOENT) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            diff: open_dir(&layer, b"diff", NO_LINKS)?,
            shadow,
        })
    }

    /// The file with the contents; `None` if it is not what was unpacked.
    fn contents(&self, sequence: u32, size: u64, path: &[u8]) -> io::Result<Option<File>> {
        let number = sequence.to_string();
        let shadowed = match &self.shadow {
            Some(shadow) => open_file(shadow, number.as_bytes())?,
            None => None,
        };
        let file = match shadowed {
            Some(file) => Some(file),
            None => open_file(&self.diff, path)?,
        };
        let Some(file) = file else { return Ok(None) };
        let status = rustix::fs::fstat(&file)?;
        let is_same = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile
            && u64::try_from(status.st_size) == Ok(size);
        Ok(is_same.then_some(file))
    }
}

fn open_file(at: &OwnedFd, path: &[u8]) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat2(at, path, flags, Mode::empty(), NO_LINKS) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const BUFFER: usize = 256 * 1024;
