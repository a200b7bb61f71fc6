//! `lockgate ca …`: the certificate authority.

use clap::{Args, Subcommand};

/// What is asked of the authority.
#[derive(Debug, Args)]
pub(crate) struct CaArgs {
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: CaVerb,
}

/// The verbs of `lockgate ca`.
#[derive(Debug, Subcommand)]
pub(crate) enum CaVerb {}
