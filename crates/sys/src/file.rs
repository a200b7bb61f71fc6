//! Whole files: read without being made to wait, replaced atomically.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, renameat_with};

/// Opens an ordinary file to be read. Opening waits for nobody: a FIFO in its place is refused as every device is,
/// whenever it was put there.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// Reads an ordinary file of at most `limit` bytes; a longer one is refused whole (`FileTooLarge`).
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_limited(open_regular(path)?, limit)
}

/// As [`read_regular`], where the file was looked at before it is read.
pub fn read_limited(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// What a written file must outlive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Death of any process at any instruction: the rename alone gives that.
    Crash,
    /// Loss of power: file and directory are synced as well.
    PowerLoss,
}

/// Replaces `path` by a file of `bytes` with mode 0600; readers see the old file or the new one.
///
/// The temporary file lies beside `path` and is named `.<name>.<pid>.<n>.tmp`. After a failure the old
/// file is untouched and the temporary one is gone (after a crash it may stay: it begins with a dot).
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    write_atomic_mode(path, bytes, 0o600, durability)
}

/// As [`write_atomic`], with a mode of the caller's choice (before the umask).
pub fn write_atomic_mode(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    durability: Durability,
) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let result = write_new(&temporary, bytes, mode, durability)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| match durability {
            Durability::Crash => Ok(()),
            Durability::PowerLoss => {
                sync_directory(path.parent().unwrap_or_else(|| Path::new(".")))
            }
        });
    if result.is_err() {
        // It may not have been made, or may be renamed already; the first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    result
}

/// Makes a file of `bytes` with mode 0600, whole and on disk under its name, or not at all. One that is there
/// is left alone: `AlreadyExists`.
pub fn write_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let result = write_new(&temporary, bytes, 0o600, Durability::PowerLoss)
        .and_then(|()| {
            Ok(renameat_with(
                CWD,
                &temporary,
                CWD,
                path,
                RenameFlags::NOREPLACE,
            )?)
        })
        .and_then(|()| sync_directory(path.parent().unwrap_or_else(|| Path::new("."))));
    if result.is_err() {
        // As above.
        drop(fs::remove_file(&temporary));
    }
    result
}

/// Syncs a directory, so that names made or renamed in it outlive a loss of power.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    File::open(directory)?.sync_all()
}

/// Asks the file system to give each directory made in `directory` a region of its own.
///
/// ext4 does not hand out an inode again for some minutes after it was deleted, and looks at each such
/// inode whenever it makes a file nearby: making files where thousands were deleted just now is ten
/// times slower. With this (`chattr +T`), new directories begin elsewhere. Other file systems have
/// no such flag and no such need, so a refusal is no error.
pub fn spread_children(directory: &Path) -> io::Result<()> {
    let directory = File::open(directory)?;
    let Ok(flags) = rustix::fs::ioctl_getflags(&directory) else {
        return Ok(());
    };
    let wanted = flags | rustix::fs::IFlags::TOPDIR;
    match rustix::fs::ioctl_setflags(&directory, wanted) {
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32, durability: Durability) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    match durability {
        Durability::Crash => Ok(()),
        Durability::PowerLoss => file.sync_data(),
    }
}

fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.{number}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}

/// Makes names of temporary files unique within the process.
static COUNTER: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> PathBuf {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("lockgate-file-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn replaces_the_whole_file_and_leaves_nothing_else() {
        let directory = scratch();
        let path = directory.join("state.json");
        for (text, durability) in [
            ("a longer first text", Durability::Crash),
            ("second", Durability::PowerLoss),
        ] {
            write_atomic(&path, text.as_bytes(), durability).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn only_an_ordinary_file_of_bounded_length_is_read_and_nothing_is_waited_for() {
        let directory = scratch();
        let (file, fifo) = (directory.join("file"), directory.join("fifo"));
        fs::write(&file, b"12345").unwrap();
        assert_eq!(read_regular(&file, 5).unwrap(), b"12345");
        let error = read_regular(&file, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let link = directory.join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&fifo, &link, &directory] {
            let error = read_regular(path, 5).unwrap_err();
            assert_eq!(error.to_string(), "it is no regular file");
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_is_written_once_is_never_replaced() {
        let directory = scratch();
        let path = directory.join("backup");
        write_once(&path, b"first").unwrap();
        let again = write_once(&path, b"second").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file() {
        let directory = scratch();
        let path = directory.join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"x", Durability::Crash).is_err());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }
}
