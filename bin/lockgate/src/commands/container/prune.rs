//! `container prune`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::confirm;
use super::super::view::View;
use crate::args::{Filters, PruneArgs, gather};
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `container prune`.
pub(crate) async fn run(context: &Context, args: &PruneArgs, out: &mut Output) -> Outcome {
    let question = "WARNING! This will remove all stopped containers.\n\
                    Are you sure you want to continue?";
    if !args.force && !confirm(question, out)? {
        return Err(Failure::new("container prune has been cancelled"));
    }
    let answer = prune(context, &gather(&args.filter)).await?;
    let reclaimed = print(&answer, out)?;
    out.line(format!(
        "Total reclaimed space: {}",
        human_size(reclaimed, 4)
    ))?;
    Ok(0)
}

/// Asks the daemon to remove stopped containers.
pub(crate) async fn prune(context: &Context, filters: &Filters) -> Result<Value, ClientError> {
    context
        .client
        .post("/containers/prune")
        .filters(filters)
        .fetch()
        .await
}

/// Prints what is gone; says how much space that gave.
pub(crate) fn print(answer: &Value, out: &mut Output) -> Result<f64, Failure> {
    let answer = View::new(answer);
    let gone = answer.texts("ContainersDeleted");
    if !gone.is_empty() {
        out.line("Deleted Containers:")?;
        for id in gone {
            out.line(id)?;
        }
        out.line("")?;
    }
    Ok(answer.float("SpaceReclaimed"))
}
