//! A tar stream from a container, unpacked on this machine. The container may be hostile: no member leaves the
//! directory, by its name or by a link that came before it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use tar::{Archive, Builder, EntryType};

use crate::config::go_error;
use crate::failure::Failure;

/// Where and under which name.
pub(super) struct Unpacking {
    pub(super) directory: String,
    /// The first component in the stream, and what it is to be called.
    pub(super) rename: Option<(String, String)>,
}

/// Unpacks; says how many bytes came.
pub(super) fn unpack(stream: impl Read + Send, what: &Unpacking) -> Result<u64, Failure> {
    let mut counted = Counted(stream, 0);
    let Some((old, new)) = &what.rename else {
        extract(&mut counted, &what.directory)?;
        // The rest is padding, but the connection wants to be read to its end.
        io::copy(&mut counted, &mut io::sink())?;
        return Ok(counted.1);
    };
    let (renamed, out) = io::pipe()?;
    let counted = &mut counted;
    let (extracted, passed) = thread::scope(|scope| {
        let passing = scope.spawn(move || {
            let passed = rename(&mut *counted, out, old, new);
            io::copy(counted, &mut io::sink())
                .and(passed)
                .map(|()| counted.1)
        });
        let extracted = extract(renamed, &what.directory);
        (extracted, passing.join())
    });
    let passed = passed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match (extracted, passed) {
        (Ok(()), passed) => Ok(passed?),
        (Err(failure), _) => Err(failure),
    }
}

/// The same stream with another first component.
fn rename(stream: impl Read, out: impl Write, old: &str, new: &str) -> io::Result<()> {
    let mut archive = Archive::new(stream);
    let mut builder = Builder::new(io::BufWriter::new(out));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = renamed(&entry.path()?, old, new);
        let mut header = entry.header().clone();
        header.set_size(entry.size());
        match (header.entry_type(), entry.link_name()?) {
            (EntryType::Link, Some(link)) => {
                let link = renamed(&link, old, new);
                builder.append_link(&mut header, path, link)?;
            }
            (EntryType::Symlink, Some(link)) => {
                builder.append_link(&mut header, path, link)?;
            }
            _ => builder.append_data(&mut header, path, &mut entry)?,
        }
    }
    builder.into_inner()?.flush()
}

fn renamed(path: &Path, old: &str, new: &str) -> PathBuf {
    let is_directory = path.to_string_lossy().ends_with('/');
    let rest = match old {
        "" | "." => path.strip_prefix("/").or_else(|_| path.strip_prefix(".")),
        old => path.strip_prefix(old),
    };
    // What does not begin with the name keeps its own, below the new one.
    let renamed = Path::new(new).join(rest.unwrap_or(path));
    if is_directory {
        renamed.join("")
    } else {
        renamed
    }
}

fn extract(stream: impl Read, directory: &str) -> Result<(), Failure> {
    let mut archive = Archive::new(stream);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.set_overwrite(true);
    let place = Path::new(directory);
    let mut directories = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        check_kind(entry.header().entry_type(), &path, place)?;
        match entry.header().entry_type() {
            // A directory that cannot be written to comes after what is in it, which makes it where needed.
            EntryType::Directory => directories.push(entry),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                let path = path.display();
                return Err(Failure::new(format!(
                    "{path} is a device or pipe, which is not copied to this machine"
                )));
            }
            _ => put(&mut entry, place)?,
        }
    }
    for mut entry in directories.into_iter().rev() {
        put(&mut entry, place)?;
        let path = place.join(safe(&entry.path()?)?);
        set_time(&path, entry.header().mtime()?)?;
    }
    Ok(())
}

/// The library leaves the times of directories as they are.
fn set_time(directory: &Path, seconds: u64) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};
    let time = Timespec {
        tv_sec: i64::try_from(seconds).unwrap_or(i64::MAX),
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, directory, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// The name below the directory; names that climb are refused.
fn safe(path: &Path) -> Result<PathBuf, Failure> {
    use std::path::Component;
    let mut safe = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => safe.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(outside(path));
            }
        }
    }
    Ok(safe)
}

fn put<R: Read>(entry: &mut tar::Entry<'_, R>, place: &Path) -> Result<(), Failure> {
    let path = entry.path()?.into_owned();
    safe(&path)?;
    let failed = |error: io::Error| {
        let reason = error
            .get_ref()
            .map_or_else(|| go_error(&error), ToString::to_string);
        Failure::new(format!("{}: {reason}", path.display()))
    };
    if entry.unpack_in(place).map_err(failed)? {
        Ok(())
    } else {
        Err(outside(&path))
    }
}

/// A directory is not replaced by something else, nor something else by a directory.
fn check_kind(kind: EntryType, path: &Path, place: &Path) -> Result<(), Failure> {
    let Ok(found) = fs::symlink_metadata(place.join(safe(path)?)) else {
        return Ok(());
    };
    let (path, place) = (path.display().to_string(), place.display().to_string());
    let path = path.trim_end_matches('/');
    match (found.is_dir(), kind == EntryType::Directory) {
        (true, false) => Err(Failure::new(format!(
            "cannot overwrite directory {path:?} with non-directory {place:?}"
        ))),
        (false, true) => Err(Failure::new(format!(
            "cannot overwrite non-directory {path:?} with directory {place:?}"
        ))),
        _ => Ok(()),
    }
}

fn outside(path: &Path) -> Failure {
    let path = path.display().to_string();
    Failure::new(format!("invalid entry name {path:?}"))
}

struct Counted<R>(R, u64);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1 += read as u64;
        Ok(read)
    }
}
