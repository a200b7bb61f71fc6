//! From a tree to a tar stream.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use lockgate_types::IdMapping;
use rustix::fs::{Dir, FileType, OFlags, Stat};
use rustix::io::Errno;
use tar::EntryType;

use super::handle::{look, magic_path, reopen};
use super::header::{Member, end, pad, write_member};
use super::{MAX_DEPTH, PackError};
use crate::layer::display;

/// What the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What a program sees.
    Plain,
    /// A layer in overlay form: device 0:0 and opaque directories become whiteouts.
    Layer,
}

/// Writes trees as a tar stream. Names within a directory are in order; sockets are left out, as no archive
/// has them.
#[derive(Debug)]
pub struct Packer<W> {
    out: W,
    form: Form,
    left_out: HashSet<Vec<u8>>,
    ids: IdMapping,
    /// First names of files that have several.
    links: HashMap<(u64, u64), Vec<u8>>,
    buffer: Vec<u8>,
}

impl<W: Write> Packer<W> {
    /// Writes to `out`.
    pub fn new(out: W, form: Form) -> Self {
        Self {
            out,
            form,
            left_out: HashSet::new(),
            ids: IdMapping::default(),
            links: HashMap::new(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Owners are written as they are called inside a user namespace with this mapping.
    pub fn map_owners(&mut self, ids: IdMapping) {
        self.ids = ids;
    }

    /// Leaves out members with these names, and all below them.
    pub fn leave_out(&mut self, paths: HashSet<Vec<u8>>) {
        self.left_out = paths;
    }

    /// Writes what `handle` holds as member `path`, and all below it.
    pub fn entry(&mut self, handle: &OwnedFd, path: &[u8]) -> Result<(), PackError> {
        let stat = rustix::fs::fstat(handle).map_err(unreadable(path))?;
        self.member_of(handle, &stat, path, 0)
    }

    /// Writes what is in a directory, as members whose names begin with those in it.
    pub fn contents(&mut self, directory: &OwnedFd) -> Result<(), PackError> {
        self.listing(directory, b"", 0)
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Result<W, PackError> {
        end(&mut self.out).map_err(PackError::Write)?;
        Ok(self.out)
    }

    fn one(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        depth: usize,
    ) -> Result<(), PackError> {
        if self.left_out.contains(path) {
            return Ok(());
        }
        match look(parent, name) {
            Ok((handle, stat)) => self.member_of(&handle, &stat, path, depth),
            // A running container removes things while we look.
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(unreadable(path)(error)),
        }
    }

    fn member_of(
        &mut self,
        handle: &OwnedFd,
        stat: &Stat,
        path: &[u8],
        depth: usize,
    ) -> Result<(), PackError> {
        let mut seen = *stat;
        (seen.st_uid, seen.st_gid) = self.ids.inside((stat.st_uid, stat.st_gid));
        let stat = &seen;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.tree(handle, stat, path, depth),
            FileType::RegularFile => self.file(handle, stat, path),
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(handle, "", Vec::new());
                let link = link.map_err(unreadable(path))?.into_bytes();
                self.plain(handle, stat, EntryType::Symlink, path, &link)
            }
            FileType::CharacterDevice if self.form == Form::Layer && stat.st_rdev == 0 => {
                self.whiteout(path, stat)
            }
            FileType::CharacterDevice => self.plain(handle, stat, EntryType::Char, path, b""),
            FileType::BlockDevice => self.plain(handle, stat, EntryType::Block, path, b""),
            FileType::Fifo => self.plain(handle, stat, EntryType::Fifo, path, b""),
            FileType::Socket | FileType::Unknown => Ok(()),
        }
    }

    fn tree(
        &mut self,
        handle: &OwnedFd,
        stat: &Stat,
        path: &[u8],
        depth: usize,
    ) -> Result<(), PackError> {
        if depth > MAX_DEPTH {
            return Err(PackError::TooDeep(display(path)));
        }
        let mut base = path.to_vec();
        if !base.ends_with(b"/") {
            base.push(b'/');
        }
        let attributes = self.attributes(handle);
        self.member(&Member {
            kind: EntryType::Directory,
            path: &base,
            link: b"",
            stat,
            size: 0,
            attributes: &attributes,
        })?;
        if self.form == Form::Layer && is_opaque(handle) {
            self.mark(&[&base[..], OPAQUE].concat(), stat)?;
        }
        self.listing(handle, &base, depth)
    }

    fn listing(&mut self, handle: &OwnedFd, base: &[u8], depth: usize) -> Result<(), PackError> {
        let directory = reopen(handle, OFlags::DIRECTORY).map_err(unreadable(base))?;
        let mut listing = Dir::read_from(&directory).map_err(unreadable(base))?;
        loop {
            let names = some_names(&mut listing).map_err(unreadable(base))?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                let path = [base, &name].concat();
                self.one(directory.as_fd(), &name, &path, depth + 1)?;
            }
        }
    }

    fn file(&mut self, handle: &OwnedFd, stat: &Stat, path: &[u8]) -> Result<(), PackError> {
        if stat.st_nlink > 1 {
            let inode = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.links.get(&inode).cloned() {
                return self.plain(handle, stat, EntryType::Link, path, &first);
            }
            // Beyond the limit, names of one file become files of their own.
            if self.links.len() < MAX_LINKS {
                self.links.insert(inode, path.to_vec());
            }
        }
        let mut file = File::from(reopen(handle, OFlags::empty()).map_err(unreadable(path))?);
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        let attributes = self.attributes(handle);
        self.member(&Member {
            kind: EntryType::Regular,
            path,
            link: b"",
            stat,
            size,
            attributes: &attributes,
        })?;
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            let part = self.buffer.get_mut(..wanted).unwrap_or_default();
            let read = match file.read(part) {
                Ok(0) => return Err(PackError::Shrunk(display(path))),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(path)(error)),
            };
            let part = part.get(..read).unwrap_or_default();
            self.out.write_all(part).map_err(PackError::Write)?;
            left -= read as u64;
        }
        pad(&mut self.out, size).map_err(PackError::Write)
    }

    fn plain(
        &mut self,
        handle: &OwnedFd,
        stat: &Stat,
        kind: EntryType,
        path: &[u8],
        link: &[u8],
    ) -> Result<(), PackError> {
        let attributes = match kind {
            EntryType::Link | EntryType::Symlink => Vec::new(),
            _ => self.attributes(handle),
        };
        self.member(&Member {
            kind,
            path,
            link,
            stat,
            size: 0,
            attributes: &attributes,
        })
    }

    /// `<directory>/.wh.<name>`.
    fn whiteout(&mut self, path: &[u8], stat: &Stat) -> Result<(), PackError> {
        let at = path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        let (directory, name) = path.split_at_checked(at).unwrap_or_default();
        self.mark(&[directory, WHITEOUT, name].concat(), stat)
    }

    /// An empty file whose name says everything.
    fn mark(&mut self, path: &[u8], stat: &Stat) -> Result<(), PackError> {
        let mut stat = *stat;
        (stat.st_mode, stat.st_uid, stat.st_gid) = (0o600, 0, 0);
        self.member(&Member {
            kind: EntryType::Regular,
            path,
            link: b"",
            stat: &stat,
            size: 0,
            attributes: &[],
        })
    }

    fn member(&mut self, member: &Member<'_>) -> Result<(), PackError> {
        write_member(&mut self.out, member).map_err(PackError::Write)
    }

    /// Capabilities and what users wrote; all else steers this host's file systems and security modules.
    fn attributes(&mut self, handle: &OwnedFd) -> Vec<(Vec<u8>, Vec<u8>)> {
        let path = magic_path(handle);
        // File systems without attributes have none.
        let Ok(length) = rustix::fs::listxattr(&path, &mut self.buffer[..]) else {
            return Vec::new();
        };
        let list = self.buffer.get(..length).unwrap_or_default().to_vec();
        let overlay = lockgate_sys::userns::overlay_prefix().as_bytes();
        let wanted = list.split(|byte| *byte == 0).filter(|name| {
            *name == b"security.capability"
                || (name.starts_with(b"user.") && !name.starts_with(overlay))
        });
        let mut attributes = Vec::new();
        for name in wanted {
            if let Ok(length) = rustix::fs::getxattr(&path, name, &mut self.buffer[..]) {
                let value = self.buffer.get(..length).unwrap_or_default();
                let value = match name {
                    b"security.capability" => without_root_id(value),
                    _ => value.to_vec(),
                };
                attributes.push((name.to_vec(), value));
            }
        }
        attributes
    }
}

/// The next names of a directory, in order. Directories of any real size come at once.
/// Capabilities that were given inside a user namespace name its root by the host's id; an archive is read
/// where that means nothing. Inside, they are simply those of the file.
fn without_root_id(value: &[u8]) -> Vec<u8> {
    const REVISION_2: u8 = 2;
    const REVISION_3: u8 = 3;
    match value {
        // The revision is the highest byte of the first word; its root's id the last word.
        [flags, a, b, REVISION_3, sets @ ..] if sets.len() == 20 => {
            let mut old = vec![*flags, *a, *b, REVISION_2];
            old.extend_from_slice(sets.get(..16).unwrap_or_default());
            old
        }
        value => value.to_vec(),
    }
}

fn some_names(listing: &mut Dir) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    while names.len() < MAX_NAMES {
        let Some(entry) = listing.next() else { break };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn is_opaque(handle: &OwnedFd) -> bool {
    let mut value = [0; 2];
    let name = lockgate_sys::userns::overlay_opaque();
    rustix::fs::getxattr(magic_path(handle), name, &mut value[..])
        .is_ok_and(|length| length == 1 && value.first() == Some(&b'y'))
}

fn unreadable<E: Into<io::Error>>(path: &[u8]) -> impl FnOnce(E) -> PackError {
    let path = display(path);
    move |source| PackError::Read {
        path,
        source: source.into(),
    }
}

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// The largest attribute fits.
const BUFFER: usize = 128 * 1024;
const MAX_NAMES: usize = 65_536;
const MAX_LINKS: usize = 65_536;
