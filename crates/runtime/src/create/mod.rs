//! Making a container's first process, and further ones in a running container.
//!
//! ```text
//! creating process (one thread)             new process
//!   open namespaces, compile the filter
//!   make the cgroup, open its entrance
//!   clone3 ------------------------------->  enter the cgroup, join namespaces
//!                                            mount the root and all in it, pivot_root
//!                                            terminal, limits, user, capabilities, seccomp
//!   <-------------- ready (or failed) -----  look the program up, wait at the gate
//!   start: go ---------------------------->  execve
//!   <------ end of file (or failed) -------
//! ```

mod channel;
mod credentials;
mod error;
mod gate;
mod init;
mod namespaces;
mod process;
mod supported;
mod tenant;
mod terminal;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use lockgate_sys::clone::{CloneOptions, Cloned, clone3};
use oci_spec::runtime::{LinuxIdMapping, LinuxNamespaceType, Spec};

pub(crate) use error::{CreateError, InitError, Step};
pub(crate) use gate::Gate;
pub(crate) use namespaces::Namespaces;
pub(crate) use process::Stdio;
pub(crate) use tenant::{NewProcess, enter};

use crate::cgroup::{Cgroup, Entrance};
use crate::protocol::Rootfs;
use crate::reason::ignore;
use crate::seccomp::{self, Filter};
use channel::{Channel, Word};

/// What to make a container from.
#[derive(Debug)]
pub(crate) struct NewContainer<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) root: &'a Rootfs,
    /// An empty directory on which an overlay root is mounted, inside the new mount namespace only.
    pub(crate) place: &'a Path,
    /// The cgroup if the specification names none.
    pub(crate) cgroup: PathBuf,
    pub(crate) stdio: Stdio<'a>,
    /// Rows and columns of the terminal, if there is one.
    pub(crate) window: Option<(u16, u16)>,
    pub(crate) gate: Gate,
}

/// A process that is ready and waits for the word to go.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    /// The terminal's master, if there is one.
    pub(crate) terminal: Option<OwnedFd>,
    channel: Channel,
}

impl Prepared {
    /// Lets it run its program; returns when it does.
    pub(crate) fn start(&self) -> Result<(), CreateError> {
        // If it is dead already, the answer below says so.
        ignore(self.channel.send(b'G'));
        match self
            .channel
            .receive()
            .map_err(CreateError::system("waiting for the program"))?
        {
            Word::Closed | Word::Ready(_) => Ok(()),
            Word::Failed(error) => Err(error),
        }
    }
}

/// A container whose first process waits.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) init: Prepared,
    pub(crate) cgroup: Cgroup,
}

/// All that the new process needs, made before it.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    new: &'a NewContainer<'a>,
    namespaces: Namespaces,
    filter: Option<Filter>,
    cgroup: &'a Cgroup,
    entrance: Entrance,
}

/// Makes the container up to the point where its program would start. After a failure nothing is left.
pub(crate) fn create(new: &NewContainer<'_>) -> Result<Created, CreateError> {
    let linux = new
        .spec
        .linux()
        .as_ref()
        .ok_or(CreateError::Missing("linux"))?;
    let namespaces = Namespaces::open(linux.namespaces().as_deref().unwrap_or(&[]))?;
    supported::check_supported(new.spec, &namespaces)?;
    let filter = linux.seccomp().as_ref().map(seccomp::compile).transpose()?;
    let path = linux.cgroups_path().as_deref().unwrap_or(&new.cgroup);
    let cgroup = Cgroup::create(path, linux.resources().as_ref())?;
    let result = launch(new, namespaces, filter, &cgroup);
    match result {
        Ok(init) => Ok(Created { init, cgroup }),
        Err(error) => {
            // The first error is the one to tell.
            drop(cgroup.delete());
            Err(error)
        }
    }
}

fn launch(
    new: &NewContainer<'_>,
    namespaces: Namespaces,
    filter: Option<Filter>,
    cgroup: &Cgroup,
) -> Result<Prepared, CreateError> {
    let plan = Plan {
        new,
        namespaces,
        filter,
        cgroup,
        entrance: cgroup.entrance()?,
    };
    let home = plan.namespaces.children_into_pid_namespace()?;
    let options = CloneOptions {
        namespaces: plan.namespaces.new,
        cgroup: plan.entrance.born_into.as_ref().map(|fd| fd.as_fd()),
    };
    let prepared = split(
        options,
        |channel| init::run(&plan, channel),
        |pid, channel| {
            if plan.namespaces.is_new(LinuxNamespaceType::User) {
                write_maps(pid, new.spec)?;
                ignore(channel.send(b'M'));
            }
            Ok(())
        },
    );
    drop(home);
    prepared
}

/// Clones; the child does `child` and never returns, the parent does `parent` and waits for "ready".
fn split(
    options: CloneOptions<'_>,
    child: impl FnOnce(&Channel) -> Result<std::convert::Infallible, InitError>,
    parent: impl FnOnce(i32, &Channel) -> Result<(), CreateError>,
) -> Result<Prepared, CreateError> {
    let (ours, theirs) = Channel::pair().map_err(CreateError::system("socketpair"))?;
    match clone3(options).map_err(CreateError::system("clone3"))? {
        Cloned::Child => {
            drop(ours);
            let Err(error) = child(&theirs);
            if theirs.send_failure(&error).is_err() {
                // Whoever made this process is gone; the program's own error output remains.
                let text = format!("{error}\n");
                ignore(rustix::io::write(rustix::stdio::stderr(), text.as_bytes()));
            }
            lockgate_sys::process::exit_now(1)
        }
        Cloned::Parent { pid, pidfd } => {
            drop(theirs);
            let prepared = parent(pid, &ours).and_then(|()| wait_until_ready(pid, pidfd, ours));
            prepared.inspect_err(|_| kill_and_reap(pid))
        }
    }
}

fn wait_until_ready(pid: i32, pidfd: OwnedFd, channel: Channel) -> Result<Prepared, CreateError> {
    match channel
        .receive()
        .map_err(CreateError::system("waiting for the process"))?
    {
        Word::Ready(terminal) => Ok(Prepared {
            pid,
            pidfd,
            terminal,
            channel,
        }),
        Word::Failed(error) => Err(error),
        Word::Closed => Err(CreateError::Died),
    }
}

fn kill_and_reap(pid: i32) {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be dead already; it is not reaped, so the number is still its own.
        ignore(kill_process(pid, Signal::KILL));
        ignore(waitpid(Some(pid), WaitOptions::empty()));
    }
}

fn write_maps(pid: i32, spec: &Spec) -> Result<(), CreateError> {
    let Some(linux) = spec.linux() else {
        return Ok(());
    };
    let lists = [
        ("gid_map", linux.gid_mappings()),
        ("uid_map", linux.uid_mappings()),
    ];
    for (name, list) in lists {
        let list = list.as_deref().unwrap_or(&[]);
        write_map(pid, name, list)
            .map_err(CreateError::system("writing the user namespace's map"))?;
    }
    Ok(())
}

fn write_map(pid: i32, name: &str, list: &[LinuxIdMapping]) -> io::Result<()> {
    let line = |m: &LinuxIdMapping| format!("{} {} {}\n", m.container_id(), m.host_id(), m.size());
    let text: String = list.iter().map(line).collect();
    std::fs::write(format!("/proc/{pid}/{name}"), text)
}

/// The descriptors of a process that gets none from anybody.
#[derive(Debug)]
pub(crate) struct NullStdio(OwnedFd);

impl NullStdio {
    pub(crate) fn open() -> io::Result<Self> {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        Ok(Self(file.into()))
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
