//! `volume rm`.

use super::super::context::Context;
use super::super::each::each;
use crate::args::VolumeRmArgs;
use crate::client::call_path;
use crate::failure::Outcome;
use crate::output::Output;

/// Runs `volume rm`.
pub(crate) async fn run(context: &Context, args: &VolumeRmArgs, out: &mut Output) -> Outcome {
    each(&args.volumes, out, async |name| {
        let call = context
            .client
            .delete(format!("/volumes/{}", call_path(name)));
        call.flag("force", args.force)
            .act()
            .await
            .map(|_changed| ())
    })
    .await
}
