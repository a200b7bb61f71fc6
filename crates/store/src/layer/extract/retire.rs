//! Members that take the place of earlier ones.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::inode::{kind, status};
use super::{Extractor, Failure};
use crate::layer::parents::{Dir, NO_LINKS, open_dir};

impl Extractor {
    pub(super) fn make_way(&mut self, parent: &Dir, name: &[u8]) -> Result<(), Failure> {
        match status(parent, name)? {
            Some(_) => self.retire(&parent.handle, name),
            None => Ok(()),
        }
    }

    /// Removes what is there. Contents that the skeleton refers to move to `shadow/`.
    pub(super) fn retire(&mut self, parent: &OwnedFd, name: &[u8]) -> Result<(), Failure> {
        // Both directories and links to them may be remembered.
        self.dirs.forget();
        let status = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if kind(&status) == FileType::Directory {
            let directory = open_dir(parent, name, NO_LINKS)?;
            for child in names(&directory)? {
                self.retire(&directory, &child)?;
            }
            return Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?);
        }
        if kind(&status) == FileType::RegularFile {
            if let Some(sequence) = self.sequences.get(&status.st_ino).copied() {
                self.shadow(parent, name, sequence)?;
            }
            if status.st_nlink == 1 {
                self.size = self.size.saturating_sub(status.st_size);
            }
        }
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?)
    }

    /// Keeps a file's contents under their number; its other names are of no matter.
    fn shadow(&mut self, parent: &OwnedFd, name: &[u8], sequence: u32) -> Result<(), Failure> {
        let shadow = if let Some(shadow) = self.shadow.take() {
            shadow
        } else {
            rustix::fs::mkdirat(&self.layer, "shadow", Mode::RWXU)?;
            open_dir(&self.layer, b"shadow", NO_LINKS)?
        };
        let number = sequence.to_string();
        let linked = rustix::fs::linkat(parent, name, &shadow, number, AtFlags::empty());
        self.shadow = Some(shadow);
        match linked {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>, Failure> {
    let mut names = Vec::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let listing = rustix::fs::openat(directory, c".", flags, Mode::empty())?;
    for entry in rustix::fs::Dir::new(listing)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}
