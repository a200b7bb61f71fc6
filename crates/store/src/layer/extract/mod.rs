//! Members of a layer's tar stream become files in overlay form.

mod inode;
mod retire;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use lockgate_types::IdMapping;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

use self::inode::{
    check_attributes, dress, is_whiteout, kind, no_parent, owner, status, times, tolerate,
};
use super::meta::Numbers;
use super::parents::{Dir, Dirs, NO_LINKS, join, magic_path, make_opaque, open_dir};
use super::path::{clean_path, split};
use super::tar_reader::{Entry, Kind};
use crate::error::RefusedMember;

/// Why a member was not unpacked.
pub(crate) enum Failure {
    Refused(RefusedMember),
    Write(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Write(error.into())
    }
}

impl From<RefusedMember> for Failure {
    fn from(reason: RefusedMember) -> Self {
        Self::Refused(reason)
    }
}

/// Unpacks one layer into one directory.
pub(crate) struct Extractor {
    dirs: Dirs,
    /// `shadow/`, made when first needed.
    layer: OwnedFd,
    shadow: Option<OwnedFd>,
    /// Sequence numbers of files with contents, by inode.
    sequences: HashMap<u64, u32>,
    /// What directories get at the end, when nothing is made in them any more.
    pending: Vec<PendingDirectory>,
    pub(crate) size: i64,
    pub(crate) opaque: bool,
    ids: IdMapping,
}

struct PendingDirectory {
    path: Vec<u8>,
    numbers: Numbers,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A file that was made and waits for its contents.
pub(crate) struct NewFile {
    pub(crate) file: File,
    pub(crate) path: Vec<u8>,
    inode: u64,
}

impl Extractor {
    /// Unpacks into `diff/` of `layer`, an empty directory that exists.
    /// Owners are the host's ids of those in the layer.
    pub(crate) fn new(layer: OwnedFd, ids: IdMapping) -> io::Result<Self> {
        let dirs = Dirs::new(open_dir(&layer, b"diff", NO_LINKS)?, ids.root())?;
        Ok(Self {
            dirs,
            layer,
            shadow: None,
            sequences: HashMap::new(),
            pending: Vec::new(),
            size: 0,
            opaque: false,
            ids,
        })
    }

    /// Makes everything but regular files, whose contents are still to come.
    pub(crate) fn member(
        &mut self,
        entry: &Entry,
        path: &[u8],
    ) -> Result<Option<NewFile>, Failure> {
        if path.is_empty() {
            return match entry.kind {
                Kind::Directory => self.later(path, entry).map(|()| None),
                _ => Err(RefusedMember::RootType.into()),
            };
        }
        check_attributes(entry)?;
        let (parent, name) = split(path);
        let parent = self.dirs.ensure(parent).map_err(no_parent)?;
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return self.whiteout(&parent, hidden).map(|()| None);
        }
        match entry.kind {
            Kind::Regular | Kind::Sparse => return self.file(&parent, name).map(Some),
            Kind::Directory => self.directory(&parent, name, entry)?,
            Kind::Symlink => self.symlink(&parent, name, entry)?,
            Kind::HardLink => self.hard_link(&parent, name, entry)?,
            Kind::Block | Kind::Character | Kind::Fifo => self.device(&parent, name, entry)?,
            Kind::Unknown => return Err(RefusedMember::Type.into()),
        }
        Ok(None)
    }

    /// Gives a written file its owner, mode, attributes and time. `sequence` is its number in the
    /// skeleton, if it has contents.
    pub(crate) fn finish_file(
        &mut self,
        new: &NewFile,
        entry: &Entry,
        sequence: Option<u32>,
    ) -> Result<(), Failure> {
        let numbers = &entry.numbers;
        let (uid, gid) = owner(numbers, &self.ids)?;
        if (uid, gid) != (Uid::ROOT, Gid::ROOT) {
            rustix::fs::fchown(&new.file, Some(uid), Some(gid))?;
        }
        rustix::fs::fchmod(&new.file, Mode::from_raw_mode(numbers.mode))?;
        for (name, value) in &entry.attributes {
            tolerate(rustix::fs::fsetxattr(
                &new.file,
                name.as_slice(),
                value,
                XattrFlags::empty(),
            ))?;
        }
        rustix::fs::futimens(&new.file, &times(numbers))?;
        self.size = self
            .size
            .saturating_add(i64::try_from(entry.size).unwrap_or(i64::MAX));
        if let Some(sequence) = sequence {
            self.sequences.insert(new.inode, sequence);
        }
        Ok(())
    }

    /// Gives directories their owners, modes, attributes and times.
    pub(crate) fn finish(mut self) -> Result<(i64, bool), Failure> {
        for PendingDirectory {
            path,
            numbers,
            attributes,
        } in std::mem::take(&mut self.pending)
        {
            let Some(handle) = self.dirs.unlinked(&path)? else {
                continue;
            };
            let (uid, gid) = owner(&numbers, &self.ids)?;
            let magic = magic_path(&handle);
            rustix::fs::chown(&*magic, Some(uid), Some(gid))?;
            rustix::fs::chmod(&*magic, Mode::from_raw_mode(numbers.mode))?;
            for (name, value) in &attributes {
                tolerate(rustix::fs::setxattr(
                    &*magic,
                    name.as_slice(),
                    value,
                    XattrFlags::empty(),
                ))?;
            }
            let flags = AtFlags::empty();
            rustix::fs::utimensat(rustix::fs::CWD, &*magic, &times(&numbers), flags)?;
        }
        Ok((self.size, self.opaque))
    }

    fn file(&mut self, parent: &Dir, name: &[u8]) -> Result<NewFile, Failure> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let made = match rustix::fs::openat(&parent.handle, name, flags, mode) {
            Err(Errno::EXIST) => {
                self.retire(&parent.handle, name)?;
                rustix::fs::openat(&parent.handle, name, flags, mode)
            }
            result => result,
        }?;
        let inode = rustix::fs::fstat(&made)?.st_ino;
        // The inode may be that of a file that was removed meanwhile.
        self.sequences.remove(&inode);
        Ok(NewFile {
            file: File::from(made),
            path: join(&parent.path, name),
            inode,
        })
    }

    fn directory(&mut self, parent: &Dir, name: &[u8], entry: &Entry) -> Result<(), Failure> {
        let mode = Mode::from_raw_mode(0o755);
        match rustix::fs::mkdirat(&parent.handle, name, mode) {
            Ok(()) => {}
            Err(Errno::EXIST) => match status(parent, name)? {
                Some(status) if kind(&status) == FileType::Directory => {}
                Some(status) => {
                    self.retire(&parent.handle, name)?;
                    rustix::fs::mkdirat(&parent.handle, name, mode)?;
                    if is_whiteout(&status) {
                        make_opaque(&open_dir(&parent.handle, name, NO_LINKS)?)?;
                    }
                }
                None => return Err(Errno::NOENT.into()),
            },
            Err(error) => return Err(error.into()),
        }
        self.later(&join(&parent.path, name), entry)
    }

    fn symlink(&mut self, parent: &Dir, name: &[u8], entry: &Entry) -> Result<(), Failure> {
        if entry.link.is_empty() || entry.link.contains(&0) {
            return Err(RefusedMember::BadName.into());
        }
        self.make_way(parent, name)?;
        match rustix::fs::symlinkat(entry.link.as_slice(), &parent.handle, name) {
            Err(Errno::NAMETOOLONG) => return Err(RefusedMember::TooLong.into()),
            result => result?,
        }
        self.size = self
            .size
            .saturating_add(i64::try_from(entry.link.len()).unwrap_or(0));
        dress(parent, name, entry, &self.ids)
    }

    /// The target is looked up in this layer alone; what lower layers have cannot be linked to.
    fn hard_link(&mut self, parent: &Dir, name: &[u8], entry: &Entry) -> Result<(), Failure> {
        let target = clean_path(&entry.link)?;
        if target.is_empty() {
            return Err(RefusedMember::HardLinkTarget.into());
        }
        let missing = |_error| Failure::Refused(RefusedMember::HardLinkTarget);
        let (target_parent, target_name) = split(&target);
        let target_parent = self.dirs.existing(target_parent).map_err(missing)?;
        let target = status(&target_parent, target_name)?;
        let target = target.filter(|s| kind(s) != FileType::Directory && !is_whiteout(s));
        let target = target.ok_or(RefusedMember::HardLinkTarget)?;
        if status(parent, name)?.is_some_and(|old| old.st_ino == target.st_ino) {
            return Ok(());
        }
        self.make_way(parent, name)?;
        let linked = rustix::fs::linkat(
            &target_parent.handle,
            target_name,
            &parent.handle,
            name,
            AtFlags::empty(),
        );
        linked.map_err(|error| match error {
            // The way was made by removing the directory that held the target.
            Errno::NOENT => RefusedMember::HardLinkTarget.into(),
            error => error.into(),
        })
    }

    fn device(&mut self, parent: &Dir, name: &[u8], entry: &Entry) -> Result<(), Failure> {
        let (major, minor) = entry.numbers.device;
        let (kind, device) = match entry.kind {
            Kind::Character if (major, minor) == (0, 0) => {
                return Err(RefusedMember::WhiteoutDevice.into());
            }
            Kind::Character => (FileType::CharacterDevice, rustix::fs::makedev(major, minor)),
            Kind::Block => (FileType::BlockDevice, rustix::fs::makedev(major, minor)),
            _ => (FileType::Fifo, 0),
        };
        self.make_way(parent, name)?;
        if kind != FileType::Fifo && lockgate_sys::userns::is_nested() {
            // Nobody but the host's root makes nodes, and a container's /dev is its own anyway.
            tracing::debug!(name = %String::from_utf8_lossy(name), "device of a layer left out");
            return Ok(());
        }
        let mode = Mode::from_raw_mode(entry.numbers.mode);
        rustix::fs::mknodat(&parent.handle, name, kind, mode, device)?;
        let (uid, gid) = owner(&entry.numbers, &self.ids)?;
        rustix::fs::chownat(
            &parent.handle,
            name,
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
        // It was made just now by us, so this cannot be a link.
        rustix::fs::chmodat(&parent.handle, name, mode, AtFlags::empty())?;
        dress(parent, name, entry, &self.ids)
    }

    /// `.wh.<name>` hides `<name>` of lower layers, `.wh..wh..opq` all of them.
    fn whiteout(&mut self, parent: &Dir, hidden: &[u8]) -> Result<(), Failure> {
        if hidden == OPAQUE {
            if parent.path.is_empty() {
                self.opaque = true;
                return Ok(());
            }
            return Ok(make_opaque(&parent.handle)?);
        }
        match hidden {
            b"" | b"." | b".." => return Err(RefusedMember::Whiteout.into()),
            // Book-keeping of AUFS, of no meaning elsewhere.
            _ if hidden.starts_with(WHITEOUT) => return Ok(()),
            _ => {}
        }
        match status(parent, hidden)? {
            None => {
                let mode = Mode::empty();
                let kind = FileType::CharacterDevice;
                Ok(rustix::fs::mknodat(&parent.handle, hidden, kind, mode, 0)?)
            }
            // The layer's own directory stays, what lower ones have in it is hidden.
            Some(status) if kind(&status) == FileType::Directory => {
                Ok(make_opaque(&open_dir(&parent.handle, hidden, NO_LINKS)?)?)
            }
            Some(_) => Ok(()),
        }
    }

    fn later(&mut self, path: &[u8], entry: &Entry) -> Result<(), Failure> {
        check_attributes(entry)?;
        self.pending.push(PendingDirectory {
            path: path.to_vec(),
            numbers: entry.numbers,
            attributes: entry.attributes.clone(),
        });
        Ok(())
    }
}

const WHITEOUT: &[u8] = b".wh.";
/// What follows `.wh.` in the name that makes a directory opaque.
const OPAQUE: &[u8] = b".wh..opq";
