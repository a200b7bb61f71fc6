//! Commands about volumes.

use clap::{Args, Subcommand};

use super::{PruneArgs, value};

/// `volume VERB`.
#[derive(Debug, Args)]
pub(crate) struct VolumeGroup {
    #[command(subcommand)]
    pub(crate) verb: VolumeVerb,
}

/// The verbs of `volume`.
#[derive(Debug, Subcommand)]
pub(crate) enum VolumeVerb {
    /// Create a volume
    Create(VolumeCreateArgs),
    /// Show everything about volumes
    Inspect(VolumeInspectArgs),
    /// List volumes
    #[command(visible_alias = "list")]
    Ls(VolumeLsArgs),
    /// Remove unused local volumes
    Prune(VolumePruneArgs),
    /// Remove volumes
    #[command(visible_alias = "remove")]
    Rm(VolumeRmArgs),
}

/// `volume create`.
#[derive(Debug, Args)]
pub(crate) struct VolumeCreateArgs {
    /// Volume driver
    #[arg(long, short, value_name = "string", default_value = "local")]
    pub(crate) driver: String,
    /// Set a label
    #[arg(long, value_name = "list")]
    pub(crate) label: Vec<String>,
    /// Name of the volume
    #[arg(long, value_name = "string", hide = true)]
    pub(crate) name: Option<String>,
    /// Set an option of the driver
    #[arg(long, short, value_name = "map")]
    pub(crate) opt: Vec<String>,
    #[arg(value_name = "[VOLUME]")]
    pub(crate) volume: Option<String>,
}

/// `volume inspect`.
#[derive(Debug, Args)]
pub(crate) struct VolumeInspectArgs {
    /// Format the output with a Go template, or as 'json'
    #[arg(long, short, value_name = "string")]
    pub(crate) format: Option<String>,
    #[arg(value_name = "VOLUME [VOLUME...]", required = true)]
    pub(crate) names: Vec<String>,
}

/// `volume ls`.
#[derive(Debug, Args)]
pub(crate) struct VolumeLsArgs {
    /// Show only what meets the conditions, such as "dangling=true"
    #[arg(long, short, value_name = "filter", value_parser = value::filter)]
    pub(crate) filter: Vec<(String, String)>,
    /// Format the output with a Go template, 'table', 'table TEMPLATE' or 'json'
    #[arg(long, value_name = "string")]
    pub(crate) format: Option<String>,
    /// Show volume names only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `volume prune`.
#[derive(Debug, Args)]
pub(crate) struct VolumePruneArgs {
    /// Remove all unused volumes, not just anonymous ones
    #[arg(long, short)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
}

/// `volume rm`.
#[derive(Debug, Args)]
pub(crate) struct VolumeRmArgs {
    /// Do not mind if a volume is missing
    #[arg(long, short)]
    pub(crate) force: bool,
    #[arg(value_name = "VOLUME [VOLUME...]", required = true)]
    pub(crate) volumes: Vec<String>,
}
