//! One file of the authority's directory, changed as a whole under the directory's lock.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The lock; whoever holds it changes the directory, and nobody else.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Locked {
    /// Waits for the lock of the directory that holds `path`.
    pub(crate) fn for_file(path: &Path) -> io::Result<Self> {
        let directory = File::open(directory_of(path))?;
        flock(&directory, FlockOperation::LockExclusive)?;
        Ok(Self(directory))
    }

    /// Replaces a file; when this returns, the new content is on disk.
    pub(crate) fn replace(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let temporary = temporary(path);
        let written = write(&temporary, content, mode).and_then(|()| fs::rename(&temporary, path));
        if let Err(error) = written {
            // It may never have been made; the first error is the one to tell.
            drop(fs::remove_file(&temporary));
            return Err(error);
        }
        self.0.sync_all()
    }

    /// Adds whole lines to the end of a file.
    pub(crate) fn append(&self, path: &Path, lines: &str) -> io::Result<()> {
        let mut content = read(path)?;
        if content.last().is_some_and(|last| *last != b'\n') {
            content.push(b'\n');
        }
        content.extend_from_slice(lines.as_bytes());
        self.replace(path, &content, 0o600)
    }
}

/// A file's content; one that is not there is empty.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()
}

/// Always the same name: the lock keeps others away, and one left by a crash is used again.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
