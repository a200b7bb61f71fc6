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
    /// Watch an identity, then print the least role that lets it do the same again
    Learn(LearnArgs),
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

/// `lockgate policy learn`.
#[derive(Debug, Args)]
pub(crate) struct LearnArgs {
    /// Whom to watch: a common name, or cn=NAME, uid=NUMBER, spki=HASH
    #[arg(long, value_name = "IDENTITY")]
    pub(crate) identity: String,
    /// How long; Ctrl-C ends it earlier
    #[arg(long = "for", value_name = "DURATION", default_value = "10m")]
    pub(crate) time: String,
    /// Name of the role that is printed [default: that of the identity]
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// Learn what was denied, too
    #[arg(long)]
    pub(crate) with_denied: bool,
}

/// `lockgate elevate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ElevateArgs {
    /// A common name, or cn=NAME, uid=NUMBER, spki=HASH
    #[arg(value_name = "IDENTITY", required_unless_present_any = ["list", "end"])]
    pub(crate) who: Option<String>,
    /// The role
    #[arg(value_name = "ROLE", required_unless_present_any = ["list", "end"])]
    pub(crate) role: Option<String>,
    /// How long, at most 24h
    #[arg(long = "for", value_name = "DURATION", default_value = "15m")]
    pub(crate) time: String,
    /// List what is lent
    #[arg(long, conflicts_with_all = ["who", "role", "end"])]
    pub(crate) list: bool,
    /// Take back what was lent
    #[arg(long, value_name = "ID", conflicts_with_all = ["who", "role"])]
    pub(crate) end: Option<String>,
}
