//! `network rm`.

use super::super::context::Context;
use super::super::each::each;
use crate::args::NetworkRmArgs;
use crate::client::call_path;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `network rm`.
pub(crate) async fn run(context: &Context, args: &NetworkRmArgs, out: &mut Output) -> Outcome {
    each(&args.networks, out, async |name| {
        match context
            .client
            .delete(format!("/networks/{}", call_path(name)))
            .act()
            .await
        {
            Err(error) if args.force && error.is_not_found() => Ok(()),
            other => other.map(|_changed| ()),
        }
    })
    .await
}
