//! `kill`.

use super::super::context::Context;
use super::super::each::each;
use super::path;
use crate::args::KillArgs;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `kill`.
pub(crate) async fn run(context: &Context, args: &KillArgs, out: &mut Output) -> Outcome {
    each(&args.containers, out, async |name| {
        let call = context.client.post(path(name, "kill"));
        let signal = args.signal.as_deref().filter(|signal| !signal.is_empty());
        call.maybe("signal", signal).act().await.map(|_changed| ())
    })
    .await
}
