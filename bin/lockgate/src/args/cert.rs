//! `lockgate cert …`: certificates of servers and clients.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ca::{ServerNameArgs, TreeArgs, key_types};
use super::enroll::{CertListArgs, RevokeArgs, UnrevokeArgs};

/// What is asked about certificates.
#[derive(Debug, Args)]
pub(crate) struct CertArgs {
    /// The verb.
    #[command(subcommand)]
    pub(crate) verb: CertVerb,
}

/// The verbs of `lockgate cert`.
#[derive(Debug, Subcommand)]
pub(crate) enum CertVerb {
    /// Issue a certificate for a client: ca.pem, cert.pem and key.pem
    Client(ClientArgs),
    /// Write a client's certificate and key as one PKCS#12 file, for browsers
    Export(CertExportArgs),
    /// List what was issued, to whom, and how it stands
    #[command(alias = "ls")]
    List(CertListArgs),
    /// Lock out a client or a server: from new connections, and from those that are open
    Revoke(RevokeArgs),
    /// Issue a certificate for a server: ca.pem, cert.pem and key.pem
    Server(ServerArgs),
    /// Show what the certificates in a file say
    Show(ShowArgs),
    /// Let in again who was revoked with reason certificateHold
    Unrevoke(UnrevokeArgs),
    /// Check that a set of files would work: chain, purpose, dates, names, key and permissions
    Verify(VerifyArgs),
}

/// `lockgate cert server`.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The names.
    #[command(flatten)]
    pub(crate) names: ServerNameArgs,
    /// What every certificate has.
    #[command(flatten)]
    pub(crate) leaf: LeafArgs,
}

/// `lockgate cert client`.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Who the client is
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Organisation, for policies that speak of one
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Option<String>,
    /// Organisational unit, for policies that speak of one
    #[arg(long, value_name = "NAME")]
    pub(crate) unit: Option<String>,
    /// Role of the client on every daemon of this authority; its certificate carries it
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// Policy of the daemons, which must know the role; without the file, the built-in ones count
    #[arg(long, value_name = "FILE", default_value = "/etc/lockgate/policy.toml")]
    pub(crate) policy: PathBuf,
    /// What every certificate has.
    #[command(flatten)]
    pub(crate) leaf: LeafArgs,
}

/// `lockgate cert export`.
#[derive(Debug, Args)]
pub(crate) struct CertExportArgs {
    /// Who the client is
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// File to write; it must not be there
    #[arg(long, value_name = "FILE")]
    pub(crate) p12: PathBuf,
    /// Directory with ca.pem, cert.pem and key.pem [default: `client-NAME` in the tree]
    #[arg(long, value_name = "DIR")]
    pub(crate) set: Option<PathBuf>,
    /// File with the passphrase for the new file in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_EXPORT_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// What every certificate for a server or client has.
#[derive(Debug, Args)]
pub(crate) struct LeafArgs {
    /// Directory for the files
    ///
    /// [default: `server` or `client-NAME` in the tree, or in the current directory with --ca-cert]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How many days it is valid, at most 90 [default: 90, or until the authority ends]
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,
    /// Kind of key
    #[arg(long, value_name = "TYPE", default_value = "ecdsa-p256", value_parser = key_types())]
    pub(crate) key_type: String,
    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
    /// The authority.
    #[command(flatten)]
    pub(crate) authority: AuthorityArgs,
}

/// The authority that issues.
#[derive(Debug, Args)]
pub(crate) struct AuthorityArgs {
    /// Certificate of an existing authority, such as one made with openssl
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Its private key: PKCS#8 (encrypted or not), PKCS#1 or SEC1
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    pub(crate) ca_key: Option<PathBuf>,
    /// File with the passphrase of the authority's key in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_CA_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate cert show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// PEM files with certificates
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Print a JSON array with one object for each certificate
    #[arg(long)]
    pub(crate) json: bool,
}

/// `lockgate cert verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Directory with ca.pem, cert.pem and key.pem [default: the current one]
    #[arg(value_name = "DIR", conflicts_with = "cert")]
    pub(crate) directory: Option<PathBuf>,
    /// Certificate of the authority, instead of DIR/ca.pem
    #[arg(long, value_name = "FILE", alias = "tlscacert", alias = "ca-cert")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificate to check, instead of DIR/cert.pem
    #[arg(long, value_name = "FILE", alias = "tlscert", requires = "ca")]
    pub(crate) cert: Option<PathBuf>,
    /// Its key, instead of DIR/key.pem; with --cert it is checked only if given
    #[arg(long, value_name = "FILE", alias = "tlskey")]
    pub(crate) key: Option<PathBuf>,
    /// Name or address that clients use for the server; may be repeated
    #[arg(long = "host", value_name = "NAME|IP")]
    pub(crate) hosts: Vec<String>,
    /// What it must be good for [default: what it says]
    #[arg(long, value_enum, value_name = "PURPOSE")]
    pub(crate) purpose: Option<PurposeArg>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a certificate must be good for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PurposeArg {
    /// Proving who connects
    Client,
    /// Proving which host answers
    Server,
}
