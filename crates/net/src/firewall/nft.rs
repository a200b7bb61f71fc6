//! Running `nft`, for what is done once per daemon.

use std::io::{self, Write as _};
use std::process::{Child, Command, Stdio};

use crate::FirewallError;

/// Applies a script as one transaction.
pub(crate) fn run(script: &str) -> Result<(), FirewallError> {
    let mut child = spawn(&["-f", "-"])?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| {
        // Dropping the pipe tells nft that the script is complete.
        stdin.write_all(script.as_bytes())
    });
    let output = child.wait_with_output().map_err(FirewallError::Spawn)?;
    if !output.status.success() {
        return Err(refused(&output.stderr));
    }
    written.map_err(FirewallError::Spawn)
}

/// What nft prints for a listing.
pub(super) fn list(arguments: &[&str]) -> Result<String, FirewallError> {
    let output = spawn(arguments)?
        .wait_with_output()
        .map_err(FirewallError::Spawn)?;
    if !output.status.success() {
        return Err(refused(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn spawn(arguments: &[&str]) -> Result<Child, FirewallError> {
    let mut outcome = Err(FirewallError::Spawn(io::ErrorKind::NotFound.into()));
    for program in PROGRAMS {
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match spawned {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => {
                outcome = other.map_err(FirewallError::Spawn);
                break;
            }
        }
    }
    outcome
}

fn refused(stderr: &[u8]) -> FirewallError {
    let text = String::from_utf8_lossy(stderr);
    FirewallError::Refused(text.lines().next().unwrap_or_default().to_owned())
}

/// A daemon's PATH often lacks the directories of administration tools.
const PROGRAMS: [&str; 3] = ["nft", "/usr/sbin/nft", "/sbin/nft"];
