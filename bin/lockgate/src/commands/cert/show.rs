//! `lockgate cert show`: what certificates say.

use lockgate_pki::CertificateInfo;

use crate::args::ShowArgs;
use crate::commands::ca::told;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Shows all certificates of all files.
pub(super) fn run(args: &ShowArgs, out: &mut Output) -> Outcome {
    let mut all = Vec::new();
    for file in &args.files {
        all.extend(CertificateInfo::read(file).map_err(told)?);
    }
    if args.json {
        let text = serde_json::to_string_pretty(&all).map_err(|error| {
            Failure::new(format!("the result cannot be written as JSON: {error}"))
        })?;
        out.line(text)?;
        return Ok(0);
    }
    let texts: Vec<String> = all.iter().map(CertificateInfo::to_text).collect();
    out.text(texts.join("\n"))?;
    Ok(0)
}
