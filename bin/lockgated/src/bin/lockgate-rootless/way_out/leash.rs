//! What keeps a process from outliving this one, however this one ends.
//!
//! ```text
//! holder ── leash ──┬── leashed ── program
//!                   └ process namespace, whose first process is `leashed`
//! ```
//!
//! `leash` and `leashed` are killed when their parents end, and with the first process of a namespace the kernel ends
//! all others. The signal at a parent's death alone would not do for `program`: AppArmor takes it from a program that
//! gets a profile. `leash` is there because a process cannot go into a new process namespace itself, and who sends
//! its children into one has no right to turn back.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Signal, set_parent_process_death_signal};

/// The command that runs `program` on a leash.
pub(super) fn command(program: &Path) -> Command {
    let mut command = ourselves("leash");
    command.arg(program);
    command
}

/// Sends the program into a process namespace of its own, and waits for its end.
pub(crate) fn leash(parent: &str, program: &[&str]) -> Result<()> {
    tie_to(parent)?;
    lockgate_sys::clone::unshare(NEW_PROCESSES).context("cannot make a process namespace")?;
    wait(ourselves("leashed").args(program))
}

/// The first process of that namespace.
pub(crate) fn leashed(parent: &str, program: &str, args: &[&str]) -> Result<()> {
    tie_to(parent)?;
    wait(Command::new(program).args(args))
}

/// This executable, not by its path: there may be a newer one by now.
fn ourselves(verb: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args([verb, &std::process::id().to_string()]);
    command
}

/// Ends this process when its parent ends, which may have happened already.
fn tie_to(parent: &str) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("prctl(PR_SET_PDEATHSIG)")?;
    // As `/proc` numbers it: in a namespace of our own our parent has no number.
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let now = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    if now.map(str::trim) != Some(parent) {
        bail!("process {parent} has ended");
    }
    Ok(())
}

fn wait(command: &mut Command) -> Result<()> {
    let status = command.status();
    let program = command.get_program().to_string_lossy().into_owned();
    let status = status.with_context(|| format!("cannot execute {program}"))?;
    bail!("{program} ended with {status}")
}

const NEW_PROCESSES: u64 = 0x2000_0000;
