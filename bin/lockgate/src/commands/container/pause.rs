//! `pause`, `unpause`.

use super::super::context::Context;
use super::super::each::each;
use super::path;
use crate::args::ContainersArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `pause` or `unpause`.
pub(crate) async fn run(
    context: &Context,
    args: &ContainersArgs,
    verb: &str,
    out: &mut Output,
) -> Outcome {
    each(&args.containers, out, async |name| {
        context
            .client
            .post(path(name, verb))
            .act()
            .await
            .map(|_changed| ())
    })
    .await
}
