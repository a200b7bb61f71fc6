//! What the commands do: one file per verb, one public function each.

mod ca;
mod cert;

use crate::args::{Cli, Verb};
use crate::failure::Outcome;
use crate::output::Output;

/// Runs the command that was typed.
pub(crate) fn run(cli: &Cli, out: &mut Output) -> Outcome {
    let status = match &cli.command {
        Verb::Ca(args) => ca::run(args, out)?,
        Verb::Cert(args) => cert::run(args, out)?,
        Verb::Version => 0,
    };
    out.flush()?;
    Ok(status)
}
