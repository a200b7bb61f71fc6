//! `lockgate dockerd …`.

mod change;
mod configure;
mod plan;
mod undo;

use crate::args::DockerdVerb;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs one verb of `lockgate dockerd`.
pub(crate) fn run(verb: &DockerdVerb, out: &mut Output) -> Outcome {
    match verb {
        DockerdVerb::Configure(args) if args.undo => undo::run(args, out),
        DockerdVerb::Configure(args) => configure::run(args, out),
    }
}
