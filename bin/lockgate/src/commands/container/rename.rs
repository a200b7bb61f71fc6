//! `rename`.

use super::super::context::Context;
use super::path;
use crate::args::RenameArgs;
use crate::failure::{Failure, Outcome};

/// Runs `rename`.
pub(crate) async fn run(context: &Context, args: &RenameArgs) -> Outcome {
    if args.container.trim().is_empty() || args.new_name.trim().is_empty() {
        return Err(Failure::new(
            "Error: Neither old nor new names may be empty",
        ));
    }
    let call = context.client.post(path(&args.container, "rename"));
    match call.query("name", args.new_name.trim()).act().await {
        Ok(_) => Ok(0),
        Err(error) => Err(Failure::new(format!(
            "{error}\nError: failed to rename container named {}",
            args.container
        ))),
    }
}
