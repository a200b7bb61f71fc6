//! `image prune`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::confirm;
use super::super::view::View;
use crate::args::{Filters, ImagePruneArgs, gather};
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `image prune`.
pub(crate) async fn run(context: &Context, args: &ImagePruneArgs, out: &mut Output) -> Outcome {
    let what = if args.all {
        "all images without at least one container associated to them"
    } else {
        "all dangling images"
    };
    let question = format!("WARNING! This will remove {what}.\nAre you sure you want to continue?");
    if !args.prune.force && !confirm(&question, out)? {
        return Err(Failure::new("image prune has been cancelled"));
    }
    let answer = prune(context, gather(&args.prune.filter), args.all).await?;
    let reclaimed = print(&answer, out)?;
    out.line(format!(
        "Total reclaimed space: {}",
        human_size(reclaimed, 4)
    ))?;
    Ok(0)
}

/// Asks the daemon to remove unused images.
pub(crate) async fn prune(
    context: &Context,
    mut filters: Filters,
    all: bool,
) -> Result<Value, ClientError> {
    let dangling = if all { "false" } else { "true" };
    filters.insert("dangling".to_owned(), vec![dangling.to_owned()]);
    context
        .client
        .post("/images/prune")
        .filters(&filters)
        .fetch()
        .await
}

/// Prints what is gone; says how much space that gave.
pub(crate) fn print(answer: &Value, out: &mut Output) -> Result<f64, Failure> {
    let answer = View::new(answer);
    if answer.list("ImagesDeleted").next().is_some() {
        out.line("Deleted Images:")?;
        for entry in answer.list("ImagesDeleted") {
            match entry.text("Deleted") {
                "" => out.line(format!("untagged: {}", entry.text("Untagged")))?,
                deleted => out.line(format!("deleted: {deleted}"))?,
            }
        }
        out.line("")?;
    }
    Ok(answer.float("SpaceReclaimed"))
}
