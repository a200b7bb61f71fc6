//! From a tar stream into a tree that others use.

mod place;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd as _, OwnedFd};

use lockgate_types::IdMapping;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::UnpackError;
use super::handle::{look, magic_path, open_in_root};
use crate::archive::open;
use crate::error::LayerError;
use crate::layer::{Contents, Entry, Kind, MAX_MEMBERS, Numbers, TarReader, display};
use place::{Place, lexical, split_name};

/// How an archive is unpacked into a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnpackOptions {
    /// A directory is not replaced by something else, nor something else by a directory.
    pub keep_kinds: bool,
    /// Everything belongs to this user and group, whatever the archive says.
    pub owner: Option<(u32, u32)>,
    /// Who the owners in the archive, and that one, are on this host.
    pub ids: IdMapping,
    /// What the directory is called in errors.
    pub shown: String,
}

/// Unpacks a stream (plain, bzip2, gzip, xz, zstd) below `directory`, which is the root for every link and `..` on the way.
/// What was there before is replaced, but directories are merged.
pub fn unpack_tree(
    directory: &OwnedFd,
    reader: impl Read,
    options: &UnpackOptions,
) -> Result<(), UnpackError> {
    let mut tar = TarReader::new(open(reader)?, ());
    let mut unpacker = Unpacker {
        place: Place::new(directory, place_owner(options)),
        options,
        pending: Vec::new(),
        buffer: vec![0; BUFFER],
    };
    let mut members = 0;
    while let Some(entry) = tar.next()? {
        members += 1;
        if members > MAX_MEMBERS {
            return Err(LayerError::TooManyMembers(MAX_MEMBERS).into());
        }
        unpacker.member(&mut tar, &entry)?;
    }
    tar.drain()?;
    unpacker.finish();
    Ok(())
}

/// Who owns directories that the archive does not name: the one owner, or root inside.
fn place_owner(options: &UnpackOptions) -> Option<(u32, u32)> {
    match options.owner {
        Some(owner) => options.ids.outside(owner),
        None if options.ids.is_identity() => None,
        None => Some(options.ids.root()),
    }
}

/// The directory at `path` below `root`, made with its parents where there is none; those belong to `owner`.
pub fn ensure_directory(
    root: &OwnedFd,
    path: &[u8],
    owner: (u32, u32),
) -> std::io::Result<OwnedFd> {
    let path = lexical(path).ok_or(std::io::ErrorKind::InvalidFilename)?;
    let made = Place::new(root, Some(owner)).ensure(&path)?;
    made.try_clone()
}

struct Unpacker<'a> {
    place: Place<'a>,
    options: &'a UnpackOptions,
    /// Times of directories, for when nothing is made in them any more.
    pending: Vec<(Vec<u8>, Numbers)>,
    buffer: Vec<u8>,
}

impl Unpacker<'_> {
    fn member<R: Read>(
        &mut self,
        tar: &mut TarReader<R, ()>,
        entry: &Entry,
    ) -> Result<(), UnpackError> {
        let outside = || UnpackError::EntryName(display(&entry.path));
        let path = lexical(&entry.path).ok_or_else(outside)?;
        if path.is_empty() {
            // The directory itself stays as it is.
            return match entry.kind {
                Kind::Directory => Ok(()),
                _ => Err(outside()),
            };
        }
        let failed = |error: Errno| failed(&path, error);
        let (parent, name) = split_name(&path);
        let parent = self.place.ensure(parent).map_err(failed)?;
        let is_directory = entry.kind == Kind::Directory;
        let merges = self.make_way(&parent, name, is_directory, &path)?;
        match entry.kind {
            Kind::Directory if merges => {}
            Kind::Directory => rustix::fs::mkdirat(&parent, name, PRIVATE).map_err(failed)?,
            Kind::Regular | Kind::Sparse => return self.file(tar, entry, &parent, name, &path),
            Kind::Symlink => {
                rustix::fs::symlinkat(entry.link.as_slice(), &parent, name).map_err(failed)?;
            }
            Kind::HardLink => self.hard_link(entry, &parent, name, &path)?,
            Kind::Block | Kind::Character | Kind::Fifo => {
                let (kind, device) = device(entry);
                rustix::fs::mknodat(&parent, name, kind, PRIVATE, device).map_err(failed)?;
            }
            Kind::Unknown => return Err(UnpackError::Kind(display(&path))),
        }
        let (handle, stat) = look(parent.as_fd(), name).map_err(failed)?;
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        self.dress(&handle, entry, !is_link).map_err(failed)?;
        if is_directory {
            self.pending.push((path, entry.numbers));
        }
        Ok(())
    }

    /// Whether a directory is there already that is to be filled. Anything else in the way is removed.
    fn make_way(
        &mut self,
        parent: &OwnedFd,
        name: &[u8],
        is_directory: bool,
        path: &[u8],
    ) -> Result<bool, UnpackError> {
        let there = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(failed(path, error)),
        };
        let shown = || (display(path), self.options.shown.clone());
        match (there, is_directory) {
            (true, true) => return Ok(true),
            (true, false) if self.options.keep_kinds => {
                let (path, shown) = shown();
                return Err(UnpackError::Directory(path, shown));
            }
            (false, true) if self.options.keep_kinds => {
                let (path, shown) = shown();
                return Err(UnpackError::NonDirectory(path, shown));
            }
            _ => {}
        }
        self.place.forget();
        super::clear(parent.as_fd(), name).map_err(|source| UnpackError::Write {
            path: display(path),
            source,
        })?;
        Ok(false)
    }

    fn file<R: Read>(
        &mut self,
        tar: &mut TarReader<R, ()>,
        entry: &Entry,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<(), UnpackError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(parent, name, flags, mode);
        let file = File::from(file.map_err(|error| failed(path, error))?);
        let write_failed = |source| UnpackError::Write {
            path: display(path),
            source,
        };
        let mut contents = Contents::new(&file, entry.sparse.as_ref()).map_err(write_failed)?;
        loop {
            let read = tar.read_data(&mut self.buffer)?;
            if read == 0 {
                break;
            }
            let part = self.buffer.get(..read).unwrap_or_default();
            contents.write(part).map_err(write_failed)?;
        }
        self.dress(&OwnedFd::from(file), entry, true)
            .map_err(|error| failed(path, error))
    }

    /// The target is a name in the archive's own terms: below the directory.
    fn hard_link(
        &self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<(), UnpackError> {
        let outside = || UnpackError::HardLink(display(&entry.link));
        let target = lexical(&entry.link).filter(|target| !target.is_empty());
        let target = target.ok_or_else(outside)?;
        let (target_parent, target_name) = split_name(&target);
        let linked = self
            .place
            .existing(target_parent)
            .and_then(|target_parent| {
                let flags = AtFlags::empty();
                rustix::fs::linkat(&target_parent, target_name, parent, name, flags)
            });
        linked.map_err(|error| failed(path, error))
    }

    /// Owner, attributes, mode and time, of what the handle holds and of nothing else.
    fn dress(&self, handle: &OwnedFd, entry: &Entry, has_mode: bool) -> rustix::io::Result<()> {
        let numbers = &entry.numbers;
        let owner = self.options.owner.unwrap_or((numbers.uid, numbers.gid));
        // What does not exist inside cannot be given to anybody there.
        let (uid, gid) = self.options.ids.outside(owner).ok_or(Errno::OVERFLOW)?;
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        rustix::fs::chownat(handle, "", uid, gid, AtFlags::EMPTY_PATH)?;
        let path = magic_path(handle);
        for (name, value) in &entry.attributes {
            if is_reserved(name) {
                continue;
            }
            let flags = XattrFlags::empty();
            match rustix::fs::setxattr(&path, name.as_slice(), value, flags) {
                // A file system that cannot keep an attribute does not make a copy useless.
                Err(Errno::OPNOTSUPP | Errno::PERM | Errno::INVAL) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        // Last of these: a change of owner takes set-user-id away.
        if has_mode {
            rustix::fs::chmod(&path, Mode::from_raw_mode(numbers.mode))?;
        }
        rustix::fs::utimensat(handle, "", &times(numbers), AtFlags::EMPTY_PATH)
    }

    /// Directories that were removed meanwhile need no time.
    fn finish(self) {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        for (path, numbers) in self.pending {
            let set = open_in_root(self.place.root(), &path, flags).and_then(|handle| {
                rustix::fs::utimensat(&handle, "", &times(&numbers), AtFlags::EMPTY_PATH)
            });
            if let Err(error) = set {
                tracing::debug!(%error, "cannot set a directory's time");
            }
        }
    }
}

/// What steers the overlay file system, or is no name at all.
fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(b"trusted.overlay.")
        || name.starts_with(lockgate_sys::userns::overlay_prefix().as_bytes())
        || name.contains(&0)
        || name.is_empty()
}

fn device(entry: &Entry) -> (FileType, u64) {
    let (major, minor) = entry.numbers.device;
    let device = rustix::fs::makedev(major, minor);
    match entry.kind {
        Kind::Character => (FileType::CharacterDevice, device),
        Kind::Block => (FileType::BlockDevice, device),
        _ => (FileType::Fifo, 0),
    }
}

fn times(numbers: &Numbers) -> Timestamps {
    let (seconds, nanos) = numbers.mtime;
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn failed(path: &[u8], error: Errno) -> UnpackError {
    let (path, source) = (display(path), error.into());
    match error {
        Errno::NOENT => UnpackError::Missing { path, source },
        _ => UnpackError::Write { path, source },
    }
}

const PRIVATE: Mode = Mode::from_raw_mode(0o700);
const BUFFER: usize = 256 * 1024;
