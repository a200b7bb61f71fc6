//! A tree of this machine as a tar stream, packed by a thread while it is sent.

use std::fs::{self, File};
use std::io::{self, PipeReader, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use tar::{Builder, EntryType, Header};

/// What to pack.
pub(super) struct Packing {
    /// A file or directory.
    pub(super) path: String,
    /// What it is called in the stream.
    pub(super) name: String,
}

/// The stream; it ends well only if the packing did.
pub(super) struct Packed {
    pipe: PipeReader,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Starts to pack.
pub(super) fn pack(what: Packing) -> io::Result<Packed> {
    let (pipe, out) = io::pipe()?;
    let thread = thread::Builder::new().name("cp".to_owned());
    let thread = thread.spawn(move || {
        let mut builder = Builder::new(io::BufWriter::with_capacity(BUFFER, out));
        add(&mut builder, Path::new(&what.path), Path::new(&what.name))?;
        builder.into_inner()?.into_inner()?;
        Ok(())
    })?;
    Ok(Packed {
        pipe,
        thread: Some(thread),
    })
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        if read == 0
            && !buffer.is_empty()
            && let Some(thread) = self.thread.take()
        {
            let packed = thread.join();
            packed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(read)
    }
}

/// One member and all below it, in order of names.
fn add<W: io::Write>(builder: &mut Builder<W>, path: &Path, name: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let kind = found.file_type();
    let mut header = Header::new_gnu();
    header.set_metadata(&found);
    if kind.is_symlink() {
        header.set_size(0);
        return builder.append_link(&mut header, name, fs::read_link(path)?);
    }
    if kind.is_dir() {
        // A final slash is what tells some readers that this is a directory.
        let shown = PathBuf::from(std::ffi::OsStr::from_bytes(
            &[name.as_os_str().as_bytes(), b"/"].concat(),
        ));
        builder.append_data(&mut header, shown, io::empty())?;
        let mut names = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        for child in names {
            match add(builder, &path.join(&child), &name.join(&child)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        return Ok(());
    }
    if kind.is_file() {
        let size = found.len();
        let mut file = Exact {
            file: File::open(path)?,
            left: size,
        };
        return builder.append_data(&mut header, name, &mut file);
    }
    if kind.is_socket() {
        return Ok(());
    }
    special(builder, &mut header, &found, name)
}

/// Devices and pipes.
fn special<W: io::Write>(
    builder: &mut Builder<W>,
    header: &mut Header,
    found: &fs::Metadata,
    name: &Path,
) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let kind = found.file_type();
    header.set_entry_type(if kind.is_fifo() {
        EntryType::Fifo
    } else if kind.is_char_device() {
        EntryType::Char
    } else {
        EntryType::Block
    });
    header.set_size(0);
    header.set_device_major(rustix::fs::major(found.rdev()))?;
    header.set_device_minor(rustix::fs::minor(found.rdev()))?;
    builder.append_data(header, name, io::empty())
}

/// A file as long as its header says, whatever happens to it meanwhile.
struct Exact {
    file: File,
    left: u64,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let read = self.file.read(buffer)?;
        if read == 0 {
            let reason = "a file became shorter while it was read";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

const BUFFER: usize = 64 * 1024;
