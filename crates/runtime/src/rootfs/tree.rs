//! Mounts as handles: made detached, given their attributes, then put in place.
//!
//! Nothing here names a target by path, so no link in an image can lead a mount astray.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use lockgate_sys::mount::{MountAttributes, Reach, set_attributes};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

/// A copy of the mount at `handle` (and of those below).
pub(super) fn copy<Fd: AsFd>(handle: Fd, reach: Reach) -> Result<OwnedFd, Errno> {
    open_tree(
        handle,
        "",
        clone_flags(reach) | OpenTreeFlags::AT_EMPTY_PATH,
    )
}

/// A copy of the mount at a path of the host; links are followed.
pub(super) fn copy_path(path: &Path, reach: Reach) -> Result<OwnedFd, Errno> {
    open_tree(CWD, path, clone_flags(reach))
}

/// A new instance of a file system. `options` are `key` or `key=value`.
pub(super) fn new_filesystem(
    kind: &str,
    source: &Path,
    options: &[String],
    attributes: u64,
) -> Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "source", source)?;
    for option in options {
        match option.split_once('=') {
            Some((key, value)) => fsconfig_set_string(&context, key, value)?,
            None => fsconfig_set_flag(&context, option.as_str())?,
        }
    }
    fsconfig_create(&context)?;
    let attributes = u32::try_from(attributes).unwrap_or(0);
    let attributes = MountAttrFlags::from_bits_retain(attributes);
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Puts a detached mount on top of a target.
pub(super) fn attach<A: AsFd, B: AsFd>(tree: A, target: B) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", target, "", flags)
}

/// Changes attributes, if there is anything to change.
pub(super) fn change<Fd: AsFd>(
    tree: Fd,
    reach: Reach,
    attributes: MountAttributes,
) -> io::Result<()> {
    if attributes == MountAttributes::default() {
        return Ok(());
    }
    set_attributes(tree.as_fd(), HERE, reach, attributes)
}

/// Changes how mounts below spread to other namespaces.
pub(super) fn propagate<Fd: AsFd>(tree: Fd, flag: u64, recursive: bool) -> io::Result<()> {
    let reach = if recursive {
        Reach::Recursive
    } else {
        Reach::One
    };
    change(
        tree,
        reach,
        MountAttributes {
            propagation: flag,
            ..MountAttributes::default()
        },
    )
}

fn clone_flags(reach: Reach) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match reach {
        Reach::One => flags,
        Reach::Recursive => flags | OpenTreeFlags::AT_RECURSIVE,
    }
}

const HERE: &CStr = c"";
