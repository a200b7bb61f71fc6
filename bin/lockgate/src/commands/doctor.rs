//! `lockgate doctor`: finds what is wrong between a client and a daemon, and says how to mend it.
//! Exit status 0 if nothing is, 1 with an error, 2 with warnings alone.

use std::path::Path;

use serde::Serialize;

use super::context::choice;
use crate::args::{DoctorArgs, Globals};
use crate::doctor::cis::{self, Item, Verdict};
use crate::doctor::{self, End, Finding, Findings, Severity, World};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Looks, and tells.
pub(super) async fn run(globals: &Globals, args: &DoctorArgs, out: &mut Output) -> Outcome {
    let root = Some(args.root.as_path()).filter(|root| *root != Path::new("/"));
    if let Some(root) = root.filter(|root| !root.is_dir()) {
        let root = root.display();
        return Err(Failure::new(format!(
            "{root} is no directory: give --root the root of a machine"
        )));
    }
    let world = World::new(root);
    let daemons = doctor::daemons(&world);
    if args.cis {
        return benchmark(&cis::items(&world, &daemons), args.json, out);
    }
    let mut choice = choice(globals);
    choice.hosts.extend(args.host.clone());
    let folder = doctor::user_folder(globals.config.as_deref());
    let found = doctor::examine(&world, &daemons, &choice, &folder, args.files_only).await;
    if args.json {
        json(&found, out)?;
    } else {
        text(&found, out)?;
    }
    Ok(found.status())
}

#[derive(Serialize)]
struct Report<'f> {
    findings: &'f [Finding],
    errors: usize,
    warnings: usize,
    status: u8,
}

fn json(found: &Findings, out: &mut Output) -> Result<(), Failure> {
    print_json(
        &Report {
            findings: found.all(),
            errors: found.count(Severity::Error),
            warnings: found.count(Severity::Warning),
            status: found.status(),
        },
        out,
    )
}

fn print_json(value: &impl Serialize, out: &mut Output) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("the result cannot be written as JSON: {error}")))?;
    Ok(out.line(text)?)
}

fn text(found: &Findings, out: &mut Output) -> Result<(), Failure> {
    for (end, heading) in [
        (End::Client, "This user"),
        (End::Daemon, "Daemons on this machine"),
        (End::Peer, "What answers"),
    ] {
        let of_end: Vec<&Finding> = found.all().iter().filter(|f| f.end == end).collect();
        if of_end.is_empty() {
            continue;
        }
        out.line(heading)?;
        for finding in of_end {
            line(finding, out)?;
        }
    }
    let (errors, warnings) = (found.count(Severity::Error), found.count(Severity::Warning));
    out.line(format!("{errors} errors, {warnings} warnings"))?;
    Ok(())
}

fn line(finding: &Finding, out: &mut Output) -> Result<(), Failure> {
    let severity = match finding.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "warning",
        Severity::Note => "note",
        Severity::Ok => "ok",
    };
    let Finding { id, cause, .. } = finding;
    out.line(format!("  {severity:<8} {id}: {cause}"))?;
    if let Some(fix) = &finding.fix {
        out.line(format!("           fix: {fix}"))?;
    }
    Ok(())
}

fn benchmark(items: &[Item], as_json: bool, out: &mut Output) -> Outcome {
    let failed = items
        .iter()
        .filter(|item| item.verdict == Verdict::Fail)
        .count();
    if as_json {
        print_json(&items, out)?;
    } else {
        for item in items {
            let verdict = match item.verdict {
                Verdict::Absent => "absent",
                Verdict::Fail => "FAIL",
                Verdict::Pass => "pass",
            };
            out.line(format!("{verdict:<7} {:<5} {}", item.id, item.title))?;
            if let Some(fix) = &item.fix {
                out.line(format!("              fix: {fix}"))?;
            }
        }
    }
    Ok(u8::from(failed > 0))
}
