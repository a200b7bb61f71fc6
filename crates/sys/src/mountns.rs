//! Mount namespaces, entered and made by threads of their own.
//!
//! A thread that does so shares neither root nor working directory with the rest of the process, and
//! ends when its work is done: no other thread ever sees another root.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// A thread inside [`on_thread`].
#[derive(Debug)]
pub struct OwnThread(());

/// Runs `work` on a thread whose root and working directory are its own.
pub fn on_thread<T: Send>(work: impl FnOnce(&OwnThread) -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let helper = thread::Builder::new()
            .name("mountns".to_owned())
            .stack_size(STACK);
        let helper = helper.spawn_scoped(scope, || {
            unshare(UnshareFlags::FS)?;
            work(&OwnThread(()))
        })?;
        match helper.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Opens the mount namespace of a process.
pub fn of_process(pid: i32) -> io::Result<OwnedFd> {
    open(Path::new(&format!("/proc/{pid}/ns/mnt")))
}

impl OwnThread {
    /// The namespace that the thread is in.
    pub fn current(&self) -> io::Result<OwnedFd> {
        open(Path::new("/proc/thread-self/ns/mnt"))
    }

    /// Moves the thread into `namespace`; root and working directory become that namespace's root.
    pub fn enter(&self, namespace: BorrowedFd<'_>) -> io::Result<()> {
        Ok(move_into_link_name_space(
            namespace,
            Some(LinkNameSpaceType::Mount),
        )?)
    }

    /// Moves the thread into a new copy of its namespace, of which the host sees nothing.
    pub fn separate(&self) -> io::Result<()> {
        unshare(UnshareFlags::NEWNS)?;
        let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        Ok(mount_change("/", flags)?)
    }

    /// Makes the mount that `directory` is the root of the root of everything: nothing else is left in the
    /// namespace. It must be one that [`OwnThread::separate`] made.
    pub fn keep_only(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        rustix::process::fchdir(directory)?;
        // The old root comes to lie on top of the new one and is taken away from there.
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        Ok(rustix::process::chdir("/")?)
    }
}

fn unshare(what: UnshareFlags) -> io::Result<()> {
    // JUSTIFICATION: rustix has no safe form of unshare(2).
    // SAFETY: only CLONE_FILES can make a descriptor unusable on another thread, and it is not passed.
    unsafe { unshare_unsafe(what) }?;
    Ok(())
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD.as_fd(), path, flags, Mode::empty())?)
}

/// A few paths and a system call at a time.
const STACK: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_on_the_thread_is_seen_by_nobody_else() {
        let place = std::env::temp_dir().join(format!("lockgate-mountns-{}", std::process::id()));
        std::fs::create_dir(&place).unwrap();
        let inside = on_thread(|thread| {
            thread.separate()?;
            let flags = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", &place, "tmpfs", flags, None)?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let tree = rustix::fs::open(&place, flags, Mode::empty())?;
            thread.keep_only(tree.as_fd())?;
            std::fs::write("/file", "x")?;
            std::fs::read_dir("/").map(Iterator::count)
        });
        assert_eq!(inside.unwrap(), 1);
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
        assert!(Path::new("/proc/self").exists());
        std::fs::remove_dir(&place).unwrap();
    }
}
