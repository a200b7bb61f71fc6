//! Paths that a container must not read or must not write.
//!
//! All of this happens before the container's root becomes the root, with the host's null device, which
//! is checked to be that: an image cannot put something else in its place, nor win a race for it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use lockgate_sys::mount::{MountAttributes, Reach};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, makedev};
use rustix::io::Errno;

use super::options::RDONLY;
use super::resolve::{is_directory, open_in_root};
use super::tree;
use crate::create::InitError;

/// Hides paths: files behind the null device, directories behind an empty one.
pub(super) fn mask<Fd: AsFd>(root: Fd, paths: &[String]) -> Result<(), InitError> {
    if paths.is_empty() {
        return Ok(());
    }
    let null = host_null()?;
    let mut empty: Option<OwnedFd> = None;
    for path in paths {
        let failed = |source: Errno| InitError::Mask {
            path: path.clone(),
            source: source.into(),
        };
        let Some(target) = find(&root, path).map_err(failed)? else {
            continue;
        };
        if !is_directory(&target).map_err(failed)? {
            let copy = tree::copy(&null, Reach::One).map_err(failed)?;
            tree::attach(&copy, &target).map_err(failed)?;
        } else if let Some(empty) = &empty {
            // The first one is in place, so it can be copied to the others.
            let copy = tree::copy(empty, Reach::One).map_err(failed)?;
            tree::attach(&copy, &target).map_err(failed)?;
        } else {
            let options = ["nr_blocks=1".to_owned(), "nr_inodes=1".to_owned()];
            let made = tree::new_filesystem("tmpfs", Path::new("tmpfs"), &options, RDONLY);
            let made = made.map_err(failed)?;
            tree::attach(&made, &target).map_err(failed)?;
            empty = Some(made);
        }
    }
    Ok(())
}

/// Puts a read-only copy of each path over itself.
pub(super) fn make_readonly<Fd: AsFd>(root: Fd, paths: &[String]) -> Result<(), InitError> {
    for path in paths {
        let failed = |source: Errno| InitError::Readonly {
            path: path.clone(),
            source: source.into(),
        };
        let Some(target) = find(&root, path).map_err(failed)? else {
            continue;
        };
        let copy = tree::copy(&target, Reach::Recursive).map_err(failed)?;
        let attributes = MountAttributes {
            set: RDONLY,
            ..MountAttributes::default()
        };
        tree::change(&copy, Reach::One, attributes).map_err(|source| InitError::Readonly {
            path: path.clone(),
            source,
        })?;
        tree::attach(&copy, &target).map_err(failed)?;
    }
    Ok(())
}

/// The host's null device, as a handle.
pub(super) fn host_null() -> Result<OwnedFd, InitError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let unfit = InitError::FalseNull { path: NULL };
    let Ok(null) = rustix::fs::openat(CWD, NULL, flags, Mode::empty()) else {
        return Err(unfit);
    };
    let Ok(stat) = rustix::fs::statat(&null, "", AtFlags::EMPTY_PATH) else {
        return Err(unfit);
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice
        || stat.st_rdev != makedev(1, 3)
    {
        return Err(unfit);
    }
    Ok(null)
}

/// A path that is not there needs no hiding.
fn find<Fd: AsFd>(root: Fd, path: &str) -> Result<Option<OwnedFd>, Errno> {
    match open_in_root(root, Path::new(path)) {
        Ok(handle) => Ok(Some(handle)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

const NULL: &str = "/dev/null";
