//! `lockgate ca …`.

use crate::args::CaArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs one verb of `lockgate ca`.
pub(crate) fn run(args: &CaArgs, _out: &mut Output) -> Outcome {
    match args.verb {}
}
