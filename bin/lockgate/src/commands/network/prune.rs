//! `network prune`.

use serde_json::Value;

use super::super::context::Context;
use super::super::each::confirm;
use super::super::view::View;
use crate::args::{Filters, PruneArgs, gather};
use crate::client::ClientError;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs `network prune`.
pub(crate) async fn run(context: &Context, args: &PruneArgs, out: &mut Output) -> Outcome {
    let question = "WARNING! This will remove all custom networks not used by at least one \
                    container.\nAre you sure you want to continue?";
    if !args.force && !confirm(question, out)? {
        return Err(Failure::new("network prune cancelled has been cancelled"));
    }
    print(&prune(context, &gather(&args.filter)).await?, out)?;
    Ok(0)
}

/// Asks the daemon to remove unused networks.
pub(crate) async fn prune(context: &Context, filters: &Filters) -> Result<Value, ClientError> {
    context
        .client
        .post("/networks/prune")
        .filters(filters)
        .fetch()
        .await
}

/// Prints what is gone.
pub(crate) fn print(answer: &Value, out: &mut Output) -> Result<(), Failure> {
    let gone = View::new(answer).texts("NetworksDeleted");
    if !gone.is_empty() {
        out.line("Deleted Networks:")?;
        for name in gone {
            out.line(name)?;
        }
        out.line("")?;
    }
    Ok(())
}
