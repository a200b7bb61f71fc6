//! `lockgate cert list`: what was issued, and how it stands.

use lockgate_enroll::last_seen;
use lockgate_pki::{IssuedRecord, State};
use lockgate_types::Timestamp;
use serde_json::json;

use crate::args::{CertListArgs, ListFormat};
use crate::commands::ca::{self, told};
use crate::failure::Outcome;
use crate::format::align;
use crate::output::Output;

/// Prints one line for each certificate, newest last.
pub(super) fn run(args: &CertListArgs, out: &mut Output) -> Outcome {
    let directory = ca::directory(args.directory.as_ref(), &args.tree)?;
    let now = Timestamp::now();
    let revoked = directory.revoked().map_err(told)?;
    let seen = last_seen(directory.path());
    let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
    for record in directory.issued().map_err(told)? {
        let state = State::of(&record, &revoked, now);
        if record.usage.is_empty() || !wanted(args, &record, state, now) {
            continue;
        }
        let last = seen.get(&record.serial);
        let reason = revoked.get(&record.serial).map(|line| line.reason);
        if args.format == ListFormat::Json {
            out.line(line(&record, state, reason, last).to_string())?;
            continue;
        }
        let (at, from) = last.map_or_else(
            || ("never".to_owned(), String::new()),
            |(at, from)| (at.to_string(), from.clone()),
        );
        rows.push(vec![
            record.identity().to_owned(),
            purpose(&record).to_owned(),
            record
                .role()
                .map(|role| role.to_string())
                .unwrap_or_default(),
            record.serial.clone(),
            record.issued_at.to_string(),
            record.not_after.to_string(),
            state_text(state, &record, now, args.warn_days),
            at,
            from,
        ]);
    }
    if args.format == ListFormat::Table {
        let text: Vec<String> = rows.iter().map(|row| row.join("\t")).collect();
        out.text(align(&(text.join("\n") + "\n")))?;
    }
    Ok(0)
}

fn wanted(args: &CertListArgs, record: &IssuedRecord, state: State, now: Timestamp) -> bool {
    let by_state = args
        .state
        .as_ref()
        .is_none_or(|wanted| wanted == state.as_str());
    let by_name = args
        .identity
        .as_ref()
        .is_none_or(|name| name == record.identity());
    let by_purpose = args
        .purpose
        .as_ref()
        .is_none_or(|wanted| wanted == purpose(record));
    let by_end = args.expires_within.is_none_or(|days| {
        record.not_after.unix_seconds() - now.unix_seconds() <= i64::from(days) * 86_400
    });
    by_state && by_name && by_purpose && by_end
}

fn purpose(record: &IssuedRecord) -> &'static str {
    if record.is_for_clients() {
        "client"
    } else {
        "server"
    }
}

/// The state, with a warning towards the end.
fn state_text(state: State, record: &IssuedRecord, now: Timestamp, warn_days: u32) -> String {
    let left = (record.not_after.unix_seconds() - now.unix_seconds()) / 86_400;
    match state {
        State::Valid if left < i64::from(warn_days) => format!("valid, ends in {left}d"),
        other => other.as_str().to_owned(),
    }
}

fn line(
    record: &IssuedRecord,
    state: State,
    reason: Option<lockgate_pki::Reason>,
    last: Option<&(Timestamp, String)>,
) -> serde_json::Value {
    json!({
        "identity": record.identity(),
        "purpose": purpose(record),
        "role": record.role().map(|role| role.to_string()),
        "serial": record.serial,
        "subject": record.subject,
        "names": record.names,
        "issued_at": record.issued_at,
        "not_before": record.not_before,
        "not_after": record.not_after,
        "state": state,
        "reason": reason,
        "last_seen": last.map(|(at, _)| at),
        "last_from": last.map(|(_, from)| from),
        "fingerprint_sha256": record.fingerprint_sha256,
        "spki_sha256": record.spki_sha256,
    })
}

const HEADER: [&str; 9] = [
    "IDENTITY",
    "PURPOSE",
    "ROLE",
    "SERIAL",
    "ISSUED",
    "EXPIRES",
    "STATE",
    "LAST SEEN",
    "FROM",
];
