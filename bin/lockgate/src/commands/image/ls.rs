//! `images`, `image ls`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::rows::{COLUMNS, rows};
use crate::args::{ImagesArgs, gather};
use crate::failure::Outcome;
use crate::format::{Listing, Row};
use crate::output::Output;

/// Runs `images`.
pub(crate) async fn run(context: &Context, args: &ImagesArgs, out: &mut Output) -> Outcome {
    let mut filters = gather(&args.filter);
    if let Some(reference) = args.reference.as_ref().filter(|text| !text.is_empty()) {
        filters
            .entry("reference".to_owned())
            .or_default()
            .push(reference.clone());
    }
    let call = context
        .client
        .get("/images/json")
        .flag("all", args.all)
        .filters(&filters);
    let answer: Value = call.fetch().await?;
    let rows: Vec<Row> = View::new(&answer)
        .items()
        .flat_map(|image| rows(image, !args.no_trunc, args.digests))
        .collect();
    let format = context.format(args.format.as_deref(), "imagesFormat", args.quiet);
    let table = if args.digests { WITH_DIGESTS } else { TABLE };
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

const TABLE: &str = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
const WITH_DIGESTS: &str =
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
