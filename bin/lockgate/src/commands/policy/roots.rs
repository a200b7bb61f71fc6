//! `lockgate policy roots`.

use lockgate_access::SocketOwners;

use super::load;
use crate::args::RootsArgs;
use crate::failure::Outcome;
use crate::output::Output;

pub(super) fn run(args: &RootsArgs, out: &mut Output) -> Outcome {
    let policy = load(&args.policy)?;
    for root in policy.roots(&SocketOwners::default()) {
        out.line(format!(
            "{} (role {}): {}",
            root.who,
            root.role,
            root.through.join(", ")
        ))?;
    }
    out.line("the group of the unix socket (role admin, --group): everything")?;
    Ok(0)
}
