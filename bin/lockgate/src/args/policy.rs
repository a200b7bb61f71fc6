//! `lockgate policy …`: what a policy file says.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is asked about a policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: PolicyVerb,
}

/// The verbs of `lockgate policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// Read a policy file as the daemon would
    Check(PolicyFileArgs),
    /// Say which rule decides a command, and why
    Explain(ExplainArgs),
    /// Name the identities that can become root on the host
    Roots(RootsArgs),
    /// Try the cases that a policy file has for itself
    Test(PolicyFileArgs),
}

/// `lockgate policy check` and `test`.
#[derive(Debug, Args)]
pub(crate) struct PolicyFileArgs {
    /// The policy file
    #[arg(value_name = "FILE", default_value = "/etc/lockgate/policy.toml")]
    pub(crate) file: PathBuf,
}

/// `lockgate policy roots`.
#[derive(Debug, Args)]
pub(crate) struct RootsArgs {
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = "/etc/lockgate/policy.toml")]
    pub(crate) policy: PathBuf,
}

/// `lockgate policy explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = "/etc/lockgate/policy.toml")]
    pub(crate) policy: PathBuf,
    /// A common name, or uid=…, gid=…, cn=…, ou=…, o=…, san=…, serial=…, spki=…, several with commas
    #[arg(value_name = "IDENTITY")]
    pub(crate) who: String,
    /// A docker command line in one word
    #[arg(value_name = "COMMAND")]
    pub(crate) does: String,
}
