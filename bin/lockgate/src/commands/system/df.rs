//! `system df`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use super::df_rows;
use crate::args::DfArgs;
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row};
use crate::output::Output;
use crate::spec::units::human_size;

/// Runs `system df`.
pub(crate) async fn run(context: &Context, args: &DfArgs, out: &mut Output) -> Outcome {
    let answer: Value = context.client.get("/system/df").fetch().await?;
    let answer = View::new(&answer);
    if args.verbose {
        return df_rows::verbose(answer, out);
    }
    let format = args.format.as_deref().unwrap_or("");
    let rows = [
        images(answer),
        containers(answer),
        volumes(answer),
        build_cache(answer),
    ];
    Listing {
        columns: COLUMNS,
        table: TABLE,
        quiet: None,
        format,
    }
    .print(&rows, out)?;
    Ok(0)
}

/// One line: how many, how many in use, how big, how much could be freed.
fn row(kind: &str, total: usize, active: usize, size: f64, reclaimable: f64, percent: bool) -> Row {
    let mut freed = human_size(reclaimable, 4);
    if percent && size > 0.0 {
        freed += &format!(" ({:.0}%)", (reclaimable * 100.0 / size).trunc());
    }
    Row::new()
        .with("Type", kind)
        .with("TotalCount", total.to_string())
        .with("Active", active.to_string())
        .with("Size", human_size(size, 4))
        .with("Reclaimable", freed)
}

fn images(answer: View<'_>) -> Row {
    let images: Vec<View<'_>> = answer.list("Images").collect();
    let used = images.iter().filter(|image| image.int("Containers") > 0);
    let in_use: f64 = used
        .clone()
        .map(|image| image.float("Size") - image.float("SharedSize").max(0.0))
        .sum();
    let size = answer.float("LayersSize");
    row(
        "Images",
        images.len(),
        used.count(),
        size,
        (size - in_use).max(0.0),
        true,
    )
}

fn containers(answer: View<'_>) -> Row {
    let containers: Vec<View<'_>> = answer.list("Containers").collect();
    let is_active = |container: &&View<'_>| {
        let state = container.text("State");
        ["running", "paused", "restarting"].contains(&state)
    };
    let active = containers.iter().filter(is_active).count();
    let size: f64 = containers
        .iter()
        .map(|container| container.float("SizeRw"))
        .sum();
    let idle = containers.iter().filter(|container| !is_active(container));
    let freed: f64 = idle.map(|container| container.float("SizeRw")).sum();
    row("Containers", containers.len(), active, size, freed, true)
}

fn volumes(answer: View<'_>) -> Row {
    let volumes: Vec<View<'_>> = answer
        .list("Volumes")
        .map(|volume| volume.at("UsageData"))
        .collect();
    let known = |usage: &&View<'_>| usage.int("Size") != -1;
    let active = volumes
        .iter()
        .filter(|usage| usage.int("RefCount") > 0)
        .count();
    let size: f64 = volumes
        .iter()
        .filter(known)
        .map(|usage| usage.float("Size"))
        .sum();
    let unused = volumes
        .iter()
        .filter(known)
        .filter(|usage| usage.int("RefCount") == 0);
    let freed: f64 = unused.map(|usage| usage.float("Size")).sum();
    row("Local Volumes", volumes.len(), active, size, freed, true)
}

fn build_cache(answer: View<'_>) -> Row {
    let entries: Vec<View<'_>> = answer.list("BuildCache").collect();
    let active = entries.iter().filter(|entry| entry.is("InUse")).count();
    let own = || entries.iter().filter(|entry| !entry.is("Shared"));
    let size: f64 = own().map(|entry| entry.float("Size")).sum();
    let in_use: f64 = own()
        .filter(|entry| entry.is("InUse"))
        .map(|e| e.float("Size"))
        .sum();
    row(
        "Build Cache",
        entries.len(),
        active,
        size,
        size - in_use,
        false,
    )
}

const COLUMNS: &[Column] = &[
    Column("Type", "TYPE"),
    Column("TotalCount", "TOTAL"),
    Column("Active", "ACTIVE"),
    Column("Size", "SIZE"),
    Column("Reclaimable", "RECLAIMABLE"),
];
const TABLE: &str = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
