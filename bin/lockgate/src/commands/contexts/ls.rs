//! `context ls`.

use crate::args::ContextLsArgs;
use crate::commands::context::Context;
use crate::failure::Outcome;
use crate::format::{Column, Listing, Row};
use crate::output::Output;

/// Lists them, the default one first.
pub(super) fn run(context: &Context, args: &ContextLsArgs, out: &mut Output) -> Outcome {
    let current = context.client.endpoint();
    let is_default = current.context == "default";
    let default_host = if is_default { current.url.as_str() } else { "" };
    let about = "Current DOCKER_HOST based configuration";
    let mut rows = vec![row(args, "default", about, default_host, is_default)];
    for known in context.config.contexts() {
        let is_current = known.name == current.context;
        rows.push(row(
            args,
            &known.name,
            &known.description,
            &known.host,
            is_current,
        ));
    }
    let format = args.format.as_deref().unwrap_or("");
    let quiet = args.quiet.then_some("{{.Name}}");
    Listing {
        columns: COLUMNS,
        table: TABLE,
        quiet,
        format,
    }
    .print(&rows, out)?;
    Ok(0)
}

fn row(args: &ContextLsArgs, name: &str, about: &str, host: &str, is_current: bool) -> Row {
    let is_table = args
        .format
        .as_deref()
        .is_none_or(|f| f.is_empty() || f.starts_with("table"));
    let star = if is_current && is_table && !args.quiet {
        " *"
    } else {
        ""
    };
    Row::new()
        .with("Name", format!("{name}{star}"))
        .with("Current", is_current.to_string())
        .with("Description", about)
        .with("DockerEndpoint", host)
        .with("Error", "")
}

const COLUMNS: &[Column] = &[
    Column("Name", "NAME"),
    Column("Current", "CURRENT"),
    Column("Description", "DESCRIPTION"),
    Column("DockerEndpoint", "DOCKER ENDPOINT"),
    Column("Error", "ERROR"),
];
const TABLE: &str = "{{.Name}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}";
