//! A terminal out of the container's own devpts.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::error::{InitError, Step as _};

/// Both ends of a terminal.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) master: OwnedFd,
    pub(super) slave: OwnedFd,
}

/// Opens a new terminal by the multiplexer at `path`, which may not be a link.
pub(super) fn open(path: &Path, window: Option<(u16, u16)>) -> Result<Pair, InitError> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
        .step("opening a terminal")?;
    unlockpt(&master).step("unlocking the terminal")?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    // By the master's descriptor, not by the name below /dev/pts.
    let slave = ioctl_tiocgptpeer(&master, flags).step("opening the terminal's other end")?;
    if let Some((ws_row, ws_col)) = window {
        let size = Winsize {
            ws_row,
            ws_col,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).step("setting the terminal's size")?;
    }
    Ok(Pair { master, slave })
}

/// Makes it the standard descriptors and the controlling terminal of this session.
pub(super) fn adopt(slave: &OwnedFd) -> Result<(), InitError> {
    super::process::take_descriptors(&[slave, slave, slave].map(std::os::fd::AsFd::as_fd))?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()).step("taking the terminal")
}
