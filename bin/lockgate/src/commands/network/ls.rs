//! `network ls`.

use serde_json::Value;

use super::super::context::Context;
use super::super::view::View;
use crate::args::{NetworkLsArgs, gather};
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row, short_id};
use crate::output::Output;

/// Runs `network ls`.
pub(crate) async fn run(context: &Context, args: &NetworkLsArgs, out: &mut Output) -> Outcome {
    let call = context
        .client
        .get("/networks")
        .filters(&gather(&args.filter));
    let answer: Value = call.fetch().await?;
    let mut networks: Vec<View<'_>> = View::new(&answer).items().collect();
    networks.sort_by_key(|network| network.text("Name"));
    let rows: Vec<Row> = networks
        .into_iter()
        .map(|n| row(n, !args.no_trunc))
        .collect();
    let format = context.format(args.format.as_deref(), "networksFormat", args.quiet);
    let quiet = args.quiet.then_some("{{.ID}}");
    Listing {
        columns: COLUMNS,
        table: TABLE,
        quiet,
        format,
    }
    .print(&rows, out)?;
    Ok(0)
}

fn row(network: View<'_>, trunc: bool) -> Row {
    let id = network.text("Id");
    let created = network.text("Created");
    let created = created.replacen('T', " ", 1);
    let created = created
        .strip_suffix('Z')
        .map_or_else(|| created.clone(), |text| format!("{text} +0000 UTC"));
    Row::new()
        .with("ID", if trunc { short_id(id) } else { id.to_owned() })
        .with("Name", network.text("Name"))
        .with("Driver", network.text("Driver"))
        .with("Scope", network.text("Scope"))
        .with("IPv4", network.is("EnableIPv4").to_string())
        .with("IPv6", network.is("EnableIPv6").to_string())
        .with("Internal", network.is("Internal").to_string())
        .with("CreatedAt", created)
        .labels(&network.text_map("Labels"))
}

const COLUMNS: &[Column] = &[
    Column("ID", "NETWORK ID"),
    Column("Name", "NAME"),
    Column("Driver", "DRIVER"),
    Column("Scope", "SCOPE"),
    Column("IPv4", "IPV4"),
    Column("IPv6", "IPV6"),
    Column("Internal", "INTERNAL"),
    Column("Labels", "LABELS"),
    Column("CreatedAt", "CREATED AT"),
];
const TABLE: &str = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
