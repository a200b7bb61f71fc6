//! The part of the cgroup tree that is delegated to this user, if any.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Access, access};

const ROOT: &str = "/sys/fs/cgroup";
/// Where the daemon itself goes: a cgroup that hands controllers down may have no processes of its own.
const OWN: &str = "daemon";
/// Where containers go.
const CONTAINERS: &str = "containers";

/// The parent of the containers' cgroups; `None` where the user has no cgroup of their own, which `docker info`
/// and each limit that is asked for then say.
pub(super) fn delegated() -> Result<Option<String>> {
    if !Path::new(ROOT).join("cgroup.controllers").exists() {
        return Ok(None);
    }
    let text = fs::read_to_string("/proc/self/cgroup").context("cannot read our own cgroup")?;
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

fn descend(directory: &Path) -> io::Result<()> {
    let own = directory.join(OWN);
    match fs::create_dir(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::write(own.join("cgroup.procs"), "0")
}
