//! Commands about the daemon, and about this program.

use clap::{Args, Subcommand};

use super::value;

/// `system VERB`.
#[derive(Debug, Args)]
pub(crate) struct SystemGroup {
    #[command(subcommand)]
    pub(crate) verb: SystemVerb,
}

/// The verbs of `system`.
#[derive(Debug, Subcommand)]
pub(crate) enum SystemVerb {
    /// Show disk usage
    Df(DfArgs),
    /// Connect STDIN and STDOUT with the daemon, for clients that come by ssh
    #[command(hide = true)]
    DialStdio,
    /// Follow what happens in the daemon
    Events(EventsArgs),
    /// Show what the daemon says about itself
    Info(InfoArgs),
    /// Remove unused data
    Prune(SystemPruneArgs),
}

/// `completion`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `manual`.
#[derive(Debug, Args)]
pub(crate) struct ManualArgs {
    #[arg(value_name = "DIR")]
    pub(crate) folder: std::path::PathBuf,
}

/// `system df`.
#[derive(Debug, Args)]
pub(crate) struct DfArgs {
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show every object
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Show only what meets the conditions
    #[arg(long, short, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Format the output with a Go template, or as 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show events since a time or an age
    #[arg(long, value_name = "string")]
    pub(crate) since: Option<String>,
    /// Show events until a time or an age, and end
    #[arg(long, value_name = "string")]
    pub(crate) until: Option<String>,
}

/// `info`.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
}

/// `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show total file sizes if it is a container
    #[arg(long, short)]
    pub(crate) size: bool,
    /// Look for objects of this type only
    #[arg(long = "type", value_name = "string")]
    pub(crate) kind: Option<String>,
    #[arg(value_name = "NAME|ID [NAME|ID...]", required = true)]
    pub(crate) names: Vec<String>,
}

/// `system prune`.
#[derive(Debug, Args)]
pub(crate) struct SystemPruneArgs {
    /// Remove all unused images, not just untagged ones
    #[arg(long, short)]
    pub(crate) all: bool,
    /// Prune only what meets the conditions, such as "label=KEY=VALUE"
    #[arg(long, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Do not ask first
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Prune anonymous volumes
    #[arg(long)]
    pub(crate) volumes: bool,
}

/// `version`.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
}
