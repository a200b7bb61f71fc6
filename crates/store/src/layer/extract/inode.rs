//! What files carry besides contents: owner, mode, times, extended attributes.

use std::io;

use lockgate_types::IdMapping;
use rustix::fs::{AtFlags, FileType, Gid, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::Failure;
use crate::error::RefusedMember;
use crate::layer::meta::Numbers;
use crate::layer::parents::{Dir, join, magic_path};
use crate::layer::tar_reader::Entry;

/// What is there under that name, links not followed.
pub(super) fn status(parent: &Dir, name: &[u8]) -> Result<Option<Stat>, Failure> {
    match rustix::fs::statat(&parent.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Owner, attributes and time of a link or device just made.
pub(super) fn dress(
    parent: &Dir,
    name: &[u8],
    entry: &Entry,
    ids: &IdMapping,
) -> Result<(), Failure> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let numbers = &entry.numbers;
    let (uid, gid) = owner(numbers, ids)?;
    if (uid, gid) != (Uid::ROOT, Gid::ROOT) {
        rustix::fs::chownat(&parent.handle, name, Some(uid), Some(gid), flags)?;
    }
    for (attribute, value) in &entry.attributes {
        let path = join(magic_path(&parent.handle).as_bytes(), name);
        tolerate(rustix::fs::lsetxattr(
            path,
            attribute.as_slice(),
            value,
            XattrFlags::empty(),
        ))?;
    }
    Ok(rustix::fs::utimensat(
        &parent.handle,
        name,
        &times(numbers),
        flags,
    )?)
}

/// A file system that cannot store an attribute does not make an image useless.
pub(super) fn tolerate(result: rustix::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error @ (Errno::OPNOTSUPP | Errno::PERM | Errno::INVAL)) => {
            tracing::debug!(%error, "extended attribute left out");
            Ok(())
        }
        result => Ok(result?),
    }
}

pub(super) fn check_attributes(entry: &Entry) -> Result<(), Failure> {
    let reserved = lockgate_sys::userns::overlay_prefix().as_bytes();
    if entry
        .attributes
        .iter()
        .any(|(name, _)| name.starts_with(reserved) || name.starts_with(b"trusted.overlay."))
    {
        return Err(RefusedMember::OverlayAttribute.into());
    }
    if entry
        .attributes
        .iter()
        .any(|(name, _)| name.contains(&0) || name.is_empty())
    {
        return Err(RefusedMember::BadName.into());
    }
    Ok(())
}

pub(super) fn no_parent(error: io::Error) -> Failure {
    match Errno::from_io_error(&error) {
        Some(Errno::NOTDIR | Errno::LOOP | Errno::NOENT | Errno::XDEV) => {
            RefusedMember::NoParent.into()
        }
        _ => Failure::Write(error),
    }
}

pub(super) fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

pub(super) fn is_whiteout(status: &Stat) -> bool {
    kind(status) == FileType::CharacterDevice && status.st_rdev == 0
}

/// Who owns a member on this host.
pub(super) fn owner(numbers: &Numbers, ids: &IdMapping) -> Result<(Uid, Gid), Failure> {
    let owner = ids.outside((numbers.uid, numbers.gid));
    let (uid, gid) = owner.ok_or(RefusedMember::Owner(numbers.uid, numbers.gid))?;
    Ok((Uid::from_raw(uid), Gid::from_raw(gid)))
}

pub(super) fn times(numbers: &Numbers) -> Timestamps {
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
