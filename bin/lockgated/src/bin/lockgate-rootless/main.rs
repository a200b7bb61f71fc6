//! `lockgate-rootless`: holds the namespaces of an ordinary user's daemon, and its ports on the host.
//!
//! ```text
//! lockgate-rootless hold SOCKET                 started by `lockgated --rootless`, outlives it
//! lockgate-rootless take-over SOCKET PROCESS    the same, in the namespaces of a process that a dead holder left
//! lockgate-rootless leash PARENT PROGRAM ...    runs PROGRAM, which ends with PARENT; `leashed` is its child
//! ```
//!
//! The process has one foot on either side. Its main thread is in the user, mount and network namespace that the
//! daemon joins; a second thread stays in the host's network, makes the sockets of published ports there, and
//! is the parent of pasta or slirp4netns, which let the inner network out. It is apart from the daemon so that a
//! daemon that is killed takes neither network nor ports of its containers with it (docs/adr).
#![forbid(unsafe_code)]

mod control;
mod forward;
mod outside;
mod way_out;

use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use lockgate_sys::userns;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use outside::Outside;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["hold", socket] => hold(Path::new(socket)),
        ["take-over", socket, process] => take_over(Path::new(socket), process),
        ["leash", parent, program @ ..] => way_out::leash(parent, program),
        ["leashed", parent, program, args @ ..] => way_out::leashed(parent, program, args),
        _ => Err(anyhow::anyhow!(
            "usage: lockgate-rootless hold SOCKET; it is started by `lockgated --rootless`"
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Makes the namespaces, says so on standard output, and serves until told to quit.
fn hold(socket: &Path) -> Result<()> {
    // Whoever started us may be at a terminal: its signals are not for us.
    rustix::process::setsid().context("setsid")?;
    lockgate_sys::clone::unshare(NEW_USER | NEW_MOUNTS).context(
        "cannot make a user namespace; the host forbids it to ordinary users (see the sysctls \
         user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)",
    )?;
    tell("unshared")?;
    if listen()? != "mapped" {
        bail!("whoever started this process has ended");
    }
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", flags).context("cannot separate the mounts from the host's")?;
    let outside = start_outside()?;
    lockgate_sys::netns::unshare_current_thread().context("cannot make a network namespace")?;
    lockgate_sys::loopback::bring_up().context("cannot bring up the loopback interface")?;
    serve(socket, &outside)
}

/// Serves in the namespaces of a process that lived in those of a holder which is no more.
fn take_over(socket: &Path, process: &str) -> Result<()> {
    rustix::process::setsid().context("setsid")?;
    let pid = process.parse().ok().and_then(Pid::from_raw);
    let pid = pid.with_context(|| format!("{process} is no process"))?;
    let left =
        pidfd_open(pid, PidfdFlags::empty()).with_context(|| format!("process {process}"))?;
    userns::enter(left.as_fd()).context("cannot join the user's namespaces")?;
    let outside = start_outside()?;
    userns::enter_network(left.as_fd()).context("cannot join the user's network namespace")?;
    serve(socket, &outside)
}

/// The thread that stays in the network in which we are now.
fn start_outside() -> Result<Outside> {
    Outside::start().context("cannot start a thread")
}

/// Opens the way out, says that all is ready, and serves.
fn serve(socket: &Path, outside: &Outside) -> Result<()> {
    let alone = way_out::open(outside, socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = control::bind(socket)?;
        match alone {
            None => tell("ready")?,
            Some(why) => tell(&format!("alone {}", why.replace('\n', " ")))?,
        }
        control::serve(listener, outside.clone()).await
    })?;
    // Not an error if somebody was quicker.
    std::fs::remove_file(socket).unwrap_or_default();
    Ok(())
}

fn tell(word: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{word}")?;
    output.flush()
}

/// One line of standard input; empty at its end.
fn listen() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// A word in the log.
pub(crate) fn note(text: &str) {
    // A closed standard error is no reason to stop.
    writeln!(io::stderr(), "lockgate-rootless: {text}").unwrap_or_default();
}

const NEW_USER: u64 = 0x1000_0000;
const NEW_MOUNTS: u64 = 0x0002_0000;
