//! Reading, writing and removing in a cgroup file system.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::thread::{NanosleepRelativeResult, Timespec, nanosleep};

use super::CgroupError;

/// Writes `value` into a file that must exist, in one write.
pub(super) fn write(directory: &Path, name: &str, value: &str) -> Result<(), CgroupError> {
    let path = directory.join(name);
    let result = OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(value.as_bytes()));
    result.map_err(|source| CgroupError::File { path, source })
}

/// As [`write()`], if there is a value.
pub(super) fn write_some<T: ToString>(
    directory: &Path,
    name: &str,
    value: Option<T>,
) -> Result<(), CgroupError> {
    value.map_or(Ok(()), |value| write(directory, name, &value.to_string()))
}

/// Reads a whole file.
pub(super) fn read(directory: &Path, name: &str) -> Result<String, CgroupError> {
    let path = directory.join(name);
    fs::read_to_string(&path).map_err(|source| CgroupError::File { path, source })
}

/// The number in a file of one number; `max` reads as `None`.
pub(super) fn read_number(directory: &Path, name: &str) -> Result<Option<u64>, CgroupError> {
    Ok(read(directory, name)?.trim().parse().ok())
}

/// The number after `key` in a file of lines `key number`.
pub(super) fn read_key(
    directory: &Path,
    name: &str,
    key: &str,
) -> Result<Option<u64>, CgroupError> {
    let text = read(directory, name)?;
    Ok(pairs(&text)
        .find(|(k, _)| *k == key)
        .map(|(_, value)| value))
}

/// The lines `key number` of a text.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}

/// Makes one directory; one that exists is fine.
pub(super) fn make_directory(path: &Path) -> Result<(), CgroupError> {
    match fs::create_dir(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(CgroupError::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

pub(super) fn open_for_writing(directory: &Path, name: &str) -> Result<OwnedFd, CgroupError> {
    let path = directory.join(name);
    match OpenOptions::new().write(true).open(&path) {
        Ok(file) => Ok(file.into()),
        Err(source) => Err(CgroupError::File { path, source }),
    }
}

pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, CgroupError> {
    match fs::File::open(path) {
        Ok(file) => Ok(file.into()),
        Err(source) => Err(CgroupError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Calls `visit` for a directory and all below it, parents first. What vanishes meanwhile is skipped.
pub(super) fn for_each_directory(
    directory: &Path,
    visit: &mut dyn FnMut(&Path) -> Result<(), CgroupError>,
) -> Result<(), CgroupError> {
    match visit(directory) {
        Err(CgroupError::File { source, .. }) if is_gone(&source) => return Ok(()),
        result => result?,
    }
    for child in children(directory) {
        for_each_directory(&child, visit)?;
    }
    Ok(())
}

/// Removes a directory and those below it.
pub(super) fn remove_tree(directory: &Path) -> Result<(), CgroupError> {
    let mut pause = 100_000; // nanoseconds; doubles up to a second in total
    loop {
        match fs::remove_dir(directory) {
            Ok(()) => return Ok(()),
            Err(source) if is_gone(&source) => return Ok(()),
            Err(source)
                if source.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error())
                    && pause < 1_000_000_000 =>
            {
                for child in children(directory) {
                    remove_tree(&child)?;
                }
                sleep(pause);
                pause *= 2;
            }
            Err(source) => {
                return Err(CgroupError::File {
                    path: directory.to_owned(),
                    source,
                });
            }
        }
    }
}

/// Waits without an event to wait for.
pub(super) fn sleep(nanoseconds: i64) {
    let time = Timespec {
        tv_sec: 0,
        tv_nsec: nanoseconds.min(999_999_999),
    };
    match nanosleep(&time) {
        NanosleepRelativeResult::Ok
        | NanosleepRelativeResult::Interrupted(_)
        | NanosleepRelativeResult::Err(_) => {}
    }
}

fn children(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// ENODEV is what a file says whose cgroup was removed after the file was opened.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}
