//! Device nodes and the links of `/dev`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};
use rustix::fs::{FileType, Gid, Mode, Uid, major, makedev, minor};
use rustix::io::Errno;

use super::resolve::{Kind, ensure_in_root};
use super::tree;
use crate::create::InitError;

/// Where nodes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nodes {
    /// They are made.
    Make,
    /// A user namespace may not make them: the host's are bound.
    Bind,
}

/// Makes the devices that every container has, and those of the specification.
pub(super) fn make<Fd: AsFd>(
    root: Fd,
    devices: &[LinuxDevice],
    nodes: Nodes,
) -> Result<(), InitError> {
    let directory = ensure_in_root(&root, Path::new("/dev"), Kind::Directory)
        .map_err(|source| failed(Path::new("/dev"), source))?;
    for (name, major, minor) in STANDARD {
        let path = Path::new("/dev").join(name);
        if devices.iter().any(|device| *device.path() == path) {
            continue;
        }
        let node = Node {
            kind: FileType::CharacterDevice,
            number: makedev(major, minor),
            mode: 0o666,
            owner: None,
        };
        node.make(&directory, name, &path, nodes)
            .map_err(|source| failed(&path, source))?;
    }
    for device in devices {
        let path = device.path().as_path();
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed(path, Errno::INVAL));
        };
        let parent = ensure_in_root(&root, parent, Kind::Directory)
            .map_err(|source| failed(path, source))?;
        let node = Node::of(device).map_err(|source| failed(path, source))?;
        let name = name.to_str().ok_or_else(|| failed(path, Errno::INVAL))?;
        node.make(&parent, name, path, nodes)
            .map_err(|source| failed(path, source))?;
    }
    make_links(&directory)
}

fn make_links(directory: &OwnedFd) -> Result<(), InitError> {
    for (name, target) in LINKS {
        // As runc: where the kernel has no image of its memory there is no name for it.
        if target == KCORE && !Path::new(KCORE).exists() {
            continue;
        }
        match rustix::fs::symlinkat(target, directory, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(source) => return Err(failed(&Path::new("/dev").join(name), source)),
        }
    }
    Ok(())
}

/// One device node.
struct Node {
    kind: FileType,
    number: u64,
    mode: u32,
    owner: Option<(u32, u32)>,
}

impl Node {
    fn of(device: &LinuxDevice) -> Result<Self, Errno> {
        let number = |n: i64| u32::try_from(n).map_err(|_error| Errno::INVAL);
        let kind = match device.typ() {
            LinuxDeviceType::B => FileType::BlockDevice,
            LinuxDeviceType::C | LinuxDeviceType::U => FileType::CharacterDevice,
            LinuxDeviceType::P => FileType::Fifo,
            LinuxDeviceType::A => return Err(Errno::INVAL),
        };
        let number = if kind == FileType::Fifo {
            0
        } else {
            makedev(number(device.major())?, number(device.minor())?)
        };
        let owner = match (device.uid().unwrap_or(0), device.gid().unwrap_or(0)) {
            (0, 0) => None,
            owner => Some(owner),
        };
        Ok(Self {
            kind,
            number,
            mode: device.file_mode().unwrap_or(0o666) & 0o7777,
            owner,
        })
    }

    fn make(&self, parent: &OwnedFd, name: &str, path: &Path, nodes: Nodes) -> Result<(), Errno> {
        if nodes == Nodes::Bind {
            return bind(parent, name, &self.source(path)?);
        }
        let mode = Mode::from_raw_mode(self.mode);
        match rustix::fs::mknodat(parent, name, self.kind, mode, self.number) {
            Err(Errno::EXIST) => return self.check(parent, name),
            result => result?,
        }
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(parent, name, Some(uid), Some(gid), flags)?;
        }
        Ok(())
    }

    /// The host's node: in the same place, or under the kernel's own name for these numbers.
    fn source(&self, path: &Path) -> Result<PathBuf, Errno> {
        let same = |path: &Path| rustix::fs::stat(path).is_ok_and(|s| s.st_rdev == self.number);
        if self.kind == FileType::Fifo || same(path) {
            return Ok(path.to_owned());
        }
        let list = match self.kind {
            FileType::BlockDevice => "block",
            _ => "char",
        };
        let (major, minor) = (major(self.number), minor(self.number));
        let facts = std::fs::read_to_string(format!("/sys/dev/{list}/{major}:{minor}/uevent"));
        let facts = facts.map_err(|_error| Errno::NODEV)?;
        let name = facts.lines().find_map(|line| line.strip_prefix("DEVNAME="));
        let found = name.map(|name| Path::new("/dev").join(name));
        found.filter(|path| same(path)).ok_or(Errno::NODEV)
    }

    /// What is there already (an image without a `/dev` of its own mounted over) must be the same.
    fn check(&self, parent: &OwnedFd, name: &str) -> Result<(), Errno> {
        let stat = rustix::fs::statat(parent, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
        let same = FileType::from_raw_mode(stat.st_mode) == self.kind
            && (self.kind == FileType::Fifo || stat.st_rdev == self.number);
        if same { Ok(()) } else { Err(Errno::EXIST) }
    }
}

fn bind(parent: &OwnedFd, name: &str, host_path: &Path) -> Result<(), Errno> {
    let target = ensure_in_root(parent, Path::new(name), Kind::File)?;
    let node = tree::copy_path(host_path, lockgate_sys::mount::Reach::One)?;
    tree::attach(&node, &target)
}

fn failed(path: &Path, source: Errno) -> InitError {
    InitError::Device {
        path: path.to_owned(),
        source: source.into(),
    }
}

const STANDARD: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

const KCORE: &str = "/proc/kcore";

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", KCORE),
    ("ptmx", "pts/ptmx"),
];
