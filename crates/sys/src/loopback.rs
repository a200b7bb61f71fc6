//! The loopback interface of a fresh network namespace.

use std::io;
use std::os::fd::AsRawFd as _;

/// Brings `lo` up in this thread's network namespace.
pub fn bring_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut request = InterfaceRequest {
        name: [0; 16],
        flags: 0,
        rest: [0; 22],
    };
    request.name[..2].copy_from_slice(b"lo");
    request.flags = UP_AND_RUNNING;
    // JUSTIFICATION: rustix has no interface ioctls; netlink would cost ten times the code.
    // SAFETY: `request` has the layout and size of the kernel's ifreq and outlives the call.
    let code = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if code == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// IFF_UP and IFF_RUNNING.
const UP_AND_RUNNING: libc::c_short = 0x41;

/// `struct ifreq` with its flags.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: libc::c_short,
    rest: [u8; 22],
}
