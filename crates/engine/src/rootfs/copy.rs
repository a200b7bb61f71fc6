//! Filling an empty volume with what the image has in its place.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use lockgate_store::Snapshot;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, Uid,
};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

/// Directories nested deeper are not copied: an image that has them is hostile.
const MAX_DEPTH: u32 = 256;

/// Copies the image's directory at `destination` into `volume`, if the volume is empty and the image
/// has a directory there. Owner and mode of the volume's root become those of the directory.
pub(crate) fn fill_volume(snapshot: &Snapshot, destination: &str, volume: &Path) -> io::Result<()> {
    let target = open_directory(CWD, volume)?;
    if !is_empty(target.as_fd())? {
        return Ok(());
    }
    let root = image_tree(&snapshot.lower)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let relative = destination.trim_start_matches('/');
    let source = match rustix::fs::openat2(&root, relative, flags, Mode::empty(), resolve) {
        Ok(source) => source,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    copy_directory(source.as_fd(), target.as_fd(), 0)
}

/// The image's layers as one tree: the only layer itself, or a mount that no path leads to.
pub(crate) fn image_tree(layers: &[PathBuf]) -> io::Result<OwnedFd> {
    if let [only] = layers {
        return open_directory(CWD, only);
    }
    let overlay = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for lower in layers {
        rustix::mount::fsconfig_set_string(overlay.as_fd(), "lowerdir+", lower)?;
    }
    rustix::mount::fsconfig_create(overlay.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOEXEC
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(
        overlay.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )?)
}

fn open_directory(at: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, path, flags, Mode::empty())?)
}

fn is_empty(directory: BorrowedFd<'_>) -> io::Result<bool> {
    for entry in Dir::read_from(directory)? {
        if !is_dots(entry?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn copy_directory(source: BorrowedFd<'_>, target: BorrowedFd<'_>, depth: u32) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(rustix::io::Errno::LOOP.into());
    }
    for entry in Dir::read_from(source)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_dots(name) {
            copy_entry(source, target, name, depth)?;
        }
    }
    let stat = rustix::fs::fstat(source)?;
    finish(source, target, &stat)
}

fn copy_entry(
    source: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    name: &CStr,
    depth: u32,
) -> io::Result<()> {
    let stat = rustix::fs::statat(source, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let open = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let private = Mode::RUSR | Mode::WUSR;
    match kind {
        FileType::Directory => {
            rustix::fs::mkdirat(target, name, private | Mode::XUSR)?;
            let from = rustix::fs::openat(source, name, open | OFlags::DIRECTORY, Mode::empty())?;
            let to = rustix::fs::openat(target, name, open | OFlags::DIRECTORY, Mode::empty())?;
            copy_directory(from.as_fd(), to.as_fd(), depth + 1)
        }
        FileType::RegularFile => {
            let mut from = File::from(rustix::fs::openat(source, name, open, Mode::empty())?);
            let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mut to = File::from(rustix::fs::openat(target, name, create, private)?);
            io::copy(&mut from, &mut to)?;
            finish(from.as_fd(), to.as_fd(), &stat)
        }
        FileType::Symlink => {
            let link = rustix::fs::readlinkat(source, name, Vec::new())?;
            rustix::fs::symlinkat(&link, target, name)?;
            own(target, name, &stat)
        }
        // A whiteout of a layer that is used alone.
        FileType::CharacterDevice if stat.st_rdev == 0 => Ok(()),
        FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice | FileType::Socket => {
            let mode = Mode::from_raw_mode(stat.st_mode);
            rustix::fs::mknodat(target, name, kind, mode, stat.st_rdev)?;
            own(target, name, &stat)
        }
        FileType::Unknown => Ok(()),
    }
}

/// Gives an open file its source's owner, mode, attributes and times, in an order that keeps them.
fn finish(source: BorrowedFd<'_>, target: BorrowedFd<'_>, stat: &Stat) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(target, Some(uid), Some(gid))?;
    rustix::fs::fchmod(target, Mode::from_raw_mode(stat.st_mode))?;
    copy_attributes(source, target)?;
    rustix::fs::futimens(target, &times(stat))?;
    Ok(())
}

fn own(target: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::chownat(target, name, Some(uid), Some(gid), flags)?;
    rustix::fs::utimensat(target, name, &times(stat), flags)?;
    Ok(())
}

fn times(stat: &Stat) -> Timestamps {
    let nanos = |value| i64::try_from(value).unwrap_or_default();
    let time = |seconds, nanos| Timespec {
        tv_sec: seconds,
        tv_nsec: nanos,
    };
    Timestamps {
        last_access: time(stat.st_atime, nanos(stat.st_atime_nsec)),
        last_modification: time(stat.st_mtime, nanos(stat.st_mtime_nsec)),
    }
}

/// Copies extended attributes, but not those that steer overlayfs.
fn copy_attributes(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    let mut names = vec![0_u8; 64 << 10];
    let length = match rustix::fs::flistxattr(source, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    names.truncate(length);
    let mut value = vec![0_u8; 64 << 10];
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        if name.starts_with(lockgate_sys::userns::overlay_prefix().as_bytes()) {
            continue;
        }
        let length = rustix::fs::fgetxattr(source, name, &mut value[..])?;
        let value = value.get(..length).unwrap_or_default();
        rustix::fs::fsetxattr(target, name, value, rustix::fs::XattrFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;

    fn snapshot(lower: Vec<PathBuf>, root: &Path) -> Snapshot {
        Snapshot {
            lower,
            upper: root.join("upper"),
            work: root.join("work"),
            image: None,
        }
    }

    #[test]
    fn an_empty_volume_gets_what_the_image_has_there() {
        let root = tempfile::tempdir().unwrap();
        let (layer, volume) = (root.path().join("layer"), root.path().join("volume"));
        fs::create_dir_all(layer.join("data/deep")).unwrap();
        fs::create_dir(&volume).unwrap();
        fs::write(layer.join("data/deep/file"), "text").unwrap();
        symlink("/etc/shadow", layer.join("data/link")).unwrap();
        chown(layer.join("data"), Some(7), Some(8)).unwrap();
        fs::set_permissions(layer.join("data"), fs::Permissions::from_mode(0o1770)).unwrap();
        fill_volume(&snapshot(vec![layer], root.path()), "/data", &volume).unwrap();
        assert_eq!(
            fs::read_to_string(volume.join("deep/file")).unwrap(),
            "text"
        );
        assert_eq!(
            fs::read_link(volume.join("link")).unwrap(),
            Path::new("/etc/shadow")
        );
        let meta = fs::metadata(&volume).unwrap();
        assert_eq!(
            (meta.uid(), meta.gid(), meta.mode() & 0o7777),
            (7, 8, 0o1770)
        );
    }

    #[test]
    fn several_layers_are_seen_as_one() {
        let root = tempfile::tempdir().unwrap();
        let (top, bottom) = (root.path().join("top"), root.path().join("bottom"));
        let volume = root.path().join("volume");
        for path in [top.join("data"), bottom.join("data"), volume.clone()] {
            fs::create_dir_all(path).unwrap();
        }
        fs::write(top.join("data/a"), "top").unwrap();
        fs::write(bottom.join("data/a"), "bottom").unwrap();
        fs::write(bottom.join("data/b"), "bottom").unwrap();
        fill_volume(&snapshot(vec![top, bottom], root.path()), "/data", &volume).unwrap();
        assert_eq!(fs::read_to_string(volume.join("a")).unwrap(), "top");
        assert_eq!(fs::read_to_string(volume.join("b")).unwrap(), "bottom");
    }

    #[test]
    fn a_volume_with_something_in_it_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (layer, volume) = (root.path().join("layer"), root.path().join("volume"));
        fs::create_dir_all(layer.join("data")).unwrap();
        fs::write(layer.join("data/new"), "x").unwrap();
        fs::create_dir(&volume).unwrap();
        fs::write(volume.join("old"), "x").unwrap();
        fill_volume(&snapshot(vec![layer], root.path()), "/data", &volume).unwrap();
        assert!(!volume.join("new").exists());
    }

    #[test]
    fn a_link_out_of_the_image_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let (layer, volume) = (root.path().join("layer"), root.path().join("volume"));
        fs::create_dir_all(&layer).unwrap();
        fs::create_dir(&volume).unwrap();
        fs::create_dir(root.path().join("secret")).unwrap();
        fs::write(root.path().join("secret/key"), "x").unwrap();
        symlink("../secret", layer.join("data")).unwrap();
        fill_volume(&snapshot(vec![layer], root.path()), "/data", &volume).unwrap();
        assert_eq!(fs::read_dir(&volume).unwrap().count(), 0);
    }
}
