//! `manual`: the manual pages, for packages.

use crate::args::{ManualArgs, command};
use crate::failure::Outcome;

/// Writes one page for each command, `lockgate-container-ls.1`.
pub(crate) fn run(args: &ManualArgs) -> Outcome {
    std::fs::create_dir_all(&args.folder)?;
    clap_mangen::generate_to(command().name("lockgate"), &args.folder)?;
    Ok(0)
}
