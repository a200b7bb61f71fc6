//! What every container finds besides its image: `/.dockerenv`, `/etc/mtab`, and the places of mounts.
//!
//! The stock engine has them in a layer of their own between the image and the container. Here they are in the
//! writable layer from the container's creation on, where the image has nothing of that name; `diff` does not count them.
//! Links in an image are not followed: where one stands in the way, the place is left out and made by the runtime.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use lockgate_store::Snapshot;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::layers::{Entry, Layers};

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Directory,
    /// An empty one.
    File,
    Link(&'static str),
}

/// The places, without a leading slash; `docker diff` and images of the container know nothing of them.
const PLACES: [(&str, Place); 10] = [
    // Programs look for it to find out that they are in a container.
    (".dockerenv", Place::File),
    ("dev/console", Place::File),
    ("dev/pts", Place::Directory),
    ("dev/shm", Place::Directory),
    ("etc/hostname", Place::File),
    ("etc/hosts", Place::File),
    ("etc/mtab", Place::Link("/proc/mounts")),
    ("etc/resolv.conf", Place::File),
    ("proc", Place::Directory),
    ("sys", Place::Directory),
];

/// Makes the places in a new writable layer. Blocks.
pub(crate) fn furnish(snapshot: &Snapshot) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let upper = rustix::fs::open(&snapshot.upper, flags, Mode::empty())?;
    let root = rustix::fs::fstat(&upper)?;
    let layers = Layers::open(snapshot.lower.iter())?;
    for (path, place) in PLACES {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if parent.is_empty() {
            if layers.entry(OsStr::new(name))?.is_none() {
                make(&upper, name, place, &root)?;
            }
            continue;
        }
        let below = layers.entry(OsStr::new(parent))?;
        let Some(free) = is_free(below.as_ref(), name)? else {
            continue;
        };
        if free {
            let directory = share(&upper, parent, below.as_ref(), &root)?;
            make(&directory, name, place, &root)?;
            keep_times(&directory, below.as_ref())?;
        }
    }
    Ok(())
}

/// Bytes of the places in a writable layer, which are not the container's. Blocks.
pub(crate) fn furniture(snapshot: &Snapshot) -> i64 {
    let length = |(path, place): (&str, Place)| match place {
        Place::Link(target) => std::fs::read_link(snapshot.upper.join(path))
            .is_ok_and(|link| link == Path::new(target))
            .then_some(target.len()),
        Place::Directory | Place::File => None,
    };
    let total: usize = PLACES.into_iter().filter_map(length).sum();
    i64::try_from(total).unwrap_or_default()
}

/// Whether a file stands where a directory is to be. Blocks.
pub(crate) fn is_file(snapshot: &Snapshot, path: &str) -> io::Result<bool> {
    let layers = Layers::open(snapshot.lower.iter())?;
    Ok(layers.file(Path::new(path))?.is_some())
}

/// Whether nothing has that name in `below`; `None` if that is not a directory.
fn is_free(below: Option<&Entry>, name: &str) -> io::Result<Option<bool>> {
    match below {
        None => Ok(Some(true)),
        Some(entry) => match &entry.directory {
            Some(directory) => Ok(Some(directory.entry(OsStr::new(name))?.is_none())),
            None => Ok(None),
        },
    }
}

/// A directory of the writable layer, which looks like the one below it.
fn share(upper: &OwnedFd, name: &str, below: Option<&Entry>, root: &Stat) -> io::Result<OwnedFd> {
    let like = below.map(|entry| &entry.stat);
    match rustix::fs::mkdirat(upper, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => {
            let owner = like.unwrap_or(root);
            own(upper, name, owner)?;
            if let Some(like) = like {
                let mode = Mode::from_raw_mode(like.st_mode & 0o7777);
                rustix::fs::chmodat(upper, name, mode, AtFlags::empty())?;
            }
        }
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(upper, name, flags, Mode::empty())?)
}

/// What was put into it does not show in its times.
fn keep_times(directory: &OwnedFd, below: Option<&Entry>) -> io::Result<()> {
    let Some(Entry { stat, .. }) = below else {
        return Ok(());
    };
    let time = |seconds, nanoseconds: u64| -> Timespec {
        Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
        }
    };
    let times = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    Ok(rustix::fs::futimens(directory, &times)?)
}

fn make(directory: &OwnedFd, name: &str, place: Place, root: &Stat) -> io::Result<()> {
    match place {
        Place::Directory => rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755))?,
        Place::Link(target) => rustix::fs::symlinkat(target, directory, name)?,
        Place::File => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o755);
            let file = rustix::fs::openat(directory, name, flags, mode)?;
            drop(File::from(file));
        }
    }
    own(directory, name, root)
}

/// Gives it to whom the container's root is here.
fn own(directory: &OwnedFd, name: &str, like: &Stat) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::chownat(
        directory,
        name,
        Some(uid),
        Some(gid),
        flags,
    )?)
}

/// Whether what a writable layer has at a path is one of the places, untouched.
pub(super) fn is_place(path: &[u8], handle: &OwnedFd, stat: &Stat) -> bool {
    let known = PLACES.iter().find(|(known, _)| known.as_bytes() == path);
    let Some((_, place)) = known else {
        return false;
    };
    match (place, FileType::from_raw_mode(stat.st_mode)) {
        (Place::File, FileType::RegularFile) => stat.st_size == 0,
        (Place::Directory, FileType::Directory) => true,
        (Place::Link(target), FileType::Symlink) => rustix::fs::readlinkat(handle, "", Vec::new())
            .is_ok_and(|link| link.as_bytes() == target.as_bytes()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;
    use crate::rootfs::diff;

    fn snapshot(root: &Path) -> Snapshot {
        let lower = vec![root.join("top"), root.join("bottom")];
        let upper = root.join("upper");
        for directory in lower.iter().chain([&upper]) {
            fs::create_dir(directory).unwrap();
        }
        Snapshot {
            lower,
            upper,
            work: root.join("work"),
            image: None,
        }
    }

    #[test]
    fn an_empty_image_gets_all_places_and_they_are_no_change() {
        let root = tempfile::tempdir().unwrap();
        let snapshot = snapshot(root.path());
        furnish(&snapshot).unwrap();
        for (path, _) in PLACES {
            fs::symlink_metadata(snapshot.upper.join(path)).unwrap();
        }
        let mode = fs::metadata(snapshot.upper.join(".dockerenv"))
            .unwrap()
            .mode();
        assert_eq!(mode & 0o7777, 0o755);
        let link = fs::read_link(snapshot.upper.join("etc/mtab")).unwrap();
        assert_eq!(link, Path::new("/proc/mounts"));
        assert_eq!(diff(&snapshot).unwrap().changes, []);
    }

    #[test]
    fn what_an_image_has_stays_and_its_directories_keep_their_looks() {
        let root = tempfile::tempdir().unwrap();
        let snapshot = snapshot(root.path());
        let etc = snapshot.lower[1].join("etc");
        fs::create_dir(&etc).unwrap();
        fs::write(etc.join("mtab"), "mine").unwrap();
        fs::set_permissions(&etc, fs::Permissions::from_mode(0o2711)).unwrap();
        symlink("elsewhere", snapshot.lower[0].join("dev")).unwrap();
        let old = fs::metadata(&etc).unwrap();
        furnish(&snapshot).unwrap();
        let new = fs::metadata(snapshot.upper.join("etc")).unwrap();
        assert_eq!(
            (new.mode(), new.mtime(), new.mtime_nsec()),
            (old.mode(), old.mtime(), old.mtime_nsec())
        );
        assert!(!snapshot.upper.join("etc/mtab").exists());
        fs::symlink_metadata(snapshot.upper.join("dev")).unwrap_err();
        assert_eq!(diff(&snapshot).unwrap().changes, []);
    }

    #[test]
    fn a_place_that_was_written_to_is_a_change() {
        let root = tempfile::tempdir().unwrap();
        let snapshot = snapshot(root.path());
        furnish(&snapshot).unwrap();
        fs::write(snapshot.upper.join("etc/hosts"), "mine").unwrap();
        fs::remove_file(snapshot.upper.join("etc/mtab")).unwrap();
        symlink("/mine", snapshot.upper.join("etc/mtab")).unwrap();
        let changes = diff(&snapshot).unwrap().changes;
        let paths: Vec<_> = changes.iter().map(|(path, _)| path.as_slice()).collect();
        assert_eq!(paths, [&b"etc"[..], b"etc/hosts", b"etc/mtab"]);
    }
}
