//! A private view of a container's file system: its root with volumes and binds in their places.
//!
//! The view is a mount namespace that no process lives in, reached by a handle on its root. It looks the same for
//! a container that runs and for one that does not. A running container's own mounts are not in it, so it cannot
//! lead the engine anywhere: what is mounted here was chosen by the engine, devices cannot be opened and programs
//! cannot be executed, and targets of mounts are resolved with the view's root as the root of every link.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_store::{Snapshot, ensure_directory, open_in_root};
use lockgate_sys::mount::{MountAttributes, Reach, set_attributes};
use lockgate_sys::mountns::{self, OwnThread};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, StatVfsMountFlags, StatxFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, move_mount, open_tree,
};

/// Where the root comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The mount namespace of the container's process.
    Running(OwnedFd),
    /// Layers that nothing has mounted.
    Stopped(Snapshot),
}

/// A file or directory of the host that is seen in the container.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    /// The source itself, if it was looked at and the path may lead elsewhere now.
    pub(crate) opened: Option<Arc<OwnedFd>>,
    /// Where, as a path in the container.
    pub(crate) target: String,
    pub(crate) read_only: bool,
    /// With what is mounted below the source.
    pub(crate) recursive: bool,
    /// Left out where the container has nothing in that place; else the place is made.
    pub(crate) optional: bool,
}

/// What is to be seen.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    pub(crate) binds: Vec<Bind>,
    pub(crate) read_only_root: bool,
    /// An empty directory that the root is mounted on, unseen by others.
    pub(crate) place: PathBuf,
    /// Who owns places that are made for mounts.
    pub(crate) owner: (u32, u32),
}

/// The view. It is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct View {
    root: OwnedFd,
    /// Keeps the mounts.
    _namespace: OwnedFd,
}

impl View {
    /// Makes the view. Blocks.
    pub(crate) fn open(plan: &Plan) -> io::Result<Self> {
        mountns::on_thread(|thread| {
            let running = match &plan.source {
                Source::Running(namespace) => Some(root_of(thread, namespace.as_fd())?),
                Source::Stopped(_) => None,
            };
            let sources = sources(&plan.binds)?;
            thread.separate()?;
            let namespace = thread.current()?;
            let root = mount_root(plan, running)?;
            harmless(&root, Reach::One, false)?;
            thread.keep_only(root.as_fd())?;
            for (bind, tree) in plan.binds.iter().zip(&sources) {
                attach(&root, bind, tree, plan.owner)?;
            }
            if plan.read_only_root {
                harmless(&root, Reach::One, true)?;
            }
            Ok(Self {
                root,
                _namespace: namespace,
            })
        })
    }

    /// The root, where every path starts.
    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Whether a directory of the view can be written to, and whether it belongs to the root's own mount.
    pub(crate) fn access(&self, directory: &OwnedFd) -> io::Result<Access> {
        let flags = rustix::fs::fstatvfs(directory)?.f_flag;
        if !flags.contains(StatVfsMountFlags::RDONLY) {
            return Ok(Access::Writable);
        }
        let mount = |handle: BorrowedFd<'_>| {
            rustix::fs::statx(handle, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)
                .map(|status| status.stx_mnt_id)
        };
        Ok(if mount(directory.as_fd())? == mount(self.root())? {
            Access::ReadOnlyRoot
        } else {
            Access::ReadOnlyVolume
        })
    }
}

/// Who says whether a directory can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Writable,
    ReadOnlyRoot,
    ReadOnlyVolume,
}

/// A copy of the mount that is the root of a container, without what is mounted on it. It keeps the file system,
/// which must not be mounted twice.
fn root_of(thread: &OwnThread, namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let host = thread.current()?;
    thread.enter(namespace)?;
    let root = copy(Path::new("/"), false);
    thread.enter(host.as_fd())?;
    root
}

fn copy(path: &Path, recursive: bool) -> io::Result<OwnedFd> {
    Ok(open_tree(rustix::fs::CWD, path, clone_flags(recursive))?)
}

fn copy_of(open: BorrowedFd<'_>, recursive: bool) -> io::Result<OwnedFd> {
    let flags = clone_flags(recursive) | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(open_tree(open, "", flags)?)
}

fn clone_flags(recursive: bool) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags | OpenTreeFlags::AT_RECURSIVE
    } else {
        flags
    }
}

/// Copies of the sources, while they can still be reached.
fn sources(binds: &[Bind]) -> io::Result<Vec<OwnedFd>> {
    let source = |bind: &Bind| {
        let tree = match &bind.opened {
            Some(opened) => copy_of(opened.as_fd(), bind.recursive)?,
            None => copy(&bind.source, bind.recursive)?,
        };
        let reach = if bind.recursive {
            Reach::Recursive
        } else {
            Reach::One
        };
        harmless(&tree, reach, bind.read_only)?;
        Ok(tree)
    };
    binds.iter().map(source).collect()
}

fn mount_root(plan: &Plan, running: Option<OwnedFd>) -> io::Result<OwnedFd> {
    fs::create_dir_all(&plan.place)?;
    match (&plan.source, running) {
        (Source::Stopped(snapshot), _) => lockgate_runtime::mount_overlay(
            &snapshot.lower,
            &snapshot.upper,
            &snapshot.work,
            &plan.place,
        ),
        (Source::Running(_), Some(root)) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let place = rustix::fs::open(&plan.place, flags, Mode::empty())?;
            put(&root, &place)?;
            Ok(root)
        }
        (Source::Running(_), None) => Err(io::ErrorKind::NotFound.into()),
    }
}

/// No devices, no programs, no set-user-id: whatever is opened in the view is a file. Private: what is mounted on
/// it here is mounted nowhere else.
fn harmless(tree: &OwnedFd, reach: Reach, read_only: bool) -> io::Result<()> {
    let mut set = MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC
        | MountAttrFlags::MOUNT_ATTR_NOSUID;
    if read_only {
        set |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    let attributes = MountAttributes {
        set: u64::from(set.bits()),
        propagation: u64::from(MountPropagationFlags::PRIVATE.bits()),
        ..MountAttributes::default()
    };
    set_attributes(tree.as_fd(), c"", reach, attributes)
}

fn attach(root: &OwnedFd, bind: &Bind, tree: &OwnedFd, owner: (u32, u32)) -> io::Result<()> {
    let target = bind.target.trim_matches('/').as_bytes();
    let place = match open_in_root(root.as_fd(), target, OFlags::PATH) {
        Err(Errno::NOENT) if bind.optional => return Ok(()),
        Err(Errno::NOENT) => make_place(root, target, tree, owner)?,
        result => result?,
    };
    match put(tree, &place) {
        // A file where a directory is wanted, or the reverse: the start will say so.
        Err(Errno::NOTDIR) if bind.optional => Ok(()),
        result => Ok(result?),
    }
}

/// Makes what a mount needs to lie on, as a start would.
fn make_place(
    root: &OwnedFd,
    target: &[u8],
    tree: &OwnedFd,
    owner: (u32, u32),
) -> io::Result<OwnedFd> {
    let stat = rustix::fs::fstat(tree)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return ensure_directory(root, target, owner);
    }
    let at = target.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = match at {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (&b"."[..], target),
    };
    let parent = ensure_directory(root, parent, owner)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let file = rustix::fs::openat(&parent, name, flags, mode)?;
    let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
    rustix::fs::fchown(&file, Some(uid), Some(gid))?;
    Ok(file)
}

fn put(tree: &OwnedFd, place: &OwnedFd) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", place, "", flags)
}
