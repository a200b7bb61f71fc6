//! Paths of a container, resolved inside its root whatever its image put there.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// What a missing path becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
}

/// Opens a path as a bare handle (`O_PATH`). Links are followed, but lead nowhere outside the root.
pub(crate) fn open_in_root<Fd: AsFd>(root: Fd, path: &Path) -> Result<OwnedFd, Errno> {
    open_with(root, path, OFlags::PATH)
}

/// As [`open_in_root`], with flags of the caller's.
pub(crate) fn open_with<Fd: AsFd>(root: Fd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // A rename elsewhere can make the kernel unsure; it asks to be asked again.
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if tries < 100 => tries += 1,
            result => return result,
        }
    }
}

/// Opens a path, making what is missing: directories (0755), and at the end a directory or empty file.
pub(crate) fn ensure_in_root<Fd: AsFd>(
    root: Fd,
    path: &Path,
    kind: Kind,
) -> Result<OwnedFd, Errno> {
    ensure(root.as_fd(), path, kind, 0)
}

fn ensure(
    root: rustix::fd::BorrowedFd<'_>,
    path: &Path,
    kind: Kind,
    depth: u32,
) -> Result<OwnedFd, Errno> {
    match open_in_root(root, path) {
        Err(Errno::NOENT) => {}
        result => return result,
    }
    if depth > MAX_DEPTH {
        return Err(Errno::LOOP);
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::NOENT);
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let directory = ensure(root, parent, Kind::Directory, depth + 1)?;
    match make(&directory, name, kind) {
        Err(Errno::EXIST) => {
            // There is something after all: a link that leads to nothing yet.
            match target_of_link(&directory, parent, name) {
                Some(target) => ensure(root, &target, kind, depth + 1),
                None => open_in_root(root, path),
            }
        }
        Ok(()) => open_in_root(&directory, Path::new(name)),
        Err(error) => Err(error),
    }
}

fn make(directory: &OwnedFd, name: &OsStr, kind: Kind) -> Result<(), Errno> {
    match kind {
        Kind::Directory => rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)),
        Kind::File => {
            let mode = Mode::from_raw_mode(0o755);
            rustix::fs::mknodat(directory, name, FileType::RegularFile, mode, 0)
        }
    }
}

fn target_of_link(directory: &OwnedFd, parent: &Path, name: &OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let link = rustix::fs::readlinkat(directory, name, Vec::new()).ok()?;
    Some(parent.join(OsStr::from_bytes(link.to_bytes())))
}

/// Whether a handle is a directory.
pub(crate) fn is_directory<Fd: AsFd>(handle: Fd) -> Result<bool, Errno> {
    let stat = rustix::fs::statat(handle, "", AtFlags::EMPTY_PATH)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// More components and links than any sane path has; the kernel stops at 40 links.
const MAX_DEPTH: u32 = 255;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            let name = format!("lockgate-resolve-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(path.join("root")).unwrap();
            Self(path)
        }

        fn ensure(&self, path: &str, kind: Kind) -> Result<OwnedFd, Errno> {
            let root = fs::File::open(self.0.join("root")).unwrap();
            ensure_in_root(&root, Path::new(path), kind)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn makes_what_is_missing() {
        let root = Root::new("missing");
        root.ensure("/a/b/c", Kind::Directory).unwrap();
        root.ensure("/a/f", Kind::File).unwrap();
        assert!(root.0.join("root/a/b/c").is_dir());
        assert!(root.0.join("root/a/f").is_file());
    }

    #[test]
    fn links_out_of_the_root_lead_back_into_it() {
        let root = Root::new("links");
        let outside = root.0.join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, root.0.join("root/absolute")).unwrap();
        symlink("../../../../../../etc", root.0.join("root/relative")).unwrap();
        root.ensure("/absolute/x", Kind::File).unwrap();
        root.ensure("/relative/x", Kind::File).unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        let inside = root.0.join("root").join(outside.strip_prefix("/").unwrap());
        assert!(inside.join("x").is_file());
        assert!(root.0.join("root/etc/x").is_file());
    }

    #[test]
    fn circles_of_links_end() {
        let root = Root::new("circle");
        symlink("b", root.0.join("root/a")).unwrap();
        symlink("a", root.0.join("root/b")).unwrap();
        assert_eq!(root.ensure("/a/x", Kind::File).unwrap_err(), Errno::LOOP);
    }
}
