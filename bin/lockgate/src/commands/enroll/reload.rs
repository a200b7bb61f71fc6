//! `lockgate reload`: SIGHUP, to the process that the daemon's pid file names.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::args::ReloadArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Tells the daemon. What it makes of it is in its log: what cannot be used leaves the last good one.
pub(in crate::commands) fn run(args: &ReloadArgs, out: &mut Output) -> Outcome {
    let file = args.pidfile.display();
    let text = fs::read_to_string(&args.pidfile).map_err(|error| {
        Failure::new(format!("cannot read {file}: {error}"))
            .hint("is lockgated running? name its file with --pidfile")
    })?;
    let number = text.trim().parse().ok().and_then(Pid::from_raw);
    let pid = number.ok_or_else(|| Failure::new(format!("{file} holds no process id")))?;
    let id = pid.as_raw_nonzero();
    // Process ids are used again: nobody else is to get the signal.
    let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    if !matches!(name.trim(), "lockgated" | "dockerd") {
        let text = format!("process {id}, which {file} names, is no lockgated");
        return Err(Failure::new(text).hint("the daemon may have ended without removing its file"));
    }
    kill_process(pid, Signal::HUP)
        .map_err(|error| Failure::new(format!("cannot tell process {id}: {error}")))?;
    out.line(format!(
        "process {id} reads its files again; its log says how that went"
    ))?;
    Ok(0)
}
