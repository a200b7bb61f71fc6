//! Starting a shim.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use lockgate_sys::process::spawn_shim;
use rustix::process::{PidfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::net::UnixStream;

use super::link::Link;
use crate::host;

/// A shim that was just started.
#[derive(Debug)]
pub(crate) struct Shim {
    pub(crate) link: Link,
    pub(crate) process: OwnedFd,
}

/// Starts a shim that listens on `socket`. Blocks for the time of a spawn. Must be called within a
/// runtime; the shim is reaped there when it ends.
pub(crate) fn spawn(program: &Path, socket: &Path, log: &Path) -> io::Result<Shim> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)?;
    let spawned = spawn_shim(program, socket, theirs.as_fd(), log.as_fd())?;
    let process = spawned.pidfd.try_clone()?;
    tokio::spawn(reap(spawned.pidfd));
    Ok(Shim {
        link: Link::new(UnixStream::from_std(ours)?),
        process,
    })
}

impl Shim {
    /// Ends a shim whose container could not be made.
    pub(crate) fn abandon(self) {
        if let Err(error) = rustix::process::pidfd_send_signal(&self.process, Signal::KILL) {
            tracing::debug!(%error, "a shim had ended before it was given up");
        }
    }
}

/// Takes the exit status of a shim, so that it does not stay as a zombie.
async fn reap(process: OwnedFd) {
    let waited = async {
        let process = host::watch(process)?;
        drop(process.readable().await?);
        rustix::process::waitid(
            WaitId::PidFd(process.get_ref().as_fd()),
            WaitIdOptions::EXITED,
        )?;
        io::Result::Ok(())
    };
    if let Err(error) = waited.await {
        tracing::warn!(%error, "cannot reap a shim");
    }
}

/// A handle on a process by its id.
pub(crate) fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}
