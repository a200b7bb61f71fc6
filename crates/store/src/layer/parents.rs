//! Directories inside a layer's root, reached only through handles.
//!
//! A path is never handed to the kernel as a whole with links allowed, except below the root
//! handle with `RESOLVE_IN_ROOT`: there the kernel keeps every link, `..` and absolute target inside.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::path::split;

/// A directory of the layer: its handle, and its path without links.
#[derive(Clone)]
pub(crate) struct Dir {
    pub(crate) handle: Rc<OwnedFd>,
    pub(crate) path: Rc<[u8]>,
}

/// The directories of one layer, with a small cache of handles.
pub(crate) struct Dirs {
    root: Dir,
    /// Where the root is, as the kernel shows it.
    root_path: Vec<u8>,
    /// Who owns directories that no member names.
    owner: (u32, u32),
    cache: HashMap<Vec<u8>, Dir>,
}

impl Dirs {
    pub(crate) fn new(root: OwnedFd, owner: (u32, u32)) -> io::Result<Self> {
        let root_path = path_of(&root)?;
        own(&root, owner)?;
        let root = Dir {
            handle: Rc::new(root),
            path: Rc::from(&b""[..]),
        };
        Ok(Self {
            root,
            root_path,
            owner,
            cache: HashMap::new(),
        })
    }

    /// The directory `path`, made with its parents where it does not exist.
    pub(crate) fn ensure(&mut self, path: &[u8]) -> io::Result<Dir> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        if let Some(known) = self.cache.get(path) {
            return Ok(known.clone());
        }
        let dir = match open_dir(&self.root.handle, path, NO_LINKS) {
            Ok(handle) => Dir {
                handle: Rc::new(handle),
                path: Rc::from(path),
            },
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => {
                let (parent, name) = split(path);
                let parent = self.ensure(parent)?;
                self.step(&parent, name)?
            }
            Err(error) => return Err(error.into()),
        };
        self.remember(path, &dir);
        Ok(dir)
    }

    /// The directory `path` if it exists; links are followed inside the root.
    pub(crate) fn existing(&self, path: &[u8]) -> io::Result<Dir> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        match open_dir(&self.root.handle, path, NO_LINKS) {
            Ok(handle) => Ok(Dir {
                handle: Rc::new(handle),
                path: Rc::from(path),
            }),
            Err(Errno::LOOP | Errno::NOTDIR) => self.follow(path),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory at exactly `path`; `None` if that is no directory (any more).
    pub(crate) fn unlinked(&self, path: &[u8]) -> io::Result<Option<Rc<OwnedFd>>> {
        if path.is_empty() {
            return Ok(Some(Rc::clone(&self.root.handle)));
        }
        match open_dir(&self.root.handle, path, NO_LINKS) {
            Ok(handle) => Ok(Some(Rc::new(handle))),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Must be called when a directory or a link was removed.
    pub(crate) fn forget(&mut self) {
        self.cache.clear();
    }

    /// One component down from `parent`.
    fn step(&self, parent: &Dir, name: &[u8]) -> io::Result<Dir> {
        let path = join(&parent.path, name);
        let made = |handle| Dir {
            handle: Rc::new(handle),
            path: Rc::from(path.as_slice()),
        };
        match open_dir(&parent.handle, name, NO_LINKS) {
            Ok(handle) => return Ok(made(handle)),
            Err(Errno::NOENT) => {
                return Ok(made(self.implied(parent, name)?));
            }
            Err(Errno::LOOP | Errno::NOTDIR) => {}
            Err(error) => return Err(error.into()),
        }
        let status = rustix::fs::statat(&parent.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Symlink => self.follow(&path),
            FileType::CharacterDevice if status.st_rdev == 0 => {
                rustix::fs::unlinkat(&parent.handle, name, AtFlags::empty())?;
                let handle = self.implied(parent, name)?;
                make_opaque(&handle)?;
                Ok(made(handle))
            }
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    /// A new directory that no member has named yet.
    fn implied(&self, parent: &Dir, name: &[u8]) -> io::Result<OwnedFd> {
        rustix::fs::mkdirat(&parent.handle, name, IMPLIED)?;
        let handle = open_dir(&parent.handle, name, NO_LINKS)?;
        own(&handle, self.owner)?;
        Ok(handle)
    }

    /// Follows links inside the root and finds out where they lead.
    fn follow(&self, path: &[u8]) -> io::Result<Dir> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let handle = open_dir(&self.root.handle, path, resolve)?;
        let real = path_of(&handle)?;
        let inside = real
            .strip_prefix(self.root_path.as_slice())
            .ok_or(Errno::XDEV)?;
        let inside = match inside.split_first() {
            None => inside,
            Some((b'/', rest)) => rest,
            Some(_) => return Err(Errno::XDEV.into()),
        };
        Ok(Dir {
            handle: Rc::new(handle),
            path: Rc::from(inside),
        })
    }

    fn remember(&mut self, path: &[u8], dir: &Dir) {
        if self.cache.len() >= CACHED {
            self.cache.clear();
        }
        self.cache.insert(path.to_vec(), dir.clone());
    }
}

/// `parent/name`.
fn own(directory: &OwnedFd, (uid, gid): (u32, u32)) -> io::Result<()> {
    if (uid, gid) == (0, 0) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let flags = AtFlags::EMPTY_PATH;
    Ok(rustix::fs::chownat(
        directory,
        "",
        Some(uid),
        Some(gid),
        flags,
    )?)
}

pub(crate) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

/// Opens a directory as a place for `*at` calls.
pub(crate) fn open_dir<F: AsFd>(
    at: F,
    path: &[u8],
    resolve: ResolveFlags,
) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    loop {
        match rustix::fs::openat2(at.as_fd(), path, flags, Mode::empty(), resolve) {
            // A rename anywhere in the system made the kernel lose its way.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Hides what lower layers have in this directory.
pub(crate) fn make_opaque(directory: &OwnedFd) -> io::Result<()> {
    let path = magic_path(directory);
    Ok(rustix::fs::setxattr(
        path,
        lockgate_sys::userns::overlay_opaque(),
        b"y",
        XattrFlags::empty(),
    )?)
}

/// A path that leads to an open handle, for calls that take no `O_PATH` handle.
pub(crate) fn magic_path(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

fn path_of(handle: &OwnedFd) -> io::Result<Vec<u8>> {
    Ok(rustix::fs::readlink(magic_path(handle), Vec::new())?.into_bytes())
}

/// Below the starting handle, through no link of any kind.
pub(crate) const NO_LINKS: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);
/// The mode of directories that no member describes, as in other engines.
const IMPLIED: Mode = Mode::from_raw_mode(0o755);
/// Tar streams walk a tree in order, so a few handles are enough.
const CACHED: usize = 64;
