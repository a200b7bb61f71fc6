//! Sockets that somebody else made, and who is on the other end of them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// The first descriptor of socket activation.
const FIRST: i32 = 3;

/// Takes over the sockets that a service manager handed to this process (`LISTEN_FDS`,
/// `LISTEN_PID`, `LISTEN_FDNAMES`), each with its name. Empty when there are none, or when they are
/// meant for another process. They are closed on exec from now on.
///
/// Returns them once: a second call returns nothing.
pub fn take_listen_fds() -> io::Result<Vec<(String, OwnedFd)>> {
    use std::sync::atomic::{AtomicBool, Ordering};
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = |name: &str| std::env::var(name).ok()?.parse::<i32>().ok();
    let me = i32::try_from(std::process::id()).ok();
    if number("LISTEN_PID").is_none() || number("LISTEN_PID") != me {
        return Ok(Vec::new());
    }
    let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, 1024);
    if count == 0 || TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    (FIRST..FIRST + count)
        .map(|fd| Ok((names.next().unwrap_or_default().to_owned(), take(fd)?)))
        .collect()
}

fn take(fd: i32) -> io::Result<OwnedFd> {
    // JUSTIFICATION: descriptors that were open before `main` have no owner in Rust's terms.
    // SAFETY: the service manager's contract says that this descriptor is open and ours; the
    // caller reaches each number once, so there is one owner.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    if let Err(error) = fcntl_setfd(&owned, FdFlags::CLOEXEC) {
        // It was not open after all, so nobody may close it.
        let _raw = std::os::fd::IntoRawFd::into_raw_fd(owned);
        return Err(error.into());
    }
    Ok(owned)
}

/// Whether the peer of a unix socket has yet to read something that was sent to it (unix(7), `SIOCOUTQ`).
pub fn has_unread(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut queued: libc::c_int = 0;
    // JUSTIFICATION: rustix wraps FIONREAD, which asks for the other direction, but not TIOCOUTQ.
    // SAFETY: the descriptor is open for the call, and TIOCOUTQ writes one int to a valid place.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut queued) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(queued > 0)
    }
}

/// The supplementary groups that the peer of a unix socket had when it connected.
pub fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 64];
    loop {
        let mut bytes =
            libc::socklen_t::try_from(size_of_val(groups.as_slice())).map_err(io::Error::other)?;
        // JUSTIFICATION: rustix has no SO_PEERGROUPS.
        // SAFETY: the descriptor is borrowed and open; `groups` is a live buffer of `bytes` bytes,
        // and the kernel writes at most that many and says how many in `bytes`.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        let count = usize::try_from(bytes).map_err(io::Error::other)? / size_of::<u32>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // ERANGE: the buffer is too small, and `bytes` says what is needed.
        if error.raw_os_error() != Some(libc::ERANGE) || count <= groups.len() {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_groups_of_a_peer_are_those_of_its_process() {
        let (here, _there) = UnixStream::pair().unwrap();
        let mut groups = peer_groups(here.as_fd()).unwrap();
        let mut own: Vec<u32> = rustix::process::getgroups()
            .unwrap()
            .iter()
            .map(|gid| gid.as_raw())
            .collect();
        groups.sort_unstable();
        own.sort_unstable();
        assert_eq!(groups, own);
    }

    #[test]
    fn it_tells_when_the_peer_has_read_everything() {
        use std::io::{Read as _, Write as _};
        let (mut here, mut there) = UnixStream::pair().unwrap();
        assert!(!has_unread(here.as_fd()).unwrap());
        here.write_all(b"head").unwrap();
        assert!(has_unread(here.as_fd()).unwrap());
        there.read_exact(&mut [0; 4]).unwrap();
        assert!(!has_unread(here.as_fd()).unwrap());
    }
}
