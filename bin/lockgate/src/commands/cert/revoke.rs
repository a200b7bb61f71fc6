//! `lockgate cert revoke` and `unrevoke`: who is locked out, and who may come back.

use lockgate_pki::{Reason, RevokedRecord, certificates};
use lockgate_types::Timestamp;
use rustls_pki_types::CertificateDer;

use crate::args::{RevokeArgs, UnrevokeArgs};
use crate::commands::ca::{self, told};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Records the revocations, and signs the list that says so.
pub(super) fn run(args: &RevokeArgs, out: &mut Output) -> Outcome {
    let reason: Reason = args.reason.parse().map_err(told)?;
    // The key first: what is recorded is to be in a list at once.
    let (directory, authorities) = ca::open(&args.authority, out)?;
    let now = Timestamp::now();
    let mut revoked: Vec<RevokedRecord> = Vec::new();
    let mut failure = None;
    // What was recorded is signed, also when the next one fails.
    for wanted in wanted(args)? {
        let lines = match &wanted {
            Wanted::Named(who) => directory.revoke(who, reason, now),
            Wanted::Unrecorded(serial) => directory.revoke_unrecorded(serial, reason, now),
            Wanted::Shown(certificate) => {
                directory.revoke_certificate(certificate, &authorities.all(), reason, now)
            }
        };
        match lines {
            Ok(lines) => revoked.extend(lines),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    for line in &revoked {
        ca::journal(&directory, "revoked", &line.identity, reason.as_str())?;
        out.line(format!(
            "revoked {} ({}), {reason}",
            line.identity, line.serial
        ))?;
    }
    if let Some(error) = failure.as_ref().filter(|_| revoked.is_empty()) {
        // Somebody may have been killed between the record and the list.
        let all = authorities.all();
        if directory
            .crl_is_due(&all, args.crl_days, now)
            .map_err(told)?
        {
            ca::publish_crl(&directory, &authorities, args.crl_days, out)?;
        }
        return Err(told(error));
    }
    ca::publish_crl(&directory, &authorities, args.crl_days, out)?;
    failure.map_or(Ok(0), |error| Err(told(error)))
}

/// One certificate, or all of one identity.
enum Wanted {
    Named(String),
    Shown(CertificateDer<'static>),
    Unrecorded(String),
}

/// Everything is read before anybody is revoked.
fn wanted(args: &RevokeArgs) -> Result<Vec<Wanted>, Failure> {
    let mut all: Vec<_> = args.who.iter().cloned().map(Wanted::Named).collect();
    for file in &args.certificates {
        // What follows in the file leads to the root.
        let leaf = certificates(file).map_err(told)?.into_iter().next();
        all.extend(leaf.map(Wanted::Shown));
    }
    let unrecorded = args.unrecorded.iter().cloned();
    all.extend(unrecorded.map(Wanted::Unrecorded));
    Ok(all)
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
