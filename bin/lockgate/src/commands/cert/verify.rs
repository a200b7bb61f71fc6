//! `lockgate cert verify`: whether a set of files would work. Exit status 1 if not.

use std::path::{Path, PathBuf};

use lockgate_pki::{
    CheckedSet, Clock, NameError, Purpose, SubjectName, Verdict, VerifyReport, verify_set,
};

use crate::args::{PurposeArg, VerifyArgs};
use crate::commands::ca::told;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs all checks and prints one line for each.
pub(super) fn run(args: &VerifyArgs, out: &mut Output) -> Outcome {
    let report = verify_set(&set(args)?);
    if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| {
            Failure::new(format!("the result cannot be written as JSON: {error}"))
        })?;
        out.line(text)?;
    } else {
        print(&report, out)?;
    }
    Ok(u8::from(!report.is_good()))
}

fn set(args: &VerifyArgs) -> Result<CheckedSet, Failure> {
    let directory = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let in_directory = |name: &str| directory.join(Path::new(name));
    let hosts: Result<Vec<SubjectName>, NameError> =
        args.hosts.iter().map(|host| host.parse()).collect();
    Ok(CheckedSet {
        ca: args.ca.clone().unwrap_or_else(|| in_directory("ca.pem")),
        certificate: args
            .cert
            .clone()
            .unwrap_or_else(|| in_directory("cert.pem")),
        key: args
            .key
            .clone()
            .or_else(|| args.cert.is_none().then(|| in_directory("key.pem"))),
        purpose: args.purpose.map(|purpose| match purpose {
            PurposeArg::Client => Purpose::Client,
            PurposeArg::Server => Purpose::Server,
        }),
        hosts: hosts.map_err(told)?,
        clock: Clock::System,
    })
}

fn print(report: &VerifyReport, out: &mut Output) -> Result<(), Failure> {
    for check in &report.checks {
        let verdict = match check.verdict {
            Verdict::Failed => "FAILED",
            Verdict::Passed => "ok",
            Verdict::Warning => "warning",
        };
        out.line(format!("{verdict:<8} {:<12} {}", check.name, check.text))?;
    }
    Ok(())
}
