//! The shared memory of a container that lets others into its IPC namespace.
//!
//! A mount in another mount namespace cannot be copied, so this one is made on the host, below
//! `E/shm`, and bound into all who share it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockgate_types::ContainerId;
use lockgate_types::container::HostConfig;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

/// Where the shared memory of a container is, if it is shareable.
pub(crate) fn place(exec_root: &Path, id: &ContainerId) -> PathBuf {
    exec_root.join("shm").join(id.as_str())
}

/// Mounts it anew for a container that starts.
pub(super) fn make(exec_root: &Path, id: &ContainerId, host: &HostConfig) -> io::Result<()> {
    if host.ipc_mode != "shareable" {
        return Ok(());
    }
    remove(exec_root, id)?;
    let place = place(exec_root, id);
    fs::create_dir_all(&place)?;
    let data = std::ffi::CString::new(format!("mode=1777,size={}", host.shm_size))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(rustix::mount::mount(
        "shm",
        &place,
        "tmpfs",
        flags,
        data.as_c_str(),
    )?)
}

/// Takes it away; those who still have it keep it. Nothing to take away is no error.
pub(super) fn remove(exec_root: &Path, id: &ContainerId) -> io::Result<()> {
    let place = place(exec_root, id);
    match rustix::mount::unmount(&place, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    match fs::remove_dir(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
