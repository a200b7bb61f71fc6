//! `export`.

use super::super::context::Context;
use super::super::image::save::write_stream;
use super::path;
use crate::args::ExportArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::stream::stdout_is_terminal;

/// Runs `export`.
pub(crate) async fn run(context: &Context, args: &ExportArgs, out: &mut Output) -> Outcome {
    if args.output.is_none() && stdout_is_terminal() {
        return Err(Failure::new(
            "cowardly refusing to save to a terminal. Use the -o flag or redirect",
        ));
    }
    let answer = context
        .client
        .get(path(&args.container, "export"))
        .send()
        .await?;
    write_stream(answer, args.output.as_deref(), out).await
}
