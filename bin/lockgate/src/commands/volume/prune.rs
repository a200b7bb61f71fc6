//! `volume prune`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::confirm;
use super::super::view::View;
use crate::args::{Filters, VolumePruneArgs, gather};
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `volume prune`.
pub(crate) async fn run(context: &Context, args: &VolumePruneArgs, out: &mut Output) -> Outcome {
    let mut filters = gather(&args.prune.filter);
    let what = if args.all { "all" } else { "anonymous" };
    if args.all {
        if filters.contains_key("all") {
            return Err(Failure::new(
                "conflicting options: cannot specify both --all and --filter all=1",
            ));
        }
        filters.insert("all".to_owned(), vec!["true".to_owned()]);
    }
    let question = format!(
        "WARNING! This will remove {what} local volumes not used by at least one container.\n\
         Are you sure you want to continue?"
    );
    if !args.prune.force && !confirm(&question, out)? {
        return Err(Failure::new("volume prune has been cancelled"));
    }
    let answer = prune(context, &filters).await?;
    let reclaimed = print(&answer, out)?;
    out.line(format!(
        "Total reclaimed space: {}",
        human_size(reclaimed, 4)
    ))?;
    Ok(0)
}

/// Asks the daemon to remove unused volumes.
pub(crate) async fn prune(context: &Context, filters: &Filters) -> Result<Value, ClientError> {
    context
        .client
        .post("/volumes/prune")
        .filters(filters)
        .fetch()
        .await
}

/// Prints what is gone; says how much space that gave.
pub(crate) fn print(answer: &Value, out: &mut Output) -> Result<f64, Failure> {
    let answer = View::new(answer);
    let gone = answer.texts("VolumesDeleted");
    if !gone.is_empty() {
        out.line("Deleted Volumes:")?;
        for name in gone {
            out.line(name)?;
        }
        out.line("")?;
    }
    Ok(answer.float("SpaceReclaimed"))
}
