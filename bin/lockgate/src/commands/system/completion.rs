//! `completion`.

use crate::args::{CompletionArgs, command};
use crate::config::program_name;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `completion`.
pub(crate) fn run(args: &CompletionArgs, out: &mut Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), program_name(), &mut script);
    out.bytes_now(&script)?;
    Ok(0)
}
