//! `lockgate audit verify`: whether the trail is what was written. Exit status 1 if not.

use lockgate_access::{AuditFiles, AuditKey, Report};

use super::told;
use crate::args::VerifyAuditArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(super) fn run(files: &AuditFiles, args: &VerifyAuditArgs, out: &mut Output) -> Outcome {
    let key = match &args.key {
        Some(path) => AuditKey::load(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?,
        None => files.key().map_err(told)?,
    };
    let report = files.verify(&key).map_err(told)?;
    for finding in &report.findings {
        out.line(finding.to_string())?;
    }
    out.line(summary(&report, key.id()))?;
    Ok(u8::from(!report.is_whole()))
}

fn summary(report: &Report, key: &str) -> String {
    let verdict = if report.is_whole() {
        "whole"
    } else {
        "NOT WHOLE"
    };
    let (first, last) = (report.first.unwrap_or(0), report.last.unwrap_or(0));
    let mut text = format!(
        "{verdict}: {} records, {first} to {last}; {} signatures by key {key} up to record {}",
        report.records, report.signatures, report.signed_through
    );
    if report.unsigned > 0 {
        text.push_str(&format!(
            "; the last {} are not signed yet, which a daemon does at once or at its next start",
            report.unsigned
        ));
    }
    if report.closed_off > 0 {
        text.push_str(&format!(
            "; {} pieces of debris closed off",
            report.closed_off
        ));
    }
    if report.unproven > 0 {
        text.push_str(&format!(
            "; {} records were the last of a killed process, or added before a start",
            report.unproven
        ));
    }
    if let Some((sequence, by)) = report.set_back {
        text.push_str(&format!(
            "; the clock was set back by {} s at record {sequence}: from there on look for numbers, not for times",
            by.as_secs()
        ));
    }
    if report.lost > 0 {
        text.push_str(&format!("; {} records could not be written", report.lost));
    }
    text
}
