//! What a container's writable layer changes in its image.
//!
//! Only the writable layer is walked; the image is asked about what is found there. Copies that turned out the same
//! are no change, nor are the places that the runtime makes for its own mounts.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use lockgate_store::Snapshot;
use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::layers::{Entry, Layers, is_opaque, is_whiteout, list, magic_path};
use super::places::is_place;

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Modified,
    Added,
    Deleted,
}

/// The difference between a writable layer and what is below it.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// Paths without a leading slash; a directory comes before what is in it.
    pub(crate) changes: Vec<(Vec<u8>, Kind)>,
    /// What is in the writable layer and changes nothing.
    pub(crate) silent: HashSet<Vec<u8>>,
}

/// Compares. Blocks.
pub(crate) fn diff(snapshot: &Snapshot) -> io::Result<Diff> {
    let upper = open(rustix::fs::CWD, snapshot.upper.as_os_str())?;
    let lower = Layers::open(snapshot.lower.iter())?;
    let mut diff = Diff::default();
    diff.directory(&upper, Some(&lower), b"", 0)?;
    Ok(diff)
}

impl Diff {
    fn directory(
        &mut self,
        upper: &OwnedFd,
        lower: Option<&Layers>,
        base: &[u8],
        depth: u32,
    ) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(rustix::io::Errno::LOOP.into());
        }
        let names = list(upper)?;
        for name in &names {
            self.entry(upper, lower, base, name, depth)?;
        }
        let Some(lower) = lower.filter(|_| depth > 0 && is_opaque(upper)) else {
            return Ok(());
        };
        for name in lower.names()? {
            if names.binary_search(&name).is_err() {
                self.changes.push((join(base, &name), Kind::Deleted));
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        upper: &OwnedFd,
        lower: Option<&Layers>,
        base: &[u8],
        name: &OsStr,
        depth: u32,
    ) -> io::Result<()> {
        let path = join(base, name);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(upper, name, flags, Mode::empty()) {
            // A running container removes things while we look.
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            result => result?,
        };
        let stat = rustix::fs::fstat(&handle)?;
        let below = lower.map(|lower| lower.entry(name)).transpose()?.flatten();
        if is_whiteout(&stat) {
            match below {
                Some(_) => self.changes.push((path, Kind::Deleted)),
                None => drop(self.silent.insert(path)),
            }
            return Ok(());
        }
        let kind = match &below {
            None => Some(Kind::Added),
            Some(below) => differs(&handle, &stat, below).then_some(Kind::Modified),
        };
        let at = self.changes.len();
        self.changes.push((path, kind.unwrap_or(Kind::Modified)));
        let file_type = FileType::from_raw_mode(stat.st_mode);
        let is_link = file_type == FileType::Symlink;
        let mut is_empty = stat.st_size == 0;
        if file_type == FileType::Directory {
            let path = self.changes.get(at).map(|(path, _)| path.clone());
            let below = below.and_then(|below| below.directory);
            self.directory(
                &handle,
                below.as_ref(),
                &path.unwrap_or_default(),
                depth + 1,
            )?;
            is_empty = self.changes.len() == at + 1;
            if kind.is_none() && !is_empty {
                return Ok(());
            }
        }
        let is_ours = |path: &[u8]| {
            kind == Some(Kind::Added)
                && ((is_empty && OURS.contains(&path))
                    || ((is_empty || is_link) && is_place(path, &handle, &stat)))
        };
        if let Some((path, _)) = self.changes.get(at)
            && (kind.is_none() || is_ours(path))
        {
            self.silent.insert(path.clone());
            self.changes.truncate(at);
        }
        Ok(())
    }
}

/// Directories change by what is in them, so their size and time say nothing.
fn differs(handle: &OwnedFd, new: &Stat, below: &Entry) -> bool {
    let old = &below.stat;
    let is_directory = FileType::from_raw_mode(new.st_mode) == FileType::Directory;
    let same_content = is_directory
        || (new.st_size, new.st_mtime, new.st_mtime_nsec)
            == (old.st_size, old.st_mtime, old.st_mtime_nsec);
    (new.st_mode, new.st_uid, new.st_gid, new.st_rdev)
        != (old.st_mode, old.st_uid, old.st_gid, old.st_rdev)
        || !same_content
        || capability(handle) != capability(&below.handle)
}

fn capability(handle: &OwnedFd) -> Option<Vec<u8>> {
    let mut value = [0; 64];
    let length =
        rustix::fs::getxattr(magic_path(handle), "security.capability", &mut value[..]).ok()?;
    value.get(..length).map(<[u8]>::to_vec)
}

fn open<Fd: std::os::fd::AsFd>(at: Fd, path: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, path, flags, Mode::empty())?)
}

fn join(base: &[u8], name: &OsStr) -> Vec<u8> {
    if base.is_empty() {
        name.as_bytes().to_vec()
    } else {
        [base, b"/", name.as_bytes()].concat()
    }
}

/// Directories that hold the places of [`super::places`], and one that the runtime makes for a mount.
const OURS: [&[u8]; 3] = [b"dev", b"dev/mqueue", b"etc"];

const MAX_DEPTH: u32 = 256;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;

    fn whiteout(path: &Path) {
        let kind = FileType::CharacterDevice;
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, Mode::empty(), 0).unwrap();
    }

    fn copy(from: &Path, to: &Path) {
        fs::copy(from, to).unwrap();
        let time = fs::metadata(from).unwrap().modified().unwrap();
        fs::File::open(to).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn tells_what_was_added_modified_and_deleted() {
        let root = tempfile::tempdir().unwrap();
        let (upper, lower) = (root.path().join("upper"), root.path().join("lower"));
        for path in [
            "upper/etc",
            "upper/bin",
            "upper/new/deep",
            "upper/opaque",
            "upper/dev/shm",
        ] {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        for path in ["lower/etc", "lower/bin", "lower/opaque/gone"] {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        for name in ["etc/same", "etc/other", "etc/gone", "bin/tool"] {
            fs::write(lower.join(name), name).unwrap();
        }
        copy(&lower.join("etc/same"), &upper.join("etc/same"));
        fs::write(upper.join("etc/other"), "longer than before").unwrap();
        whiteout(&upper.join("etc/gone"));
        whiteout(&upper.join("etc/never"));
        fs::write(upper.join("etc/hosts"), "").unwrap();
        fs::set_permissions(upper.join("bin"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("x", upper.join("new/deep/link")).unwrap();
        fs::write(upper.join("opaque/in"), "").unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        let opaque = upper.join("opaque");
        rustix::fs::setxattr(&opaque, "trusted.overlay.opaque", b"y", flags).unwrap();
        let snapshot = Snapshot {
            lower: vec![lower],
            upper,
            work: root.path().join("work"),
            image: None,
        };
        let found = diff(&snapshot).unwrap();
        let text: Vec<String> = found
            .changes
            .iter()
            .map(|(path, kind)| format!("{kind:?} {}", String::from_utf8_lossy(path)))
            .collect();
        assert_eq!(
            text,
            [
                "Modified bin",
                "Modified etc",
                "Deleted etc/gone",
                "Modified etc/other",
                "Added new",
                "Added new/deep",
                "Added new/deep/link",
                "Modified opaque",
                "Added opaque/in",
                "Deleted opaque/gone",
            ]
        );
        for silent in ["dev", "etc/hosts", "etc/same", "etc/never"] {
            assert!(found.silent.contains(silent.as_bytes()), "{silent}");
        }
    }
}
