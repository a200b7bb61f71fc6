//! `network disconnect`.

use serde_json::{Value, json};

use super::super::context::Context;
use super::path;
use crate::args::NetworkDisconnectArgs;
use crate::failure::Outcome;

/// Runs `network disconnect`.
pub(crate) async fn run(context: &Context, args: &NetworkDisconnectArgs) -> Outcome {
    let body = body(args);
    context
        .client
        .post(path(&args.network, "disconnect"))
        .json(&body)?
        .act()
        .await?;
    Ok(0)
}

/// The body of the call.
pub(in crate::commands) fn body(args: &NetworkDisconnectArgs) -> Value {
    json!({ "Container": args.container, "Force": args.force })
}
