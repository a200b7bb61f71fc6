//! `lockgate invite`, `join`, `renew`, and what an authority does while it lives.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

use super::ca::{NewAuthorityArgs, ServerNameArgs, TreeArgs, key_types};
use super::value;

/// Which authority, and how to open it.
#[derive(Debug, Args)]
pub(crate) struct OwnAuthorityArgs {
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// File with the passphrase of the authority's key in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_CA_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate ca serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:2378")]
    pub(crate) listen: SocketAddr,
    /// What tokens tell applicants to dial [default: the first name of this host]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) advertise: Option<String>,
    /// The names of the service.
    #[command(flatten)]
    pub(crate) names: ServerNameArgs,
    /// For how many days after its end a certificate may still be renewed
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(..=i64::from(lockgate_pki::GRACE_DAYS_MAX)))]
    pub(crate) grace: u32,
    /// How many days a revocation list is good; it is signed anew after half of them
    #[arg(long, value_name = "DAYS", default_value_t = lockgate_pki::CRL_DAYS_DEFAULT)]
    pub(crate) crl_days: u32,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

/// `lockgate ca crl`.
#[derive(Debug, Args)]
pub(crate) struct CrlArgs {
    /// How many days the list is good
    #[arg(long, value_name = "DAYS", default_value_t = lockgate_pki::CRL_DAYS_DEFAULT)]
    pub(crate) days: u32,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

/// `lockgate ca rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// What the new root is to be; its passphrase is that of the old one.
    #[command(flatten)]
    pub(crate) new: NewAuthorityArgs,
    /// Keep the new root's key in this directory, to be taken away; an authority below it issues
    ///
    /// The key of an old root that is elsewhere is not needed.
    #[arg(long, value_name = "NEWDIR")]
    pub(crate) offline_root: Option<PathBuf>,
    /// How many days the authority below an offline root is valid
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 397,
        requires = "offline_root"
    )]
    pub(crate) issuer_days: u32,
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate ca status`, `lockgate ca retire`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

/// `lockgate ca retire`.
#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    /// Retire the old root although somebody still needs it: they are locked out
    #[arg(long)]
    pub(crate) force: bool,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

/// `lockgate invite`.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// For whom.
    #[command(subcommand)]
    pub(crate) verb: InviteVerb,
}

/// For whom an invitation is.
#[derive(Debug, Subcommand)]
pub(crate) enum InviteVerb {
    /// Invite a client: prints a token for `lockgate join`
    Client(InviteClientArgs),
    /// Invite a server: prints a token for `lockgate join`
    Server(InviteServerArgs),
}

/// What every invitation has.
#[derive(Debug, Args)]
pub(crate) struct InvitationArgs {
    /// How long the token is good (15m, 1h; at most 7 days)
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = value::duration)]
    pub(crate) ttl: i64,
    /// Where the authority can be reached [default: what `lockgate ca serve` said]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Option<String>,
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate invite client`.
#[derive(Debug, Args)]
pub(crate) struct InviteClientArgs {
    /// Who the client is
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Role of the client on every daemon of this authority; its certificate carries it
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// Policy of the daemons, which must know the role; without the file, the built-in ones count
    #[arg(long, value_name = "FILE", default_value = "/etc/lockgate/policy.toml")]
    pub(crate) policy: PathBuf,
    /// Daemon for the client's Docker context, as tcp://HOST:PORT; may be repeated
    /// [default: the daemons that joined]
    #[arg(long = "daemon", value_name = "URL")]
    pub(crate) daemons: Vec<String>,
    /// Organisation, for policies that speak of one
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Option<String>,
    /// Organisational unit, for policies that speak of one
    #[arg(long, value_name = "NAME")]
    pub(crate) unit: Option<String>,
    /// The invitation.
    #[command(flatten)]
    pub(crate) invitation: InvitationArgs,
}

/// `lockgate invite server`.
#[derive(Debug, Args)]
pub(crate) struct InviteServerArgs {
    /// The names and addresses that clients reach the server by
    #[arg(value_name = "NAME|IP", required = true)]
    pub(crate) names: Vec<String>,
    /// The invitation.
    #[command(flatten)]
    pub(crate) invitation: InvitationArgs,
}

/// `lockgate join`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The token; `-` reads it from standard input, where no other user sees it
    #[arg(value_name = "TOKEN")]
    pub(crate) token: String,
    /// Directory for ca.pem, cert.pem and key.pem [default: `server` or `client-NAME` in the tree]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Kind of key
    #[arg(long, value_name = "TYPE", default_value = "ecdsa-p256", value_parser = key_types())]
    pub(crate) key_type: String,
    /// Name of the Docker context [default: the daemon's name]
    #[arg(long = "context-name", value_name = "NAME")]
    pub(crate) context_name: Option<String>,
    /// Make no Docker context
    #[arg(long)]
    pub(crate) no_context: bool,
    /// Make the context, and do not switch to it
    #[arg(long)]
    pub(crate) no_use: bool,
    /// daemon.json to write the TLS settings of a server into
    #[arg(long, value_name = "FILE", default_value = "/etc/lockgate/daemon.json")]
    pub(crate) daemon_json: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate renew`.
#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// Directory with ca.pem, cert.pem and key.pem [default: every set in the tree that joined]
    #[arg(value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,
    /// Renew the server's set; lockgated does so by itself when it knows its authority
    #[arg(long, conflicts_with = "directories")]
    pub(crate) daemon: bool,
    /// Renew although less than two thirds of the time are over
    #[arg(long)]
    pub(crate) force: bool,
    /// Keep the key; without it a new one is made
    #[arg(long)]
    pub(crate) keep_key: bool,
    /// Where the authority can be reached [default: where the set joined]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Option<String>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate cert revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Name of a client or server, or a serial number in hex
    #[arg(value_name = "NAME|SERIAL", required_unless_present_any = ["certificates", "unrecorded"])]
    pub(crate) who: Vec<String>,
    /// The certificate in this file, whether or not the record knows it; may be repeated
    #[arg(long = "certificate", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    /// A serial number that the record does not know: issued after the backup that was restored; may be repeated
    #[arg(long, value_name = "SERIAL")]
    pub(crate) unrecorded: Vec<String>,
    /// Why; `certificateHold` can be taken back
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reasons())]
    pub(crate) reason: String,
    /// How many days the new revocation list is good
    #[arg(long, value_name = "DAYS", default_value_t = lockgate_pki::CRL_DAYS_DEFAULT)]
    pub(crate) crl_days: u32,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

fn reasons() -> PossibleValuesParser {
    PossibleValuesParser::new(lockgate_pki::Reason::NAMES)
}

/// `lockgate cert unrevoke`.
#[derive(Debug, Args)]
pub(crate) struct UnrevokeArgs {
    /// Name of a client or server, or a serial number in hex
    #[arg(value_name = "NAME|SERIAL", required = true)]
    pub(crate) who: Vec<String>,
    /// How many days the new revocation list is good
    #[arg(long, value_name = "DAYS", default_value_t = lockgate_pki::CRL_DAYS_DEFAULT)]
    pub(crate) crl_days: u32,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}

/// `lockgate cert list`.
#[derive(Debug, Args)]
pub(crate) struct CertListArgs {
    /// `table`, or `json` for an object a line
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: ListFormat,
    /// Only certificates that are valid, expired, held or revoked
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(["valid", "expired", "held", "revoked"]))]
    pub(crate) state: Option<String>,
    /// Only this identity
    #[arg(long, value_name = "NAME")]
    pub(crate) identity: Option<String>,
    /// Only clients, or only servers
    #[arg(long, value_name = "PURPOSE", value_parser = PossibleValuesParser::new(["client", "server"]))]
    pub(crate) purpose: Option<String>,
    /// Days before its end that a valid certificate is marked
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    pub(crate) warn_days: u32,
    /// Only what ends within this many days
    #[arg(long, value_name = "DAYS")]
    pub(crate) expires_within: Option<u32>,
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// One JSON object a line
    Json,
    /// Columns
    Table,
}

/// `lockgate reload`.
#[derive(Debug, Args)]
pub(crate) struct ReloadArgs {
    /// File with the process id of the daemon
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/run/lockgate/lockgated.pid"
    )]
    pub(crate) pidfile: PathBuf,
}
