//! `history`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::path;
use crate::args::HistoryArgs;
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row, ellipsis, short_id, time};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `history`.
pub(crate) async fn run(context: &Context, args: &HistoryArgs, out: &mut Output) -> Outcome {
    let platform = args.platform.as_deref().map(super::platform).transpose()?;
    let call = context.client.get(path(&args.image, "history"));
    let call = call.maybe("platform", platform.map(|platform| platform.to_string()));
    let answer: Value = call.fetch().await?;
    let rows: Vec<Row> = View::new(&answer)
        .items()
        .map(|layer| row(layer, args))
        .collect();
    let format = args.format.as_deref().unwrap_or("");
    let table = if args.human { TABLE } else { EXACT_TABLE };
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

fn row(layer: View<'_>, args: &HistoryArgs) -> Row {
    let (id, created) = (layer.text("Id"), layer.int("Created"));
    let command = layer.text("CreatedBy").replace('\t', " ");
    let since = if created <= time::BEFORE_EVERYTHING {
        "N/A".to_owned()
    } else if args.human {
        time::ago(created)
    } else {
        time::rfc3339(created)
    };
    let size = layer.int("Size").to_string();
    Row::new()
        .with(
            "ID",
            if args.no_trunc {
                id.to_owned()
            } else {
                short_id(id)
            },
        )
        .with("CreatedSince", since)
        .with("CreatedAt", time::rfc3339(created))
        .with(
            "CreatedBy",
            if args.no_trunc {
                command
            } else {
                ellipsis(&command, 45)
            },
        )
        .with(
            "Size",
            if args.human {
                human_size(layer.float("Size"), 3)
            } else {
                size
            },
        )
        .with("Comment", layer.text("Comment"))
}

const COLUMNS: &[Column] = &[
    Column("ID", "IMAGE"),
    Column("CreatedSince", "CREATED"),
    Column("CreatedAt", "CREATED AT"),
    Column("CreatedBy", "CREATED BY"),
    Column("Size", "SIZE"),
    Column("Comment", "COMMENT"),
];
const TABLE: &str = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const EXACT_TABLE: &str = "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
