//! `rmi`, `image rm`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::RmiArgs;
use crate::client::call_path;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs `rmi`.
pub(crate) async fn run(context: &Context, args: &RmiArgs, out: &mut Output) -> Outcome {
    let mut failures = Vec::new();
    let mut is_serious = false;
    for image in &args.images {
        let call = context
            .client
            .delete(format!("/images/{}", call_path(image)));
        let call = call
            .flag("force", args.force)
            .flag("noprune", args.no_prune);
        match call.fetch::<Value>().await {
            Ok(answer) => print(View::new(&answer), out)?,
            Err(error) => {
                is_serious |= !error.is_not_found();
                failures.push(error.to_string());
            }
        }
    }
    if failures.is_empty() {
        return Ok(0);
    }
    // With -f, what is not there need not be removed.
    let status = u8::from(!args.force || is_serious);
    Err(Failure::new(failures.join("\n")).status(status))
}

/// Prints what is untagged and deleted.
pub(crate) fn print(answer: View<'_>, out: &mut Output) -> std::io::Result<()> {
    for entry in answer.items() {
        match entry.text("Deleted") {
            "" => out.line(format!("Untagged: {}", entry.text("Untagged")))?,
            deleted => out.line(format!("Deleted: {deleted}"))?,
        }
    }
    Ok(())
}
