//! One new process by `clone3(2)`, in namespaces of its own.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

/// What the new process gets of its own; the bits are those of `CLONE_NEW*`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloneOptions<'a> {
    /// `CLONE_NEW*` flags, and nothing else.
    pub namespaces: u64,
    /// A cgroup v2 directory that it is born into.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Its parent is the caller's parent (`CLONE_PARENT`).
    pub sibling: bool,
}

/// On which side of the clone the caller is.
#[derive(Debug)]
pub enum Cloned {
    /// In the new process, with a copy of everything. It must end by `execve` or [`crate::process::exit_now`].
    Child,
    /// In the old process.
    Parent {
        /// The new process's id.
        pid: i32,
        /// A handle on it.
        pidfd: OwnedFd,
    },
}

/// Splits this process in two. Signal handlers are reset in the child, ignored signals stay ignored.
///
/// Refuses with `EDEADLK` if this process has more than one thread: the others would be missing in the
/// child, with whatever locks they hold.
pub fn clone3(options: CloneOptions<'_>) -> io::Result<Cloned> {
    if thread_count()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EDEADLK));
    }
    let mut pidfd: libc::c_int = -1;
    let clear_handlers: u64 = 1 << 32;
    let into_cgroup: u64 = 1 << 33;
    let mut flags = (options.namespaces & NAMESPACES)
        | clear_handlers
        | u64::from(libc::CLONE_PIDFD.unsigned_abs());
    let mut exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    if options.sibling {
        flags |= u64::from(libc::CLONE_PARENT.unsigned_abs());
        // The kernel takes the caller's own, and refuses another.
        exit_signal = 0;
    }
    let mut cgroup = 0;
    if let Some(fd) = options.cgroup {
        flags |= into_cgroup;
        cgroup = u64::from(fd.as_raw_fd().unsigned_abs());
    }
    let mut args = CloneArgs {
        flags,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        exit_signal,
        cgroup,
        ..CloneArgs::default()
    };
    // JUSTIFICATION: neither std nor rustix offers clone3.
    // SAFETY: `args` is a valid clone_args of the given size, `pidfd` outlives the call, and no stack is
    // given, so that the child runs on a copy-on-write copy of this one (CLONE_VM cannot be set: flags
    // are masked). This process has one thread, so every lock the child could meet is free.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            std::ptr::from_mut(&mut args),
            size_of::<CloneArgs>(),
        )
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Cloned::Child),
        pid => {
            // JUSTIFICATION: the descriptor comes as an integer.
            // SAFETY: the kernel has just stored a new descriptor there (CLONE_PIDFD), owned by nobody.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Cloned::Parent {
                pid: i32::try_from(pid).unwrap_or(i32::MAX),
                pidfd,
            })
        }
    }
}

/// `unshare(2)` of namespaces: the `CLONE_NEW*` bits of `namespaces`, nothing else.
pub fn unshare(namespaces: u64) -> io::Result<()> {
    let flags =
        libc::c_int::try_from(namespaces & NAMESPACES & 0x7fff_ffff).map_err(io::Error::other)?;
    // JUSTIFICATION: rustix marks it unsafe because of CLONE_FILES, which the mask excludes.
    // SAFETY: namespace flags touch no memory and no descriptor table.
    if unsafe { libc::unshare(flags) } == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// How many threads this process has: `/proc/self/task` has one link for each besides `.` and `..`.
fn thread_count() -> io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/task")?
        .nlink()
        .saturating_sub(2))
}

/// All flags that make namespaces.
const NAMESPACES: u64 = 0x7e02_0080;

/// `struct clone_args` of the kernel, up to the fields of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}
