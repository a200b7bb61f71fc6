//! `rm`.

use super::super::context::Context;
use super::super::each::each;
use crate::args::RmArgs;
use crate::client::{ClientError, call_path};
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `rm`.
pub(crate) async fn run(context: &Context, args: &RmArgs, out: &mut Output) -> Outcome {
    each(&args.containers, out, async |name| {
        let name = name.trim_matches('/');
        if name.is_empty() {
            return Err(ClientError::Local(
                "Container name cannot be empty".to_owned(),
            ));
        }
        let call = context
            .client
            .delete(format!("/containers/{}", call_path(name)));
        let call = call
            .flag("v", args.volumes)
            .flag("link", args.link)
            .flag("force", args.force);
        match call.act().await {
            // Gone is gone.
            Err(error) if args.force && error.is_not_found() => Ok(()),
            other => other.map(|_changed| ()),
        }
    })
    .await
}
