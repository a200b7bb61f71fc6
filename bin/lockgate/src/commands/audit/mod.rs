//! `lockgate audit …`.

mod records;
mod tail;
mod verify;

use lockgate_access::{AuditFiles, escape};

use crate::args::{AuditArgs, AuditFormat, AuditVerb};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs one verb of `lockgate audit`.
pub(crate) fn run(args: &AuditArgs, out: &mut Output) -> Outcome {
    let files = AuditFiles::find(&args.log).map_err(told)?;
    match &args.verb {
        AuditVerb::Export(export) => records::run(&files, &export.records, export.format, out),
        AuditVerb::Key => {
            let path = files.key_path();
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Failure::new(format!("cannot read {}: {error}", path.display()))
            })?;
            out.text(text)?;
            Ok(0)
        }
        AuditVerb::Search(search) => records::run(&files, search, AuditFormat::Jsonl, out),
        AuditVerb::Tail(tail) => tail::run(&files, &args.log, tail, out),
        AuditVerb::Verify(verify) => verify::run(&files, verify, out),
    }
}

/// A line for people and for other programs: a record is shown as it is written; what somebody else wrote into the
/// file moves no cursor.
fn shown(line: &[u8]) -> String {
    escape(String::from_utf8_lossy(line).into_owned())
}

fn told(error: impl std::error::Error) -> Failure {
    match error.source() {
        Some(cause) => Failure::new(format!("{error}: {cause}")),
        None => Failure::new(error.to_string()),
    }
}
