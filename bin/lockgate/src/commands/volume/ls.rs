//! `volume ls`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::{VolumeLsArgs, gather};
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `volume ls`.
pub(crate) async fn run(context: &Context, args: &VolumeLsArgs, out: &mut Output) -> Outcome {
    let call = context
        .client
        .get("/volumes")
        .filters(&gather(&args.filter));
    let answer: Value = call.fetch().await?;
    let mut volumes: Vec<View<'_>> = View::new(&answer).list("Volumes").collect();
    volumes.sort_by_key(|volume| volume.text("Name"));
    let rows: Vec<Row> = volumes.into_iter().map(row).collect();
    let format = context.format(args.format.as_deref(), "volumesFormat", args.quiet);
    let quiet = args.quiet.then_some("{{.Name}}");
    Listing {
        columns: COLUMNS,
        table: "{{.Driver}}\t{{.Name}}",
        quiet,
        format,
    }
    .print(&rows, out)?;
    Ok(0)
}

/// A volume as one row.
pub(crate) fn row(volume: View<'_>) -> Row {
    let usage = volume.at("UsageData");
    let (links, size) = if usage.is_there() {
        (
            usage.int("RefCount").to_string(),
            human_size(usage.float("Size"), 4),
        )
    } else {
        ("N/A".to_owned(), "N/A".to_owned())
    };
    Row::new()
        .with("Name", volume.text("Name"))
        .with("Driver", volume.text("Driver"))
        .with("Scope", volume.text("Scope"))
        .with("Mountpoint", volume.text("Mountpoint"))
        .with("Links", links)
        .with("Size", size)
        .with("Group", "N/A")
        .with("Availability", "N/A")
        .with("Status", "N/A")
        .labels(&volume.text_map("Labels"))
}

/// The fields of a row.
pub(crate) const COLUMNS: &[Column] = &[
    Column("Name", "VOLUME NAME"),
    Column("Driver", "DRIVER"),
    Column("Scope", "SCOPE"),
    Column("Availability", "AVAILABILITY"),
    Column("Mountpoint", "MOUNTPOINT"),
    Column("Labels", "LABELS"),
    Column("Links", "LINKS"),
    Column("Size", "SIZE"),
    Column("Group", "GROUP"),
    Column("Status", "STATUS"),
];
