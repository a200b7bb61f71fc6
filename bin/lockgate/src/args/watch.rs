//! Commands that look at many containers.

use clap::Args;

use super::value;

/// `ps`, `container ls`.
#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// Show all containers (default shows just running)
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Show only what meets the conditions
    #[arg(long, short, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show the last created containers, this many (includes all states)
    #[arg(long, short = 'n', value_name = "int", default_value = "-1",
          value_parser = value::integer)]
    pub(crate) last: i64,
    /// Show the latest created container (includes all states)
    #[arg(long, short)]
    pub(crate) latest: bool,
    /// Do not shorten output
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Show container IDs only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Show total file sizes
    #[arg(long, short)]
    pub(crate) size: bool,
}

/// `stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Show all containers (default shows just running)
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show the first result and end
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// Do not shorten output
    #[arg(long)]
    pub(crate) no_trunc: bool,
    #[arg(value_name = "[CONTAINER...]")]
    pub(crate) containers: Vec<String>,
}
