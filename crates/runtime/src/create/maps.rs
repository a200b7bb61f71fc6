//! Who is who in a new user namespace.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxIdMapping, Spec, User};
use rustix::fs::{FileType, Gid, Uid};
use rustix::process::{getegid, geteuid};

use super::CreateError;
use crate::program::Program;

/// Writes the maps of the namespace that a process was just made in. Whoever is not root may map but
/// itself; the rest is done by shadow's `newuidmap` and `newgidmap`, as far as `/etc/subuid` and
/// `/etc/subgid` allow it.
pub(super) fn write(pid: i32, spec: &Spec) -> Result<(), CreateError> {
    let Some(linux) = spec.linux() else {
        return Ok(());
    };
    let uids = linux.uid_mappings().as_deref().unwrap_or(&[]);
    let gids = linux.gid_mappings().as_deref().unwrap_or(&[]);
    let failed = CreateError::system("writing the user namespace's map");
    let result = if geteuid().is_root() {
        write_map(pid, "gid_map", gids).and_then(|()| write_map(pid, "uid_map", uids))
    } else {
        write_as_user(pid, uids, gids)
    };
    result.map_err(failed)
}

/// Gives pipes to the program's user, who may want to open `/dev/stdout`: inside the namespace nobody may,
/// because they belong to the host.
pub(crate) fn own_pipes(stdio: &[BorrowedFd<'_>; 3], spec: &Spec, user: &User) -> io::Result<()> {
    let Some(linux) = spec.linux() else {
        return Ok(());
    };
    let uid = outside(linux.uid_mappings().as_deref(), user.uid());
    let gid = outside(linux.gid_mappings().as_deref(), user.gid());
    let (Some(uid), Some(gid)) = (uid, gid) else {
        return Ok(());
    };
    for descriptor in stdio {
        let stat = rustix::fs::fstat(descriptor)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Fifo {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::fchown(descriptor, Some(uid), Some(gid))?;
        }
    }
    Ok(())
}

fn outside(list: Option<&[LinuxIdMapping]>, id: u32) -> Option<u32> {
    list?.iter().find_map(|range| {
        let offset = id.checked_sub(range.container_id())?;
        (offset < range.size()).then(|| range.host_id().checked_add(offset))?
    })
}

fn write_as_user(pid: i32, uids: &[LinuxIdMapping], gids: &[LinuxIdMapping]) -> io::Result<()> {
    if is_only(gids, getegid().as_raw()) {
        // Without this an own group that denies access could be left.
        std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
        write_map(pid, "gid_map", gids)?;
    } else {
        run_helper("newgidmap", pid, gids)?;
    }
    if is_only(uids, geteuid().as_raw()) {
        write_map(pid, "uid_map", uids)
    } else {
        run_helper("newuidmap", pid, uids)
    }
}

fn is_only(list: &[LinuxIdMapping], id: u32) -> bool {
    matches!(list, [one] if one.size() == 1 && one.host_id() == id)
}

fn write_map(pid: i32, name: &str, list: &[LinuxIdMapping]) -> io::Result<()> {
    let line = |m: &LinuxIdMapping| format!("{} {} {}\n", m.container_id(), m.host_id(), m.size());
    let text: String = list.iter().map(line).collect();
    std::fs::write(format!("/proc/{pid}/{name}"), text)
}

fn run_helper(name: &str, pid: i32, list: &[LinuxIdMapping]) -> io::Result<()> {
    let path = ["/usr/bin", "/bin", "/usr/local/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists());
    let missing = || {
        let text =
            format!("{name} is not installed (Debian: uidmap), and only root can do without");
        io::Error::new(io::ErrorKind::NotFound, text)
    };
    let path: PathBuf = path.ok_or_else(missing)?;
    let mut args = vec![name.to_owned(), pid.to_string()];
    for mapping in list {
        args.extend(
            [mapping.container_id(), mapping.host_id(), mapping.size()].map(|n| n.to_string()),
        );
    }
    let ended = Program {
        path: &path,
        args: &args,
        environment: &[],
        input: &[],
        seconds: Some(60),
    }
    .run()?;
    match ended
        .status
        .and_then(rustix::process::WaitStatus::exit_status)
    {
        Some(0) => Ok(()),
        _ => Err(io::Error::other(ended.stderr(1024)?)),
    }
}
