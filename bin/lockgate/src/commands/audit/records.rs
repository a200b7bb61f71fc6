//! `lockgate audit search` and `export`.

use lockgate_access::AuditFiles;
use lockgate_types::Timestamp;
use serde_json::Value;

use super::{shown, told};
use crate::args::{AuditFormat, RecordArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// The columns of a table.
const COLUMNS: [&str; 16] = [
    "sequence",
    "time",
    "event",
    "call",
    "decision",
    "identity",
    "peer",
    "operation",
    "target",
    "role",
    "rule",
    "reason",
    "outcome",
    "status",
    "duration_ms",
    "bytes",
];

pub(super) fn run(
    files: &AuditFiles,
    args: &RecordArgs,
    format: AuditFormat,
    out: &mut Output,
) -> Outcome {
    let (since, until) = (time(args.since.as_deref())?, time(args.until.as_deref())?);
    if format == AuditFormat::Csv {
        out.line(COLUMNS.join(","))?;
    }
    let mut written = Ok(());
    files
        .each(&mut |line| {
            let Ok(record) = serde_json::from_slice::<Value>(line) else {
                return;
            };
            let at = record.get("time").and_then(Value::as_str);
            let at: Option<Timestamp> = at.and_then(|text| text.parse().ok());
            let is_in_time = since.is_none_or(|since| at.is_some_and(|at| at >= since))
                && until.is_none_or(|until| at.is_some_and(|at| at <= until));
            if written.is_ok() && is_in_time && is_wanted(args, &record) {
                written = match format {
                    AuditFormat::Csv => out.line(row(&record)),
                    AuditFormat::Jsonl => out.line(shown(line)),
                };
            }
        })
        .map_err(told)?;
    written?;
    Ok(0)
}

fn time(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    text.map(|text| {
        text.parse().map_err(|_syntax| {
            Failure::new(format!("{text:?} is no time such as 2006-01-02T15:04:05Z"))
        })
    })
    .transpose()
}

fn is_wanted(args: &RecordArgs, record: &Value) -> bool {
    let is = |key: &str, wanted: &Option<String>| {
        wanted
            .as_deref()
            .is_none_or(|wanted| record.get(key).and_then(Value::as_str) == Some(wanted))
    };
    let of_identity = args
        .identity
        .as_deref()
        .is_none_or(|wanted| record.get("identity").is_some_and(|who| has(who, wanted)));
    of_identity
        && is("call", &args.call)
        && is("decision", &args.decision)
        && is("operation", &args.operation)
        && is("outcome", &args.outcome)
        && is("peer", &args.peer)
        && is("target", &args.target)
}

/// Whether any value in it is `wanted`.
fn has(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Array(items) => items.iter().any(|item| has(item, wanted)),
        Value::Object(fields) => fields.values().any(|field| has(field, wanted)),
        Value::Bool(_) | Value::Null => false,
    }
}

fn row(record: &Value) -> String {
    let cell = |column: &&str| match record.get(*column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    };
    COLUMNS.iter().map(cell).collect::<Vec<_>>().join(",")
}

/// RFC 4180. What a spreadsheet would take for a formula is made text.
fn quoted(text: &str) -> String {
    let text = shown(text.as_bytes());
    let defused = if text.trim_start().starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    };
    if defused.contains([',', '"', ';', '\'']) {
        return format!("\"{}\"", defused.replace('"', "\"\""));
    }
    defused
}
