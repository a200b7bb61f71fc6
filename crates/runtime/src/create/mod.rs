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

mod between;
mod channel;
mod credentials;
mod error;
mod gate;
mod hooks;
mod init;
mod maps;
mod namespaces;
mod process;
mod schedule;
mod supported;
mod sysctl;
mod tenant;
mod terminal;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use lockgate_sys::clone::{CloneOptions, Cloned};
use oci_spec::runtime::{LinuxNamespaceType, Spec};

pub(crate) use error::{CreateError, InitError, Step};
pub(crate) use gate::Gate;
pub(crate) use hooks::{HookError, Hooks, Moment};
pub(crate) use maps::own_pipes;
pub(crate) use namespaces::Namespaces;
pub(crate) use process::Stdio;
pub(crate) use tenant::{NewProcess, enter};

use crate::cgroup::{Cgroup, Entrance};
use crate::protocol::Rootfs;
use crate::reason::ignore;
use crate::rootfs::Outside;
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
    pub(crate) hooks: Hooks<'a>,
    pub(crate) root_change: RootChange,
    /// How many inherited descriptors, from 3 on, the program gets.
    pub(crate) preserved: u32,
}

/// How the container's root becomes the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RootChange {
    /// By `pivot_root`, which leaves no way back.
    #[default]
    Pivot,
    /// By moving it over the old one: for a host whose root is a ramdisk, which cannot be pivoted away.
    Move,
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
            Word::Closed | Word::Mounted | Word::Ready(_) => Ok(()),
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
    outside: Outside,
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
    sysctl::check(new.spec, &namespaces)?;
    let filter = linux.seccomp().as_ref().map(seccomp::compile).transpose()?;
    let path = linux.cgroups_path().as_deref().unwrap_or(&new.cgroup);
    let cgroup = Cgroup::create(path, linux.resources().as_ref())?;
    let result = launch(new, namespaces, filter, &cgroup);
    match result {
        Ok(init) => Ok(Created { init, cgroup }),
        Err(error) => {
            // The first error is the one to tell.
            drop(cgroup.delete());
            drop(new.hooks.run_all(Moment::Poststop, 0));
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
    let outside = outside(new, &namespaces)?;
    let plan = Plan {
        new,
        namespaces,
        filter,
        cgroup,
        entrance: cgroup.entrance()?,
        outside,
    };
    let home = plan.namespaces.children_into_pid_namespace()?;
    let options = CloneOptions {
        namespaces: plan.namespaces.new,
        cgroup: plan.entrance.born_into.as_ref().map(|fd| fd.as_fd()),
        sibling: false,
    };
    let prepared = split(
        || between::clone(options, &plan.namespaces),
        |channel| init::run(&plan, channel),
        |pid, channel| {
            if plan.namespaces.is_new(LinuxNamespaceType::User) {
                maps::write(pid, new.spec)?;
                ignore(channel.send(b'M'));
            }
            Ok(())
        },
        |pid| {
            new.hooks.run(Moment::Prestart, pid)?;
            Ok(new.hooks.run(Moment::CreateRuntime, pid)?)
        },
    );
    drop(home);
    prepared
}

/// What the new process will not be able to open. Whoever is not root here has no more power outside of the
/// new namespace than inside.
fn outside(new: &NewContainer<'_>, namespaces: &Namespaces) -> Result<Outside, CreateError> {
    if !namespaces.separate(LinuxNamespaceType::User) || !rustix::process::geteuid().is_root() {
        return Ok(Outside::default());
    }
    Outside::open(new.spec, new.root).map_err(|error| CreateError::Init {
        kind: error.kind(),
        message: error.to_string(),
    })
}

/// Clones; the child does `child` and never returns, the parent does `parent` and waits for "ready". If the
/// child says before that its mounts are there, the parent does `mounted` with the child's id.
fn split(
    clone: impl FnOnce() -> io::Result<Cloned>,
    child: impl FnOnce(&Channel) -> Result<std::convert::Infallible, InitError>,
    parent: impl FnOnce(i32, &Channel) -> Result<(), CreateError>,
    mounted: impl Fn(i32) -> Result<(), CreateError>,
) -> Result<Prepared, CreateError> {
    let (ours, theirs) = Channel::pair().map_err(CreateError::system("socketpair"))?;
    match clone().map_err(CreateError::system("clone3"))? {
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
            let prepared =
                parent(pid, &ours).and_then(|()| wait_until_ready(pid, pidfd, ours, mounted));
            prepared.inspect_err(|_| kill_and_reap(pid))
        }
    }
}

fn wait_until_ready(
    pid: i32,
    pidfd: OwnedFd,
    channel: Channel,
    mounted: impl Fn(i32) -> Result<(), CreateError>,
) -> Result<Prepared, CreateError> {
    loop {
        let word = channel.receive();
        match word.map_err(CreateError::system("waiting for the process"))? {
            Word::Mounted => {
                mounted(pid)?;
                // If it is dead already, the next word says so.
                ignore(channel.send(b'C'));
            }
            Word::Ready(terminal) => {
                return Ok(Prepared {
                    pid,
                    pidfd,
                    terminal,
                    channel,
                });
            }
            Word::Failed(error) => return Err(error),
            Word::Closed => return Err(CreateError::Died),
        }
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
