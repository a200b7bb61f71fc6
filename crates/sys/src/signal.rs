//! Signals as readable descriptors, and a clean slate for new processes.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// Blocks `signals` in this thread and returns a descriptor that is readable when one is pending.
/// It is non-blocking and close-on-exec.
pub fn signal_descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    let mut set = empty_set();
    for &signal in signals {
        // JUSTIFICATION: no dependency has signal sets.
        // SAFETY: an initialised set; a wrong number is refused.
        if unsafe { libc::sigaddset(&raw mut set, signal) } == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    set_mask(libc::SIG_BLOCK, &set)?;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // JUSTIFICATION: no dependency has signalfd.
    // SAFETY: a live, initialised set.
    let fd = unsafe { libc::signalfd(-1, &raw const set, flags) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // JUSTIFICATION: the descriptor comes as an integer.
    // SAFETY: new and owned by nobody.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The numbers of the signals that are pending on a [`signal_descriptor`], as many as one read gives.
pub fn pending(descriptor: &OwnedFd) -> io::Result<Vec<i32>> {
    let mut bytes = [0_u8; 8 * size_of::<libc::signalfd_siginfo>()];
    let count = match rustix::io::read(descriptor, &mut bytes) {
        Ok(count) => count,
        Err(rustix::io::Errno::AGAIN) => 0,
        Err(error) => return Err(error.into()),
    };
    let entries = bytes.get(..count).unwrap_or(&[]);
    Ok(entries
        .chunks_exact(size_of::<libc::signalfd_siginfo>())
        .filter_map(|entry| entry.first_chunk::<4>())
        .filter_map(|number| i32::try_from(u32::from_ne_bytes(*number)).ok())
        .collect())
}

/// Unblocks all signals and gives each its default action, as a new program expects.
pub fn reset() -> io::Result<()> {
    let default = [0_u64; 4];
    for signal in 1..=64 {
        // JUSTIFICATION: no dependency resets handlers, and the C library refuses its own two signals,
        // which a parent may have ignored all the same.
        // SAFETY: the kernel's struct sigaction is 32 bytes, and all zero means the default action: no code
        // of ours. Numbers that cannot be changed (KILL, STOP) are refused.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                NO_OLD_ACTION,
                8_usize,
            )
        };
    }
    set_mask(libc::SIG_SETMASK, &empty_set())
}

/// Sends a signal, also a real-time one, to a process by number; 0 only asks whether it is there.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    // JUSTIFICATION: rustix's signals are the named ones only.
    // SAFETY: no memory is touched; a wrong number is refused.
    if unsafe { libc::kill(pid, signal) } == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// As [`send`], to the process behind a handle.
pub fn send_to_handle(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let info = std::ptr::null::<libc::siginfo_t>();
    // JUSTIFICATION: rustix's signals are the named ones only.
    // SAFETY: no memory is touched; a wrong number is refused.
    let code = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            info,
            0,
        )
    };
    if code == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Ignores a signal; programs that are executed inherit that.
pub fn ignore(signal: i32) {
    // JUSTIFICATION: no dependency sets dispositions.
    // SAFETY: ignoring is no code of ours.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

const NO_OLD_ACTION: *mut u64 = std::ptr::null_mut();

pub(crate) fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // JUSTIFICATION: no dependency has signal sets.
    // SAFETY: a valid place to initialise.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // JUSTIFICATION: as above.
    // SAFETY: initialised above.
    unsafe { set.assume_init() }
}

pub(crate) fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // JUSTIFICATION: no dependency has signal sets.
    // SAFETY: a valid place to initialise.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // JUSTIFICATION: as above.
    // SAFETY: initialised above.
    unsafe { set.assume_init() }
}

fn set_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // JUSTIFICATION: no dependency sets the signal mask.
    // SAFETY: a live, initialised set; the old one is not asked for.
    let code = unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) };
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code))
    }
}
