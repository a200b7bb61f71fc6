//! `lockgate doctor`.

use std::path::PathBuf;

use clap::Args;

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Address of the daemon, such as tcp://host:2376 [default: the one every command speaks with]
    #[arg(value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Show how TLS and file modes stand against the CIS Docker Benchmark 1.6.0
    #[arg(long)]
    pub(crate) cis: bool,
    /// Look at files alone and connect to nothing
    #[arg(long)]
    pub(crate) files_only: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Look at the files of a machine whose root is mounted here
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/",
        hide_default_value = true
    )]
    pub(crate) root: PathBuf,
}
