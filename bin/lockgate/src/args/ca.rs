//! `lockgate ca …`: the certificate authority.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::enroll::{CrlArgs, RetireArgs, RotateArgs, ServeArgs, StatusArgs};
use super::keep::{BackupArgs, ReissueArgs, RestoreArgs, RootCrlArgs};

/// What is asked of the authority.
#[derive(Debug, Args)]
pub(crate) struct CaArgs {
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: CaVerb,
}

/// The verbs of `lockgate ca`.
#[derive(Debug, Subcommand)]
pub(crate) enum CaVerb {
    /// Put the whole authority into one encrypted file
    Backup(BackupArgs),
    /// Sign the revocation list anew
    Crl(CrlArgs),
    /// Make a certificate authority: a certificate and an encrypted key
    Init(InitArgs),
    /// Make an authority and the certificates of a server and its clients in one go
    Quick(QuickArgs),
    /// Put a new issuing authority below an offline root
    Reissue(ReissueArgs),
    /// Make an authority out of a backup
    Restore(RestoreArgs),
    /// End a rotation: the old root is believed no more
    Retire(RetireArgs),
    /// Sign the list of an offline root anew
    RootCrl(RootCrlArgs),
    /// Put a new root beside the old one; certificates move over as they are renewed
    Rotate(RotateArgs),
    /// Let servers and clients join, renew, and learn what is revoked
    Serve(ServeArgs),
    /// Show the roots, the revocation list, and who still needs the old root
    Status(StatusArgs),
}

/// `lockgate ca init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// What the authority is to be.
    #[command(flatten)]
    pub(crate) new: NewAuthorityArgs,
    /// Keep the root's key in this directory, to be taken away; an authority below it issues
    #[arg(long, value_name = "DIR")]
    pub(crate) offline_root: Option<PathBuf>,
    /// How many days the authority below an offline root is valid
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 397,
        requires = "offline_root"
    )]
    pub(crate) issuer_days: u32,
    /// Directory for ca.pem, ca-key.pem and issued.jsonl [default: the `ca` directory of the tree]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    /// Replace an authority that is there; what it issued stays valid, but cannot be renewed
    #[arg(long)]
    pub(crate) force: bool,
}

/// `lockgate ca quick`.
#[derive(Debug, Args)]
pub(crate) struct QuickArgs {
    /// Directory for `ca`, `server` and `client-NAME` [default: the tree of this user]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Name of a client; may be repeated [default: admin]
    #[arg(long = "client", value_name = "NAME")]
    pub(crate) clients: Vec<String>,
    /// The names of the server.
    #[command(flatten)]
    pub(crate) names: ServerNameArgs,
    /// What the authority is to be.
    #[command(flatten)]
    pub(crate) new: NewAuthorityArgs,
    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a new authority is to be.
#[derive(Debug, Args)]
pub(crate) struct NewAuthorityArgs {
    /// Name of the authority, as certificates and policies show it
    #[arg(long, value_name = "NAME", default_value = "Lockgate CA")]
    pub(crate) name: String,
    /// How many days the authority is valid
    #[arg(long, value_name = "DAYS", default_value_t = lockgate_pki::CA_DAYS_DEFAULT)]
    pub(crate) days: u32,
    /// Kind of key
    #[arg(long, value_name = "TYPE", default_value = "ecdsa-p256", value_parser = key_types())]
    pub(crate) key_type: String,
    /// Domain or network that the authority is confined to; may be repeated
    ///
    /// Everything else is refused by every client, even if the key is stolen. With domains alone, no
    /// IP address can be certified; name the networks too (`--permit localhost --permit 127.0.0.0/8`).
    #[arg(long = "permit", value_name = "DOMAIN|NETWORK")]
    pub(crate) permitted: Vec<String>,
    /// File with the passphrase for the key in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_CA_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Do not encrypt the key: whoever can read the file can make certificates for any host and client
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
}

/// Where certificates lie if nothing else is said.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Directory that holds `ca`, `server` and `client-NAME`
    /// [default: /etc/lockgate/pki for root, else ~/.config/lockgate/pki]
    #[arg(long, value_name = "DIR", env = "LOCKGATE_PKI")]
    pub(crate) pki: Option<PathBuf>,
}

/// The names of a server.
#[derive(Debug, Args)]
pub(crate) struct ServerNameArgs {
    /// Further name or address of the server; may be repeated, or a list with commas
    ///
    /// The names and addresses of this host are found and added by themselves.
    #[arg(long = "san", value_name = "NAME|IP")]
    pub(crate) names: Vec<String>,
    /// Use the names given with --san only
    #[arg(long, requires = "names")]
    pub(crate) no_detect: bool,
}

/// The kinds of keys, for help and completion.
pub(crate) fn key_types() -> PossibleValuesParser {
    PossibleValuesParser::new(lockgate_pki::KeyType::NAMES)
}
