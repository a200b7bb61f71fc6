//! Network namespaces: made, named, entered and removed.
//!
//! A namespace belongs to a thread, so all of this happens on a helper thread that ends with the
//! call; the caller's thread never changes its own. A namespace gets a name by binding it to an
//! empty file, as `ip netns` does, and lives until that name and its last process are gone.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// Makes a namespace named `path` and runs `inside` in it.
///
/// What is left of an earlier namespace of that name is removed first. If an error is returned,
/// nothing is left at `path`.
pub fn create<T: Send>(
    path: &Path,
    inside: impl FnOnce(BorrowedFd<'_>) -> T + Send,
) -> io::Result<T> {
    make_mount_point(path)?;
    let made = on_helper_thread(|| {
        unshare_current_thread()?;
        let namespace = current()?;
        mount_bind(CURRENT, path)?;
        Ok(inside(namespace.as_fd()))
    });
    if made.is_err() {
        // The first error is the one to tell; this one would only follow from it.
        drop(remove(path));
    }
    made
}

/// Makes a namespace named `path` with nothing in it but a loopback that is down.
pub fn create_empty(path: &Path) -> io::Result<()> {
    create(path, |_namespace| ())
}

/// Names the namespace of a process `path`. If an error is returned, nothing is left there.
pub fn adopt(path: &Path, pid: i32) -> io::Result<()> {
    make_mount_point(path)?;
    let bound = mount_bind(format!("/proc/{pid}/ns/net"), path);
    if bound.is_err() {
        // The first error is the one to tell.
        drop(remove(path));
    }
    Ok(bound?)
}

/// Runs `inside` in the namespace that `namespace` refers to.
pub fn run_in<T: Send>(
    namespace: BorrowedFd<'_>,
    inside: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    on_helper_thread(|| {
        move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))?;
        Ok(inside())
    })
}

/// Opens the namespace named `path`.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens the calling thread's namespace.
pub fn current() -> io::Result<OwnedFd> {
    open(Path::new(CURRENT))
}

/// Takes the name away; the namespace goes with its last process. A name that does not exist is
/// no error.
pub fn remove(path: &Path) -> io::Result<()> {
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // Not mounted is fine: an earlier attempt may have ended between the two steps.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Moves the calling thread itself into a new namespace, for good.
///
/// Threads and processes that it starts are born there. For tests and for threads of their own.
pub fn unshare_current_thread() -> io::Result<()> {
    // JUSTIFICATION: rustix has no safe form of unshare(2).
    // SAFETY: only CLONE_FILES can make a descriptor unusable on another thread, and it is not
    // passed.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    Ok(())
}

fn make_mount_point(path: &Path) -> io::Result<()> {
    let create = || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map(drop)
    };
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove(path)?;
            create()
        }
        outcome => outcome,
    }
}

fn on_helper_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let helper = thread::Builder::new()
            .name("netns".to_owned())
            .stack_size(STACK);
        match helper.spawn_scoped(scope, work)?.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

const CURRENT: &str = "/proc/thread-self/ns/net";

/// Enough for a netlink exchange with 32 KiB buffers on the heap; unoptimised builds included.
const STACK: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn inode_of_current() -> u64 {
        fs::metadata(CURRENT).unwrap().ino()
    }

    #[test]
    fn a_named_namespace_is_entered_left_and_removed() {
        let path = std::env::temp_dir().join(format!("lockgate-netns-{}", std::process::id()));
        let outside = inode_of_current();
        let made = create(&path, |_| inode_of_current()).unwrap();
        assert_ne!(made, outside);
        let entered = run_in(open(&path).unwrap().as_fd(), inode_of_current).unwrap();
        assert_eq!(entered, made);
        assert_eq!(inode_of_current(), outside);
        let again = create(&path, |_| inode_of_current()).unwrap();
        assert_ne!(again, made, "a stale name is replaced");
        remove(&path).unwrap();
        assert!(!path.exists());
        remove(&path).unwrap();
    }

    #[test]
    fn a_failed_creation_leaves_nothing() {
        let path = std::env::temp_dir().join(format!("lockgate-no-dir-{}/x", std::process::id()));
        assert_eq!(
            create_empty(&path).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
