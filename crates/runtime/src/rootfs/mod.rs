//! The container's file system, made inside its own mount namespace before it becomes the root.

mod cgroups;
mod devices;
mod mask;
mod options;
mod outside;
mod overlay;
mod resolve;
mod tree;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use lockgate_sys::mount::{MountAttributes, Reach};
use oci_spec::runtime::{LinuxNamespaceType, Mount, Spec};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

pub(crate) use outside::Outside;
pub(crate) use overlay::{mount_for_external, mount_overlay, mount_root, open_place};
pub(crate) use resolve::open_with;

use crate::cgroup::Cgroup;
use crate::create::{InitError, Namespaces, Step as _};
use devices::Nodes;
use options::{Options, PROPAGATION, RDONLY};
use resolve::{Kind, ensure_in_root, is_directory};

/// Keeps what is mounted from now on inside this mount namespace. What the host mounts later still comes in,
/// unless `propagation` says private.
pub(crate) fn separate_from_host(propagation: Option<&str>) -> Result<(), InitError> {
    let wanted = PROPAGATION.iter().find(|p| Some(p.0) == propagation);
    let flag = match wanted.map_or(SLAVE, |p| p.1) {
        PRIVATE | UNBINDABLE => PRIVATE,
        _ => SLAVE,
    };
    tree::propagate(open_root()?, flag, true).step("changing the propagation of /")
}

/// Copies of those sources that stay shared with the host, for each mount of the specification.
#[derive(Debug)]
pub(crate) struct SharedSources(Vec<Option<OwnedFd>>);

impl SharedSources {
    /// Takes the copies, but for those that were opened outside; this must happen before
    /// [`separate_from_host`], which ends all sharing.
    pub(crate) fn open(spec: &Spec, outside: &Outside) -> Result<Self, InitError> {
        let mounts = spec.mounts().as_deref().unwrap_or(&[]);
        mounts
            .iter()
            .enumerate()
            .map(|(index, mount)| match outside.source(index)? {
                Some(tree) => Ok(Some(tree)),
                None => Self::open_one(mount),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn open_one(mount: &Mount) -> Result<Option<OwnedFd>, InitError> {
        let options = Options::of(mount)?;
        let shared = options.propagation.iter().any(|(flag, _)| *flag == SHARED);
        let Some(reach) = options.bind.filter(|_| shared) else {
            return Ok(None);
        };
        let from = mount.source().clone().unwrap_or_default();
        let tree = tree::copy_path(&from, reach);
        tree.map(Some).map_err(|source| InitError::Mount {
            from,
            to: mount.destination().clone(),
            step: "open_tree",
            source: source.into(),
        })
    }
}

/// Lets the container's own mounts spread to further namespaces made in it, if it is to be so.
pub(crate) fn share_root(propagation: Option<&str>) -> Result<(), InitError> {
    let wanted = PROPAGATION.iter().find(|p| Some(p.0) == propagation);
    match wanted.filter(|p| p.1 == SHARED) {
        Some((_, flag, recursive)) => {
            tree::propagate(open_root()?, *flag, *recursive).step("sharing the root")
        }
        None => Ok(()),
    }
}

/// Makes all that the specification wants in `root`.
pub(crate) fn populate(
    root: &OwnedFd,
    spec: &Spec,
    namespaces: &Namespaces,
    cgroup: &Cgroup,
    shared: SharedSources,
) -> Result<(), InitError> {
    let linux = spec.linux().as_ref();
    let mounts = spec.mounts().as_deref().unwrap_or(&[]);
    for (mount, source) in mounts.iter().zip(shared.0) {
        mount_one(root, mount, cgroup, source)?;
    }
    if !mounts.iter().any(is_host_dev) {
        let foreign = namespaces.separate(LinuxNamespaceType::User);
        let nodes = if foreign || lockgate_sys::userns::is_nested() {
            Nodes::Bind
        } else {
            Nodes::Make
        };
        let list = linux
            .and_then(|linux| linux.devices().as_deref())
            .unwrap_or(&[]);
        devices::make(root, list, nodes)?;
    }
    if let Some(process) = spec.process() {
        // runc makes the working directory, too; what cannot be made is told when it is entered.
        drop(ensure_in_root(root, process.cwd(), Kind::Directory));
    }
    for mount in mounts.iter().filter(|mount| becomes_readonly_late(mount)) {
        finish_readonly(root, mount)?;
    }
    if let Some(linux) = linux {
        mask::make_readonly(root, linux.readonly_paths().as_deref().unwrap_or(&[]))?;
        mask::mask(root, linux.masked_paths().as_deref().unwrap_or(&[]))?;
    }
    Ok(())
}

/// Makes the root mount read-only.
pub(crate) fn set_readonly<Fd: AsFd>(root: Fd) -> Result<(), InitError> {
    let attributes = MountAttributes {
        set: RDONLY,
        ..MountAttributes::default()
    };
    tree::change(root, Reach::One, attributes).step("making the root read-only")
}

/// Makes `root` the root and lets the old one go.
pub(crate) fn pivot(root: &OwnedFd) -> Result<(), InitError> {
    rustix::process::fchdir(root).step("entering the root")?;
    // The old root is put on top of the new one, which is the working directory; then it is taken off.
    rustix::process::pivot_root(".", ".").step("pivot_root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).step("unmounting the old root")?;
    rustix::process::chdir("/").step("entering the new root")
}

/// Makes `root` the root by moving its mount over the old one, which stays below, out of reach by name.
pub(crate) fn move_over(root: &OwnedFd) -> Result<(), InitError> {
    rustix::process::fchdir(root).step("entering the root")?;
    hide_kernel_views()?;
    rustix::mount::mount_move(".", "/").step("moving the root")?;
    rustix::process::chroot(".").step("chroot")?;
    rustix::process::chdir("/").step("entering the new root")
}

/// Takes away what shows the host's kernel outside the root: it would stay in reach below the moved root.
fn hide_kernel_views() -> Result<(), InitError> {
    let own = rustix::process::getcwd(Vec::new()).step("getcwd")?;
    let own = std::path::PathBuf::from(std::ffi::OsStr::from_bytes(own.as_bytes()));
    let mounts = std::fs::read_to_string("/proc/self/mounts").step("reading the mounts")?;
    for line in mounts.lines().rev() {
        let mut fields = line.split(' ').skip(1);
        let (Some(place), Some("proc" | "sysfs")) = (fields.next(), fields.next()) else {
            continue;
        };
        if !Path::new(place).starts_with(&own) {
            rustix::mount::unmount(place, UnmountFlags::DETACH)
                .step("unmounting /proc and /sys")?;
        }
    }
    Ok(())
}

/// Puts the terminal in the place of `/dev/console`.
pub(crate) fn bind_console(terminal: &OwnedFd) -> Result<(), InitError> {
    let root = open_root()?;
    let target =
        ensure_in_root(&root, Path::new("/dev/console"), Kind::File).step("making /dev/console")?;
    let copy = tree::copy(terminal, Reach::One).step("copying the terminal's mount")?;
    tree::attach(&copy, &target).step("mounting /dev/console")
}

fn open_root() -> Result<OwnedFd, InitError> {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open("/", flags, rustix::fs::Mode::empty()).step("opening /")
}

fn mount_one(
    root: &OwnedFd,
    mount: &Mount,
    cgroup: &Cgroup,
    shared: Option<OwnedFd>,
) -> Result<(), InitError> {
    let options = Options::of(mount)?;
    let from = mount.source().clone().unwrap_or_default();
    let to = mount.destination();
    let failed = |step| {
        let (from, to) = (from.clone(), to.clone());
        move |source: io::Error| InitError::Mount {
            from,
            to,
            step,
            source,
        }
    };
    let errno = |step| {
        let failed = failed(step);
        move |source: Errno| failed(source.into())
    };
    let kind = mount.typ().as_deref().unwrap_or("none");
    let tree = if let Some(reach) = options.bind {
        let copy = || tree::copy_path(&from, reach).map_err(errno("open_tree"));
        let tree = shared.map_or_else(copy, Ok)?;
        tree::change(&tree, Reach::One, options.attributes).map_err(failed("mount_setattr"))?;
        tree::change(&tree, Reach::Recursive, options.recursive)
            .map_err(failed("mount_setattr"))?;
        tree
    } else if kind == "cgroup" || kind == "cgroup2" {
        let target = ensure_in_root(root, to, Kind::Directory).map_err(errno("mkdir"))?;
        return cgroups::mount(cgroup, &target, options.attributes.set).map_err(failed("mount"));
    } else {
        let late = if becomes_readonly_late(mount) {
            RDONLY
        } else {
            0
        };
        tree::new_filesystem(kind, &from, &options.data, options.attributes.set & !late)
            .map_err(errno("mount"))?
    };
    let wanted = if is_directory(&tree).map_err(errno("stat"))? {
        Kind::Directory
    } else {
        Kind::File
    };
    let target = ensure_in_root(root, to, wanted).map_err(errno("making the mount point"))?;
    tree::attach(&tree, &target).map_err(errno("move_mount"))?;
    for (flag, recursive) in options.propagation {
        tree::propagate(&tree, flag, recursive).map_err(failed("propagation"))?;
    }
    Ok(())
}

/// A tmpfs is filled (mount points, devices) before it becomes read-only.
fn becomes_readonly_late(mount: &Mount) -> bool {
    mount.typ().as_deref() == Some("tmpfs")
        && mount
            .options()
            .iter()
            .flatten()
            .rev()
            .find(|o| *o == "ro" || *o == "rw")
            == Some(&"ro".to_owned())
}

fn finish_readonly(root: &OwnedFd, mount: &Mount) -> Result<(), InitError> {
    let path = mount.destination();
    let failed = |source| InitError::Readonly {
        path: path.display().to_string(),
        source,
    };
    let handle = resolve::open_in_root(root, path).map_err(|e| failed(e.into()))?;
    let attributes = MountAttributes {
        set: RDONLY,
        ..MountAttributes::default()
    };
    tree::change(&handle, Reach::One, attributes).map_err(failed)
}

/// The host's `/dev` is mounted: it has all devices, and nothing may be made there.
fn is_host_dev(mount: &Mount) -> bool {
    let path = mount.destination();
    let bind = mount.typ().as_deref() == Some("bind")
        || mount
            .options()
            .iter()
            .flatten()
            .any(|o| o == "bind" || o == "rbind");
    bind && (path == Path::new("/dev") || path == Path::new("/dev/"))
}

const UNBINDABLE: u64 = 1 << 17;
const PRIVATE: u64 = 1 << 18;
const SLAVE: u64 = 1 << 19;
const SHARED: u64 = 1 << 20;
