//! Parts of volumes and images, mounted for the moment in which a container takes its copy.
//!
//! A path inside a volume belongs to whoever writes to the volume and may be changed while it is
//! read. So it is resolved once, inside the volume (`openat2(RESOLVE_IN_ROOT)`), and what was found
//! is mounted below `E/mounts`, where nobody else writes. The runtime makes its own copy of that
//! mount; after that it is taken away again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use lockgate_store::Store;
use lockgate_types::random_hex;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags};

use crate::container::config_error::ConfigError;
use crate::container::error::{FaultError, StartError};
use crate::container::record::{MountRecord, Record};
use crate::rootfs;
use crate::within;

/// What is mounted for one start, by destination; taken away when dropped.
#[derive(Debug, Default)]
pub(super) struct Staged {
    paths: BTreeMap<String, PathBuf>,
}

impl Staged {
    /// Mounts what the container's mounts name inside of volumes and images.
    pub(super) fn make(
        exec_root: &Path,
        store: &Store,
        record: &Record,
    ) -> Result<Self, StartError> {
        let mut staged = Self::default();
        for mount in &record.mounts {
            if mount.image.is_some() || !mount.subpath.is_empty() || mount.within.is_some() {
                let found = find(store, mount)?;
                let place = attach(exec_root, &found, depth(mount))
                    .map_err(FaultError::file("mount a part of a volume or image"))?;
                staged.paths.insert(mount.point.destination.clone(), place);
            }
        }
        Ok(staged)
    }

    /// Where they are.
    pub(super) fn paths(&self) -> &BTreeMap<String, PathBuf> {
        &self.paths
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for path in self.paths.values() {
            take_away(path);
        }
    }
}

/// Takes away what a daemon left that was killed between the two moments.
pub(crate) fn clear(exec_root: &Path) {
    let entries = fs::read_dir(exec_root.join(DIRECTORY));
    for entry in entries.into_iter().flatten().flatten() {
        take_away(&entry.path());
    }
}

/// A handle of what is to be shown; of an image a mount that no path leads to.
fn find(store: &Store, mount: &MountRecord) -> Result<OwnedFd, StartError> {
    if let Some(roots) = &mount.within {
        return Ok(within::open(&mount.point.source, roots)?);
    }
    let failed = |error: io::Error| FaultError::Store(error.to_string());
    let root = match &mount.image {
        Some(image) => {
            let layers = store
                .image_lower(image)
                .map_err(|error| FaultError::Store(error.to_string()))?;
            rootfs::image_tree(&layers).map_err(failed)?
        }
        None => open_directory(Path::new(&mount.point.source)).map_err(failed)?,
    };
    if mount.subpath.is_empty() {
        return Ok(root);
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(&root, mount.subpath.as_str(), flags, Mode::empty(), resolve).map_err(
        |error| {
            let path = Path::new(&mount.point.source).join(&mount.subpath);
            let path = path.to_string_lossy().into_owned();
            let reason = reason(error, &path);
            ConfigError::NoSubpath { path, reason }.into()
        },
    )
}

/// A bind brings what is mounted below its source, unless it was asked not to.
fn depth(mount: &MountRecord) -> OpenTreeFlags {
    if mount.within.is_some() && !mount.non_recursive {
        OpenTreeFlags::AT_RECURSIVE
    } else {
        OpenTreeFlags::empty()
    }
}

fn reason(error: Errno, path: &str) -> String {
    match error {
        Errno::NOENT => format!("lstat {path}: no such file or directory"),
        Errno::NOTDIR => format!("lstat {path}: not a directory"),
        error => io::Error::from(error).to_string(),
    }
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Puts it below `E/mounts`.
fn attach(exec_root: &Path, found: &OwnedFd, depth: OpenTreeFlags) -> io::Result<PathBuf> {
    let directory = exec_root.join(DIRECTORY);
    fs::create_dir_all(&directory)?;
    let place = directory.join(random_hex());
    let stat = rustix::fs::fstat(found)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        fs::create_dir(&place)?;
    } else {
        drop(fs::File::create_new(&place)?);
    }
    mount_on(found, &place, depth).inspect_err(|_error| take_away(&place))?;
    Ok(place)
}

/// A detached mount is moved there (with nothing but itself); anything else is copied.
fn mount_on(found: &OwnedFd, place: &Path, depth: OpenTreeFlags) -> io::Result<()> {
    let onto = |tree: &OwnedFd| {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(tree.as_fd(), "", CWD, place, flags)
    };
    let flags = depth
        | OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    match rustix::mount::open_tree(found.as_fd(), "", flags) {
        Ok(copy) => Ok(onto(&copy)?),
        // Kernels before 6.15 do not copy a mount that is attached nowhere; the whole of it can move.
        Err(Errno::INVAL) => Ok(onto(found)?),
        Err(error) => Err(error.into()),
    }
}

/// Never reaches into what is mounted there.
fn take_away(path: &Path) {
    match rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot unmount");
            return;
        }
    }
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove");
    }
}

const DIRECTORY: &str = "mounts";
