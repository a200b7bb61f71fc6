//! One more process in a running container.

use std::convert::Infallible;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use lockgate_sys::clone::{CloneOptions, clone3};
use oci_spec::runtime::{LinuxNamespaceType, Process};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::channel::Channel;
use super::error::{CreateError, InitError, Step as _};
use super::namespaces::{BackHome, flag};
use super::process::{self, Kept, Stdio};
use super::{Gate, Prepared, init, schedule, split, terminal};
use crate::cgroup::{Cgroup, Entrance};
use crate::seccomp::Filter;

/// What to run, and where.
#[derive(Debug)]
pub(crate) struct NewProcess<'a> {
    pub(crate) process: &'a Process,
    /// The container's init.
    pub(crate) init: &'a OwnedFd,
    pub(crate) init_pid: i32,
    /// The kinds of namespaces that the container does not share with the host.
    pub(crate) namespaces: &'a [LinuxNamespaceType],
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) cgroup: &'a Cgroup,
    pub(crate) stdio: Stdio<'a>,
    pub(crate) window: Option<(u16, u16)>,
    /// How many inherited descriptors, from 3 on, the program gets.
    pub(crate) preserved: u32,
}

/// Makes the process, up to the point where its program would start.
pub(crate) fn enter(new: &NewProcess<'_>) -> Result<Prepared, CreateError> {
    if new.process.args().as_ref().is_none_or(Vec::is_empty) {
        return Err(CreateError::Missing("process.args"));
    }
    schedule::check(new.process)?;
    let entrance = new.cgroup.entrance()?;
    let home = if new.namespaces.contains(&LinuxNamespaceType::Pid) {
        let path = format!("/proc/{}/ns/pid", new.init_pid);
        let failed = |source| CreateError::Namespace {
            path: (&path).into(),
            source,
        };
        let namespace = std::fs::File::open(&path).map_err(failed)?;
        Some(BackHome::leave_for(&namespace.into())?)
    } else {
        None
    };
    let options = CloneOptions {
        namespaces: 0,
        cgroup: entrance.born_into.as_ref().map(|fd| fd.as_fd()),
        sibling: false,
    };
    let prepared = split(
        || clone3(options),
        |channel| run(new, &entrance, channel),
        |_, _| Ok(()),
        |_| Ok(()),
    );
    drop(home);
    prepared
}

/// Runs in the new process. Returns only if it failed.
fn run(
    new: &NewProcess<'_>,
    entrance: &Entrance,
    channel: &Channel,
) -> Result<Infallible, InitError> {
    init::start_clean(new.process.oom_score_adj())?;
    entrance.enter().step("entering the cgroup")?;
    let kinds = new
        .namespaces
        .iter()
        .filter(|kind| **kind != LinuxNamespaceType::Pid);
    let flags = kinds.fold(0, |flags, kind| flags | flag(*kind));
    let flags = u32::try_from(flags).unwrap_or(0);
    move_into_thread_name_spaces(
        new.init.as_fd(),
        ThreadNameSpaceType::from_bits_retain(flags),
    )
    .step("joining the container's namespaces")?;
    if new.namespaces.contains(&LinuxNamespaceType::User) {
        init::become_root()?;
    }
    rustix::process::setsid().step("setsid")?;
    let terminal = if new.process.terminal() == Some(true) {
        let pair = terminal::open(Path::new("/dev/pts/ptmx"), new.window)?;
        terminal::adopt(&pair.slave)?;
        Some(pair.master)
    } else {
        if let Stdio::Descriptors(descriptors) = &new.stdio {
            process::take_descriptors(descriptors)?;
        }
        None
    };
    let keep = [
        Some(channel.as_fd()),
        terminal.as_ref().map(|fd| fd.as_fd()),
    ];
    let keep: Vec<BorrowedFd<'_>> = keep.into_iter().flatten().collect();
    let kept = Kept {
        preserved: new.preserved,
        own: &keep,
    };
    let ready = process::prepare(new.process, new.filter, terminal.is_some(), &kept)?;
    channel
        .send_ready(terminal.as_ref().map(|fd| fd.as_fd()))
        .step("reporting")?;
    drop(terminal);
    Gate::Channel.wait(channel)?;
    Err(ready.execute())
}
