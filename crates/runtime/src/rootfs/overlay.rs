//! The container's root: an overlay of its image's layers, or a directory that is ready.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use lockgate_sys::mount::Reach;
use lockgate_sys::userns;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, mount,
};

use super::{Outside, tree};
use crate::create::InitError;
use crate::protocol::Rootfs;

/// The empty directory for an overlay, opened while the way to it is open.
pub(crate) fn open_place(root: &Rootfs, place: &Path) -> Result<Option<OwnedFd>, InitError> {
    match root {
        Rootfs::Path(_) => Ok(None),
        Rootfs::Overlay { .. } => open(place).map(Some).map_err(|source| InitError::Overlay {
            step: "open",
            source: source.into(),
        }),
    }
}

/// An overlay root, attached to nothing yet.
pub(super) fn detached(root: &Rootfs) -> Result<Option<OwnedFd>, InitError> {
    match root {
        Rootfs::Path(_) => Ok(None),
        Rootfs::Overlay { lower, upper, work } => detached_overlay(lower, upper, work)
            .map(Some)
            .map_err(|source| InitError::Overlay {
                step: "fsconfig",
                source: source.into(),
            }),
    }
}

/// Mounts the root at `place`, an empty directory, and returns a handle on it.
pub(crate) fn mount_root(
    root: &Rootfs,
    place: &Path,
    opened: Option<&OwnedFd>,
    outside: &Outside,
) -> Result<OwnedFd, InitError> {
    let failed = |step| {
        move |source: Errno| InitError::Overlay {
            step,
            source: source.into(),
        }
    };
    if let (Some(tree), Some(target)) = (outside.root(), opened) {
        tree::attach(tree, target).map_err(failed("move_mount"))?;
        return tree.try_clone().map_err(|source| InitError::Overlay {
            step: "dup",
            source,
        });
    }
    match root {
        Rootfs::Path(path) => {
            let copy = tree::copy_path(path, Reach::Recursive).map_err(failed("open_tree"))?;
            let target = open(path).map_err(failed("open"))?;
            tree::attach(&copy, &target).map_err(failed("move_mount"))?;
            Ok(copy)
        }
        Rootfs::Overlay { lower, upper, work } => mount_overlay(lower, upper, work, place)
            .map_err(|(step, source)| InitError::Overlay { step, source }),
    }
}

/// Mounts an overlay at `place` and returns a handle on it; the error names the step.
pub(crate) fn mount_overlay(
    lower: &[PathBuf],
    upper: &Path,
    work: &Path,
    place: &Path,
) -> Result<OwnedFd, (&'static str, io::Error)> {
    let failed = |step| move |source: Errno| (step, source.into());
    let target = open(place).map_err(failed("open"))?;
    match detached_overlay(lower, upper, work) {
        Ok(overlay) => {
            tree::attach(&overlay, &target).map_err(failed("move_mount"))?;
            Ok(overlay)
        }
        // Before Linux 6.8 there is no `lowerdir+`, and a whole `lowerdir` is too long for fsconfig.
        Err(Errno::INVAL) => {
            mount_classic(lower, upper, work, place).map_err(|source| ("mount", source))?;
            open(place).map_err(failed("open"))
        }
        Err(error) => Err(failed("fsconfig")(error)),
    }
}

/// Mounts the root at `place` in this mount namespace by path, for an external runtime.
pub(crate) fn mount_for_external(root: &Rootfs, place: &Path) -> io::Result<()> {
    match root {
        Rootfs::Path(path) if path == place => Ok(()),
        Rootfs::Path(path) => Ok(rustix::mount::mount_bind_recursive(path, place)?),
        Rootfs::Overlay { lower, upper, work } => mount_classic(lower, upper, work, place),
    }
}

fn detached_overlay(lower: &[PathBuf], upper: &Path, work: &Path) -> Result<OwnedFd, Errno> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", "overlay")?;
    for layer in lower {
        fsconfig_set_string(&context, "lowerdir+", layer.as_path())?;
    }
    fsconfig_set_string(&context, "upperdir", upper)?;
    fsconfig_set_string(&context, "workdir", work)?;
    if userns::is_nested() {
        fsconfig_set_flag(&context, "userxattr")?;
    }
    fsconfig_create(&context)?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
}

/// By `mount(2)`, which takes 4096 bytes of options: the layers are named by descriptor to keep it short.
fn mount_classic(lower: &[PathBuf], upper: &Path, work: &Path, place: &Path) -> io::Result<()> {
    let layers: Vec<OwnedFd> = lower.iter().map(|p| open(p)).collect::<Result<_, _>>()?;
    let writable = [open(upper)?, open(work)?];
    let name = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let lower: Vec<String> = layers.iter().map(name).collect();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}{}",
        lower.join(":"),
        name(&writable[0]),
        name(&writable[1]),
        if userns::is_nested() {
            ",userxattr"
        } else {
            ""
        }
    );
    let options = std::ffi::CString::new(options)?;
    mount(
        "overlay",
        place,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )?;
    Ok(())
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}
