//! `lockgate dockerd …`: care for a stock dockerd.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `dockerd VERB`.
#[derive(Debug, Args)]
pub(crate) struct DockerdGroup {
    #[command(subcommand)]
    pub(crate) verb: DockerdVerb,
}

/// The verbs of `dockerd`.
#[derive(Debug, Subcommand)]
pub(crate) enum DockerdVerb {
    /// Put a stock dockerd behind mutual TLS: daemon.json and, where it must be, override.conf
    Configure(ConfigureArgs),
}

/// `dockerd configure`.
#[derive(Debug, Args)]
pub(crate) struct ConfigureArgs {
    /// Address to listen on beside the ones that are set, such as tcp://0.0.0.0:2376
    #[arg(long = "host", value_name = "ADDRESS")]
    pub(crate) hosts: Vec<String>,
    /// Directory with ca.pem, cert.pem and key.pem of the server, such as pki/server
    #[arg(long, value_name = "DIR")]
    pub(crate) certs: Option<PathBuf>,
    /// Apply what is shown
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Bring back the files as they were before
    #[arg(long, conflicts_with_all = ["hosts", "certs"])]
    pub(crate) undo: bool,
    /// Change the files of a machine whose root is mounted here
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/",
        hide_default_value = true
    )]
    pub(crate) root: PathBuf,
}
