//! `ps`, `container ls`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::summary::{COLUMNS, row};
use crate::args::{PsArgs, gather};
use crate::failure::Outcome;
use crate::format::{Listing, Row};
use crate::output::Output;

/// Runs `ps`.
pub(crate) async fn run(context: &Context, args: &PsArgs, out: &mut Output) -> Outcome {
    let format = context.format(args.format.as_deref(), "psFormat", args.quiet);
    let limit = if args.latest && args.last == -1 {
        1
    } else {
        args.last
    };
    let size = args.size || (!args.quiet && asks_for_size(format));
    let call = context
        .client
        .get("/containers/json")
        .flag("all", args.all)
        .maybe("limit", (limit > 0).then(|| limit.to_string()))
        .flag("size", size)
        .filters(&gather(&args.filter));
    let answer: Value = call.fetch().await?;
    let rows: Vec<Row> = View::new(&answer)
        .items()
        .map(|container| row(container, !args.no_trunc))
        .collect();
    let table = if args.size { WITH_SIZE } else { TABLE };
    let quiet = args.quiet.then_some("{{.ID}}");
    Listing {
        columns: COLUMNS,
        table,
        quiet,
        format,
    }
    .print(&rows, out)?;
    Ok(0)
}

/// Sizes cost time, so the daemon counts them only when somebody wants to see them.
fn asks_for_size(format: &str) -> bool {
    format.contains(".Size") || format.contains("json .}")
}

const TABLE: &str =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
const WITH_SIZE: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t\
                         {{.Ports}}\t{{.Names}}\t{{.Size}}";
