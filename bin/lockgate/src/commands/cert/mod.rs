//! `lockgate cert …`.

use crate::args::CertArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs one verb of `lockgate cert`.
pub(crate) fn run(args: &CertArgs, _out: &mut Output) -> Outcome {
    match args.verb {}
}
