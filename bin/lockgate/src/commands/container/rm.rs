//! `rm`.

use super::super::context::Context;
use super::super::each::finish;
use crate::args::RmArgs;
use crate::client::call_path;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `rm`.
pub(crate) async fn run(context: &Context, args: &RmArgs, out: &mut Output) -> Outcome {
    let mut failures = Vec::new();
    for name in &args.containers {
        let bare = name.trim_matches('/');
        if bare.is_empty() {
            failures.push("Container name cannot be empty".to_owned());
            continue;
        }
        let call = context
            .client
            .delete(format!("/containers/{}", call_path(bare)));
        let call = call
            .flag("v", args.volumes)
            .flag("link", args.link)
            .flag("force", args.force);
        match call.act().await {
            Ok(_) => {
                out.line(name)?;
                out.flush()?;
            }
            // With -f, what is not there need not be removed.
            Err(error) if args.force && error.is_not_found() => out.note(error.to_string())?,
            Err(error) => failures.push(error.to_string()),
        }
    }
    finish(&failures)
}
