//! `system df -v`: every object.

use super::super::container::summary;
use super::super::image::rows;
use super::super::view::View;
use super::super::volume::ls;
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row, short_id, time};
use crate::output::Output;
use crate::spec::units::human_size;

/// Prints all tables.
pub(super) fn verbose(answer: View<'_>, out: &mut Output) -> Outcome {
    let table = |columns: &[Column], table: &str, rows: &[Row], out: &mut Output| {
        Listing {
            columns,
            table,
            quiet: None,
            format: "",
        }
        .print(rows, out)
    };
    out.line("Images space usage:\n")?;
    let images: Vec<Row> = answer
        .list("Images")
        .flat_map(|image| rows::rows(image, true, false))
        .collect();
    table(rows::COLUMNS, IMAGES, &images, out)?;
    out.line("\nContainers space usage:\n")?;
    let containers: Vec<Row> = answer.list("Containers").map(container).collect();
    table(summary::COLUMNS, CONTAINERS, &containers, out)?;
    out.line("\nLocal Volumes space usage:\n")?;
    let volumes: Vec<Row> = answer.list("Volumes").map(ls::row).collect();
    table(ls::COLUMNS, VOLUMES, &volumes, out)?;
    let own = answer
        .list("BuildCache")
        .filter(|entry| !entry.is("Shared"));
    let total: f64 = own.map(|entry| entry.float("Size")).sum();
    out.line(format!("\nBuild cache usage: {}\n", human_size(total, 4)))?;
    let cache: Vec<Row> = answer.list("BuildCache").map(cache_entry).collect();
    table(CACHE_COLUMNS, CACHE, &cache, out)?;
    Ok(0)
}

fn container(container: View<'_>) -> Row {
    summary::row(container, true).with("Size", human_size(container.float("SizeRw"), 3))
}

fn cache_entry(entry: View<'_>) -> Row {
    let age = |field: &str| {
        time::parse(entry.text(field)).map_or_else(String::new, |t| time::ago(t.unix_timestamp()))
    };
    Row::new()
        .with("ID", short_id(entry.text("ID")))
        .with("CacheType", entry.text("Type"))
        .with("Size", human_size(entry.float("Size"), 3))
        .with("CreatedSince", age("CreatedAt"))
        .with("LastUsedSince", age("LastUsedAt"))
        .with("UsageCount", entry.int("UsageCount").to_string())
        .with("Shared", entry.is("Shared").to_string())
}

const IMAGES: &str = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t\
                      {{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINERS: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t\
                          {{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const VOLUMES: &str = "{{.Name}}\t{{.Links}}\t{{.Size}}";
const CACHE: &str = "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t\
                     {{.UsageCount}}\t{{.Shared}}";
const CACHE_COLUMNS: &[Column] = &[
    Column("ID", "CACHE ID"),
    Column("CacheType", "CACHE TYPE"),
    Column("Size", "SIZE"),
    Column("CreatedSince", "CREATED"),
    Column("LastUsedSince", "LAST USED"),
    Column("UsageCount", "USAGE"),
    Column("Shared", "SHARED"),
];
