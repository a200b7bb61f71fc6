//! `stop`, `restart`.

use super::super::context::Context;
use super::super::each::each;
use super::path;
use crate::args::StopArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `stop` or `restart`.
pub(crate) async fn run(
    context: &Context,
    args: &StopArgs,
    verb: &str,
    out: &mut Output,
) -> Outcome {
    each(&args.containers, out, async |name| {
        let call = context.client.post(path(name, verb));
        let signal = args.signal.as_deref().filter(|signal| !signal.is_empty());
        let timeout = args.timeout.map(|seconds| seconds.to_string());
        call.maybe("signal", signal)
            .maybe("t", timeout)
            .act()
            .await
            .map(|_changed| ())
    })
    .await
}
