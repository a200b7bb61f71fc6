//! `lockgate context …`.

use clap::{Args, Subcommand};

use super::value;

/// `context VERB`.
#[derive(Debug, Args)]
pub(crate) struct ContextGroup {
    #[command(subcommand)]
    pub(crate) verb: ContextVerb,
}

/// The verbs of `context`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextVerb {
    /// Create a context
    Create(ContextCreateArgs),
    /// Export a context to a tar archive FILE or a tar stream on STDOUT
    Export(ContextExportArgs),
    /// Import a context from a tar file
    Import(ContextImportArgs),
    /// Display detailed information on one or more contexts
    Inspect(ContextInspectArgs),
    /// List contexts
    #[command(visible_alias = "list")]
    Ls(ContextLsArgs),
    /// Remove one or more contexts
    #[command(visible_alias = "remove")]
    Rm(ContextRmArgs),
    /// Print the name of the current context
    Show,
    /// Update a context
    Update(ContextUpdateArgs),
    /// Set the current context
    Use(ContextUseArgs),
}

/// `context create`.
#[derive(Debug, Args)]
pub(crate) struct ContextCreateArgs {
    /// Description of the context
    #[arg(long, value_name = "string")]
    pub(crate) description: Option<String>,
    /// Set the docker endpoint: host, ca, cert, key, skip-tls-verify, from
    #[arg(long, value_name = "stringToString", value_delimiter = ',', value_parser = value::pair)]
    pub(crate) docker: Vec<(String, String)>,
    /// Create context from a named context
    #[arg(long, value_name = "string")]
    pub(crate) from: Option<String>,
    #[arg(value_name = "CONTEXT")]
    pub(crate) name: String,
}

/// `context update`.
#[derive(Debug, Args)]
pub(crate) struct ContextUpdateArgs {
    /// Description of the context
    #[arg(long, value_name = "string")]
    pub(crate) description: Option<String>,
    /// Set the docker endpoint: host, ca, cert, key, skip-tls-verify, from
    #[arg(long, value_name = "stringToString", value_delimiter = ',', value_parser = value::pair)]
    pub(crate) docker: Vec<(String, String)>,
    #[arg(value_name = "CONTEXT")]
    pub(crate) name: String,
}

/// `context export`.
#[derive(Debug, Args)]
pub(crate) struct ContextExportArgs {
    #[arg(value_name = "CONTEXT")]
    pub(crate) name: String,
    #[arg(value_name = "FILE|-")]
    pub(crate) file: Option<String>,
}

/// `context import`.
#[derive(Debug, Args)]
pub(crate) struct ContextImportArgs {
    #[arg(value_name = "CONTEXT")]
    pub(crate) name: String,
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
}

/// `context inspect`.
#[derive(Debug, Args)]
pub(crate) struct ContextInspectArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    #[arg(value_name = "CONTEXT")]
    pub(crate) names: Vec<String>,
}

/// `context rm`.
#[derive(Debug, Args)]
pub(crate) struct ContextRmArgs {
    /// Force the removal of a context in use
    #[arg(long, short)]
    pub(crate) force: bool,
    #[arg(value_name = "CONTEXT", required = true)]
    pub(crate) names: Vec<String>,
}

/// `context use`.
#[derive(Debug, Args)]
pub(crate) struct ContextUseArgs {
    #[arg(value_name = "CONTEXT")]
    pub(crate) name: String,
}

/// `context ls`.
#[derive(Debug, Args)]
pub(crate) struct ContextLsArgs {
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show context names only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}
