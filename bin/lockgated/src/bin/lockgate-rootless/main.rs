//! `lockgate-rootless`: holds the namespaces of an ordinary user's daemon, and its ports on the host.
//!
//! ```text
//! lockgate-rootless hold SOCKET                 started by `lockgated --rootless`, outlives it
//! lockgate-rootless leash PARENT PROGRAM ...    becomes PROGRAM, which ends with PARENT
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
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use rustix::mount::{MountPropagationFlags, mount_change};

use outside::Outside;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["hold", socket] => hold(Path::new(socket)),
        ["leash", parent, program, args @ ..] => way_out::leash(parent, program, args),
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
    let outside = Outside::start().context("cannot start a thread")?;
    lockgate_sys::netns::unshare_current_thread().context("cannot make a network namespace")?;
    lockgate_sys::loopback::bring_up().context("cannot bring up the loopback interface")?;
    way_out::open(&outside, socket)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = control::bind(socket)?;
        tell("ready")?;
        control::serve(listener, outside).await
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
