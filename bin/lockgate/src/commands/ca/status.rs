//! `lockgate ca status`: the roots, the list, and who still needs the old root.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_enroll::{Lagging, Seen, lagging, last_seen};
use lockgate_pki::{AuthorityDirectory, CertificateInfo, IssuedRecord, RotationState};
use lockgate_types::Timestamp;
use serde_json::json;

use super::{directory, told};
use crate::args::StatusArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Shows the state; needs no key.
pub(super) fn run(args: &StatusArgs, out: &mut Output) -> Outcome {
    let directory = directory(args.authority.directory.as_ref(), &args.authority.tree)?;
    let roots = CertificateInfo::read(&directory.bundle_path()).map_err(told)?;
    let rotation = directory.rotation(Timestamp::now()).map_err(told)?;
    let revoked = directory.revoked().map_err(told)?;
    let seen = last_seen(directory.path());
    let late = match &rotation {
        Some(state) => lagging(&directory, state, Timestamp::now()).map_err(told)?,
        None => Vec::new(),
    };
    let strangers = strangers(&directory, &seen)?;
    if args.json {
        let value = json!({
            "roots": roots, "rotation": rotation, "lagging": late, "revoked": revoked.len(),
            "unrecorded": strangers,
        });
        out.line(value.to_string())?;
        return Ok(0);
    }
    for root in &roots {
        out.line(format!("root: {}, until {}", root.subject, root.not_after))?;
    }
    out.line(format!("revoked: {}", revoked.len()))?;
    match rotation {
        None => out.line("no rotation is under way")?,
        Some(state) => of_rotation(&state, &seen, &late, out)?,
    }
    for one in &strangers {
        out.line(format!(
            "not in the record: serial {}, seen {} from {}; `lockgate cert revoke --unrecorded {}` locks it out",
            one.serial, one.at, one.from, one.serial
        ))?;
    }
    Ok(0)
}

/// Who was let in with a certificate that nobody here recorded: it was issued after the backup that this
/// authority was restored from, or by somebody who has its key.
fn strangers(
    directory: &AuthorityDirectory,
    seen: &BTreeMap<String, (Timestamp, String)>,
) -> Result<Vec<Seen>, Failure> {
    let issued = directory.issued().map_err(told)?;
    let revoked = directory.revoked().map_err(told)?;
    let known: BTreeSet<&str> = issued.iter().map(|one| one.serial.as_str()).collect();
    let unknown = seen.iter().filter(|(serial, _)| {
        !known.contains(serial.as_str()) && !revoked.contains_key(serial.as_str())
    });
    Ok(unknown
        .map(|(serial, (at, from))| Seen {
            serial: serial.clone(),
            at: *at,
            from: from.clone(),
        })
        .collect())
}

fn of_rotation(
    state: &RotationState,
    seen: &BTreeMap<String, (Timestamp, String)>,
    late: &[Lagging],
    out: &mut Output,
) -> Result<(), Failure> {
    out.line(format!("rotation: from {} to {}", state.old, state.new))?;
    if state.is_done() && late.is_empty() {
        out.line("nobody needs the old root any more: `lockgate ca retire`")?;
    }
    let mut list = |what: &str, records: &[IssuedRecord]| -> Result<(), Failure> {
        for record in records {
            let last = seen.get(&record.serial).map_or_else(
                || "never seen".to_owned(),
                |(at, from)| format!("seen {at} from {from}"),
            );
            let (who, until) = (record.identity(), record.not_after);
            out.line(format!(
                "  {what} {who}: on the old root until {until}, {last}"
            ))?;
        }
        Ok(())
    };
    list("client", &state.clients)?;
    list("server", &state.servers)?;
    for one in late {
        let what = if one.record.is_for_clients() {
            "client"
        } else {
            "server"
        };
        out.line(format!(
            "  {what} {}: has a newer certificate, and was seen with serial {} of the old root {} from {}",
            one.record.identity(), one.record.serial, one.at, one.from
        ))?;
    }
    Ok(())
}
