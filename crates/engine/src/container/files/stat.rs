//! What a path in a container is.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};

use lockgate_store::open_in_root;
use lockgate_types::Timestamp;
use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::{Files, FilesError};

/// A file in a container, as `lstat` sees it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStat {
    /// The last component; `.` and `/` stay themselves.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Kind and permissions in Go's terms (`os.FileMode`), which the API has.
    pub mode: u32,
    /// Time of the last change.
    pub mtime: Timestamp,
    /// Where a link finally leads, as a path in the container; empty for all else.
    pub link_target: String,
}

/// A path that was found.
pub(super) struct Found {
    pub(super) handle: OwnedFd,
    pub(super) stat: PathStat,
}

impl Files {
    /// What `path` is. Blocks.
    pub fn stat(&self, path: &str) -> Result<PathStat, FilesError> {
        Ok(self.find(path)?.stat)
    }

    /// A link at the end is not followed, unless the path says that it is a directory.
    pub(super) fn find(&self, path: &str) -> Result<Found, FilesError> {
        let absolute = absolute(path);
        let is_directory = absolute.ends_with('/') || absolute.ends_with("/.");
        let flags = if is_directory {
            OFlags::PATH | OFlags::DIRECTORY
        } else {
            OFlags::PATH | OFlags::NOFOLLOW
        };
        let relative = absolute.trim_start_matches('/').as_bytes();
        let found = open_in_root(self.view.root(), relative, flags)
            .and_then(|handle| rustix::fs::fstat(&handle).map(|stat| (handle, stat)));
        let (handle, stat) = found.map_err(|error| self.path_error(error, path, &absolute))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let link_target = if kind == FileType::Symlink {
            self.resolve(&absolute)
                .map_err(|error| self.path_error(error, path, &absolute))?
        } else {
            String::new()
        };
        let stat = PathStat {
            name: base(&absolute).to_owned(),
            size: stat.st_size,
            mode: go_mode(kind, &stat),
            mtime: mtime(&stat),
            link_target,
        };
        Ok(Found { handle, stat })
    }

    pub(super) fn path_error(&self, error: Errno, asked: &str, absolute: &str) -> FilesError {
        if error == Errno::NOENT {
            return FilesError::NotFound {
                path: asked.to_owned(),
                container: self.asked.clone(),
            };
        }
        FilesError::Path {
            path: absolute.to_owned(),
            reason: go_reason(error),
        }
    }

    /// Where a path leads when all links are followed, or as much of it as exists. This is text for the client:
    /// whatever it is used for is resolved anew.
    fn resolve(&self, path: &str) -> rustix::io::Result<String> {
        let mut done: Vec<String> = Vec::new();
        let mut rest: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => drop(done.pop()),
                _ => done.push(part),
            }
            let at = done.join("/");
            let flags = OFlags::PATH | OFlags::NOFOLLOW;
            let Ok(handle) = open_in_root(self.view.root(), at.as_bytes(), flags) else {
                continue;
            };
            let Ok(link) = rustix::fs::readlinkat(handle.as_fd(), "", Vec::new()) else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP);
            }
            let link = link.to_string_lossy();
            done.pop();
            if link.starts_with('/') {
                done.clear();
            }
            for part in link.rsplit('/') {
                rest.push_front(part.to_owned());
            }
        }
        Ok(format!("/{}", done.join("/")))
    }
}

/// The path from the root without `..` and doubled slashes; a final `/` or `/.` stays, for it means a directory.
pub(super) fn absolute(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    let is_here = base(path) == "." && !path.is_empty();
    if (is_here || path.ends_with('/')) && !clean.ends_with('/') {
        clean.push('/');
    }
    if is_here {
        clean.push('.');
    }
    clean
}

/// The last component, trailing slashes aside.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// Go's `os.FileMode` of a file.
fn go_mode(kind: FileType, stat: &Stat) -> u32 {
    let special = match kind {
        FileType::Directory => 1 << 31,
        FileType::Symlink => 1 << 27,
        FileType::BlockDevice => 1 << 26,
        FileType::CharacterDevice => 1 << 26 | 1 << 21,
        FileType::Fifo => 1 << 25,
        FileType::Socket => 1 << 24,
        FileType::RegularFile | FileType::Unknown => 0,
    };
    let bit = |unix: u32, go: u32| if stat.st_mode & unix == 0 { 0 } else { 1 << go };
    special | bit(0o4000, 23) | bit(0o2000, 22) | bit(0o1000, 20) | stat.st_mode & 0o777
}

fn mtime(stat: &Stat) -> Timestamp {
    let nanos = i128::from(stat.st_mtime_nsec);
    Timestamp::from_unix_nanos(i128::from(stat.st_mtime) * 1_000_000_000 + nanos)
}

/// The kernel's answer in Go's words, which clients have seen for years.
fn go_reason(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

const MAX_LINKS: u32 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute_and_keep_what_means_a_directory() {
        for (path, clean, name) in [
            ("/etc", "/etc", "etc"),
            ("etc/passwd", "/etc/passwd", "passwd"),
            ("/etc/", "/etc/", "etc"),
            ("/etc/.", "/etc/.", "."),
            ("/", "/", "/"),
            ("/.", "/.", "."),
            (".", "/.", "."),
            ("/a/../../b", "/b", "b"),
            ("..", "/", "/"),
        ] {
            assert_eq!(absolute(path), clean, "{path}");
            assert_eq!(base(&absolute(path)), name, "{path}");
        }
    }
}
