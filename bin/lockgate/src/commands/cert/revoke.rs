//! `lockgate cert revoke` and `unrevoke`: who is locked out, and who may come back.

use lockgate_pki::Reason;
use lockgate_types::Timestamp;

use crate::args::{RevokeArgs, UnrevokeArgs};
use crate::commands::ca::{self, told};
use crate::failure::Outcome;
use crate::output::Output;

/// Records the revocations, and signs the list that says so.
pub(super) fn run(args: &RevokeArgs, out: &mut Output) -> Outcome {
    let reason: Reason = args.reason.parse().map_err(told)?;
    // The key first: what is recorded is to be in a list at once.
    let (directory, authorities) = ca::open(&args.authority, out)?;
    for who in &args.who {
        let now = Timestamp::now();
        for line in directory.revoke(who, reason, now).map_err(told)? {
            ca::journal(&directory, "revoked", &line.identity, reason.as_str())?;
            out.line(format!(
                "revoked {} ({}), {reason}",
                line.identity, line.serial
            ))?;
        }
    }
    ca::publish_crl(&directory, &authorities, args.crl_days, out)?;
    Ok(0)
}

/// Takes holds back.
pub(super) fn release(args: &UnrevokeArgs, out: &mut Output) -> Outcome {
    let (directory, authorities) = ca::open(&args.authority, out)?;
    for who in &args.who {
        for line in directory.release(who, Timestamp::now()).map_err(told)? {
            ca::journal(&directory, "released", &line.identity, "")?;
            out.line(format!("released {} ({})", line.identity, line.serial))?;
        }
    }
    ca::publish_crl(&directory, &authorities, args.crl_days, out)?;
    Ok(0)
}
