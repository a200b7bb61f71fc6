//! `lockgate policy …`.

mod asks;
mod explain;
mod learn;
mod roots;
mod test;

use std::path::Path;

use lockgate_access::Policy;

use crate::args::{PolicyArgs, PolicyVerb};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(in crate::commands) use learn::run as learn;

/// Runs one verb of `lockgate policy`.
pub(crate) fn run(args: &PolicyArgs, out: &mut Output) -> Outcome {
    match &args.verb {
        PolicyVerb::Check(args) => {
            load(&args.file)?;
            out.line(format!("{}: good", args.file.display()))?;
            Ok(0)
        }
        PolicyVerb::Explain(args) => explain::run(args, out),
        PolicyVerb::Learn(_) => Err(Failure::new("learning needs a daemon")),
        PolicyVerb::Roots(args) => roots::run(args, out),
        PolicyVerb::Test(args) => test::run(args, out),
    }
}

/// A file that is named must be there.
fn load(path: &Path) -> Result<Policy, Failure> {
    let told = |error: &dyn std::error::Error| match error.source() {
        Some(cause) => Failure::new(format!("{}: {error}: {cause}", path.display())),
        None => Failure::new(format!("{}: {error}", path.display())),
    };
    let policy = Policy::load(path).map_err(|error| told(&error))?;
    if policy.is_absent() {
        let missing = Failure::new(format!("{}: there is no such file", path.display()));
        return Err(missing.hint("without a policy file every valid client certificate is admin"));
    }
    Ok(policy)
}
