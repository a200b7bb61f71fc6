//! What the first process of a container does before it becomes the program.

use std::convert::Infallible;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use oci_spec::runtime::{LinuxNamespaceType, LinuxPersonality, LinuxPersonalityDomain, Spec};
use rustix::fs::{CWD, OFlags, ResolveFlags};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::channel::Channel;
use super::error::{InitError, Step as _};
use super::process::{self, Kept, Stdio};
use super::{Hooks, Moment, Namespaces, Plan, RootChange, terminal};
use crate::rootfs;

/// Runs in the new process. Returns only if it failed.
pub(super) fn run(plan: &Plan<'_>, channel: &Channel) -> Result<Infallible, InitError> {
    let spec = plan.new.spec;
    let linux = spec.linux().as_ref();
    let process = spec.process().as_ref();
    start_clean(process.and_then(oci_spec::runtime::Process::oom_score_adj))?;
    plan.entrance.enter().step("entering the cgroup")?;
    let place = enter_namespaces(plan, channel)?;
    rustix::process::setsid().step("setsid")?;
    let propagation = linux.and_then(|linux| linux.rootfs_propagation().as_deref());
    let shared = rootfs::SharedSources::open(spec, &plan.outside)?;
    rootfs::separate_from_host(propagation)?;
    let root = rootfs::mount_root(plan.new.root, plan.new.place, place.as_ref(), &plan.outside)?;
    drop(place);
    rootfs::populate(&root, spec, &plan.namespaces, plan.cgroup, shared)?;
    run_creation_hooks(&plan.new.hooks, channel)?;
    set_up_kernel(spec, &plan.namespaces)?;
    if spec
        .root()
        .as_ref()
        .is_some_and(|root| root.readonly() == Some(true))
    {
        rootfs::set_readonly(&root)?;
    }
    match plan.new.root_change {
        RootChange::Pivot => rootfs::pivot(&root)?,
        RootChange::Move => rootfs::move_over(&root)?,
    }
    rootfs::share_root(propagation)?;
    drop(root);
    let Some(process) = process else {
        return Err(InitError::Nul { what: "process" });
    };
    let terminal = open_stdio(plan, process.terminal() == Some(true))?;
    if let Some(personality) = linux.and_then(|linux| linux.personality().as_ref()) {
        set_personality(personality)?;
    }
    let master = terminal.as_ref().map(|fd| fd.as_fd());
    let keep = [Some(channel.as_fd()), plan.new.gate.descriptor(), master];
    let keep: Vec<BorrowedFd<'_>> = keep.into_iter().flatten().collect();
    let kept = Kept {
        preserved: plan.new.preserved,
        own: &keep,
    };
    let ready = process::prepare(process, plan.filter.as_ref(), master.is_some(), &kept)?;
    channel
        .send_ready(terminal.as_ref().map(|fd| fd.as_fd()))
        .step("reporting")?;
    drop(terminal);
    plan.new.gate.wait(channel)?;
    let started = plan.new.hooks.run(Moment::StartContainer, own_id());
    if let Err(error) = started.map_err(InitError::from) {
        plan.new.gate.refuse(&error);
        return Err(error);
    }
    Err(ready.execute())
}

/// Those of the creating process, which runs in the host's namespaces, then those of this one.
fn run_creation_hooks(hooks: &Hooks<'_>, channel: &Channel) -> Result<(), InitError> {
    if hooks.any(&[Moment::Prestart, Moment::CreateRuntime]) {
        channel.send(b'H').step("reporting")?;
        if channel
            .receive_letter()
            .step("waiting for the hooks")?
            .is_none()
        {
            // Whoever would have run them is gone.
            lockgate_sys::process::exit_now(1);
        }
    }
    Ok(hooks.run(Moment::CreateContainer, own_id())?)
}

/// This process's id as its own namespace sees it.
fn own_id() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

/// Leaves behind what a program must not inherit.
pub(super) fn start_clean(oom_score_adj: Option<i32>) -> Result<(), InitError> {
    lockgate_sys::signal::reset().step("resetting signals")?;
    rustix::process::umask(rustix::fs::Mode::empty());
    // Until execve nobody in the container may look into this process or at its executable.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("prctl(PR_SET_DUMPABLE)")?;
    if let Some(score) = oom_score_adj {
        let result = std::fs::write("/proc/self/oom_score_adj", score.to_string());
        match result {
            // Lowering it needs CAP_SYS_RESOURCE; a container runs as well without.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            result => result.step("writing oom_score_adj")?,
        }
    }
    Ok(())
}

/// Returns the place for the root, which is out of reach once this process is nobody on the host.
fn enter_namespaces(plan: &Plan<'_>, channel: &Channel) -> Result<Option<OwnedFd>, InitError> {
    let namespaces = &plan.namespaces;
    if namespaces.is_new(LinuxNamespaceType::User) {
        channel
            .receive_letter()
            .step("waiting for the user namespace's maps")?;
    }
    namespaces.join()?;
    let place = rootfs::open_place(plan.new.root, plan.new.place)?;
    if namespaces.separate(LinuxNamespaceType::User) {
        become_root()?;
    }
    if namespaces.new_cgroup {
        let flag = super::namespaces::flag(LinuxNamespaceType::Cgroup);
        lockgate_sys::clone::unshare(flag).step("unsharing the cgroup namespace")?;
    }
    Ok(place)
}

/// Becomes user 0 of the user namespace that was just entered.
pub(super) fn become_root() -> Result<(), InitError> {
    use rustix::thread::{set_thread_res_gid, set_thread_res_uid};
    let (uid, gid) = (rustix::fs::Uid::ROOT, rustix::fs::Gid::ROOT);
    set_thread_res_gid(gid, gid, gid).step("becoming root of the user namespace")?;
    set_thread_res_uid(uid, uid, uid).step("becoming root of the user namespace")
}

/// Names, interfaces and parameters of the new namespaces.
fn set_up_kernel(spec: &Spec, namespaces: &Namespaces) -> Result<(), InitError> {
    if namespaces.is_new(LinuxNamespaceType::Network) {
        lockgate_sys::loopback::bring_up().step("bringing up the loopback interface")?;
    }
    if let Some(name) = spec.hostname() {
        rustix::system::sethostname(name.as_bytes()).step("sethostname")?;
    }
    if let Some(name) = spec.domainname() {
        rustix::system::setdomainname(name.as_bytes()).step("setdomainname")?;
    }
    let sysctls = spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.sysctl().as_ref());
    let mut sysctls: Vec<_> = sysctls.into_iter().flatten().collect();
    sysctls.sort();
    for (name, value) in sysctls {
        set_sysctl(name, value)?;
    }
    Ok(())
}

/// Writes below `/proc/sys` what [`sysctl::check`](super::sysctl::check) has let through. It shows the parameters of the writer's namespaces.
fn set_sysctl(name: &str, value: &str) -> Result<(), InitError> {
    let failed = |error: rustix::io::Errno| InitError::Sysctl {
        name: name.to_owned(),
        source: error.into(),
    };
    // A name with slashes may have dots in its parts (an interface's name).
    let path = if name.contains('/') {
        name.to_owned()
    } else {
        name.replace('.', "/")
    };
    let directory = rustix::fs::openat(
        CWD,
        "/proc/sys",
        OFlags::PATH | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    let file = rustix::fs::openat2(
        directory.map_err(failed)?,
        path.as_str(),
        OFlags::WRONLY | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
    );
    rustix::io::write(file.map_err(failed)?, value.as_bytes()).map_err(failed)?;
    Ok(())
}

/// Gives the process its standard descriptors; returns the master if they are a terminal.
fn open_stdio(plan: &Plan<'_>, wants_terminal: bool) -> Result<Option<OwnedFd>, InitError> {
    if !wants_terminal {
        if let Stdio::Descriptors(descriptors) = &plan.new.stdio {
            process::take_descriptors(descriptors)?;
        }
        return Ok(None);
    }
    let pair = terminal::open(Path::new("/dev/pts/ptmx"), plan.new.window)?;
    rootfs::bind_console(&pair.slave)?;
    terminal::adopt(&pair.slave)?;
    Ok(Some(pair.master))
}

fn set_personality(personality: &LinuxPersonality) -> Result<(), InitError> {
    let domain = match personality.domain() {
        LinuxPersonalityDomain::PerLinux => 0,
        LinuxPersonalityDomain::PerLinux32 => 8,
    };
    lockgate_sys::process::set_personality(domain).step("personality")
}
