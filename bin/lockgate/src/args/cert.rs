//! `lockgate cert …`: certificates of servers and clients.

use clap::{Args, Subcommand};

/// What is asked about certificates.
#[derive(Debug, Args)]
pub(crate) struct CertArgs {
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: CertVerb,
}

/// The verbs of `lockgate cert`.
#[derive(Debug, Subcommand)]
pub(crate) enum CertVerb {}
