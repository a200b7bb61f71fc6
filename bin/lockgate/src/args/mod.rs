//! What was typed: one file per command family, clap structs only.

mod ca;
mod cert;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::failure::Failure;

pub(crate) use ca::{CaArgs, CaVerb};
pub(crate) use cert::{CertArgs, CertVerb};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "lockgate", about = "A container engine that you can expose", version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Verb,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Manage the certificate authority
    Ca(CaArgs),
    /// Issue and manage certificates
    Cert(CertArgs),
    /// Show the versions of client and server
    Version,
}

/// Reads the command line. Help and version come back as a failure with status 0.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, Failure> {
    let command = Cli::command();
    let matches = command.try_get_matches_from(words).map_err(|e| Failure::new(e.to_string()))?;
    Cli::from_arg_matches(&matches).map_err(|e| Failure::new(e.to_string()))
}
