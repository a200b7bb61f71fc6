//! `lockgate policy explain`: which rule decides a command, and why. Exit status 1 if it is denied.

use lockgate_access::{Explanation, NoObjects, Policy, Principal, SocketOwners};

use super::{asks, load};
use crate::args::ExplainArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(super) fn run(args: &ExplainArgs, out: &mut Output) -> Outcome {
    let policy = load(&args.policy)?;
    let who = Principal::described(&args.who)
        .map_err(|error| Failure::new(format!("{:?}: {error}", args.who)))?;
    let mut denied = false;
    let explained = judge(&policy, &who, &args.does)?;
    if explained.is_empty() {
        out.line("allow  nothing is asked of the daemon")?;
    }
    if explained
        .iter()
        .any(|(operation, _)| *operation == "ImageBuild")
    {
        out.note("where docker has buildx it builds by that: explain `docker buildx build`, too")?;
    }
    for (operation, explained) in explained {
        let verdict = if explained.allowed { "allow" } else { "deny" };
        denied |= !explained.allowed;
        out.line(format!("{verdict:<6} {operation}: {}", explained.why))?;
        if operation == "ContainerCreate" || !explained.allowed {
            let roles = match explained.roles.as_slice() {
                [] => "none".to_owned(),
                roles => roles.join(", "),
            };
            out.line(format!("       roles of {who}: {roles}"))?;
        }
    }
    Ok(u8::from(denied))
}

/// What is said of each call that a command makes. Who owns the socket does not matter here.
pub(super) fn judge(
    policy: &Policy,
    who: &Principal,
    line: &str,
) -> Result<Vec<(&'static str, Explanation)>, Failure> {
    let calls = asks::calls(line)?;
    let owners = SocketOwners::default();
    let explain = |(call, facts): &(lockgate_api::Call, lockgate_access::Facts)| {
        let explained = policy.explain(&owners, who, call, facts, &NoObjects);
        (call.operation().name(), explained)
    };
    Ok(calls.iter().map(explain).collect())
}
