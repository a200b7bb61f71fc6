//! The part of the cgroup tree that is delegated to this user, if any.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Access, access};
use rustix::io::Errno;

const ROOT: &str = "/sys/fs/cgroup";
/// Where all that is no container goes: a cgroup that hands controllers down may have no processes of its own.
const OWN: &str = "daemon";
/// Where containers go.
const CONTAINERS: &str = "containers";

/// Whether the host has the hierarchy that can be delegated.
pub(super) fn is_v2() -> bool {
    Path::new(ROOT).join("cgroup.controllers").exists()
}

/// The parent of the containers' cgroups, below the cgroup of the process that holds the namespaces: that one
/// stays where it is as long as there are containers. `None` where the user has no cgroup of their own, which `docker info`
/// and each limit that is asked for then say.
pub(super) fn delegated(holder: i32) -> Result<Option<String>> {
    if !is_v2() {
        return Ok(None);
    }
    let text = fs::read_to_string(format!("/proc/{holder}/cgroup"))
        .context("cannot read the holder's cgroup")?;
    let Some(mut own) = text.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Ok(None);
    };
    let nested = format!("/{OWN}");
    // A daemon of an earlier start, or the service manager (DelegateSubgroup=), has gone down already.
    let is_down = own.ends_with(&nested);
    if is_down {
        own = own.strip_suffix(&nested).unwrap_or(own);
    }
    let directory = Path::new(ROOT).join(own);
    if !is_ours(&directory) {
        return Ok(None);
    }
    if !is_down {
        descend(&directory).with_context(|| {
            format!(
                "cannot use the cgroup {}, which is delegated to us",
                directory.display()
            )
        })?;
    }
    Ok(Some(format!("/{own}/{CONTAINERS}")))
}

fn is_ours(directory: &Path) -> bool {
    let writable = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    writable(directory)
        && writable(&directory.join("cgroup.procs"))
        && writable(&directory.join("cgroup.subtree_control"))
}

/// Moves everything that is in a cgroup one down.
fn descend(directory: &Path) -> io::Result<()> {
    let own = directory.join(OWN);
    match fs::create_dir(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    for pid in fs::read_to_string(directory.join("cgroup.procs"))?.lines() {
        match fs::write(own.join("cgroup.procs"), pid) {
            // It has ended meanwhile.
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
            result => result?,
        }
    }
    Ok(())
}
