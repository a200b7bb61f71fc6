//! `lockgate ca backup`, `restore`, and what needs a root whose key is elsewhere.

use std::path::PathBuf;

use clap::Args;

use super::ca::{NewAuthorityArgs, TreeArgs};
use super::enroll::OwnAuthorityArgs;

/// `lockgate ca backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// File to write; it must not be there
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// File with the passphrase of the backup in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_BACKUP_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate ca restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The newest revocation list there is (crl.pem of any daemon): who is on it stays revoked
    #[arg(long, value_name = "FILE", required_unless_present = "without_crl")]
    pub(crate) crl: Option<PathBuf>,
    /// Restore without a list: whoever was revoked since the backup is let in again
    #[arg(long, conflicts_with = "crl")]
    pub(crate) without_crl: bool,
    /// File with the passphrase of the backup in its first line; `-` is standard input
    ///
    /// Without it the passphrase is taken from LOCKGATE_BACKUP_PASSPHRASE, or asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Directory to restore into; it must not be there [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate ca reissue`.
#[derive(Debug, Args)]
pub(crate) struct ReissueArgs {
    /// Directory of the root, as `lockgate ca init --offline-root` made it
    #[arg(long, value_name = "DIR")]
    pub(crate) offline_root: PathBuf,
    /// What the new issuing authority is to be; both keys have the passphrase of the root's.
    #[command(flatten)]
    pub(crate) new: NewAuthorityArgs,
    /// Directory of the authority [default: `ca` in the tree]
    #[arg(long = "ca", value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Where the tree lies.
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

/// `lockgate ca root-crl`.
#[derive(Debug, Args)]
pub(crate) struct RootCrlArgs {
    /// Directory of the root, as `lockgate ca init --offline-root` made it
    #[arg(long, value_name = "DIR")]
    pub(crate) offline_root: PathBuf,
    /// Serial number of an issuing authority to revoke, with everybody below it; may be repeated
    #[arg(long = "revoke", value_name = "SERIAL")]
    pub(crate) revoked: Vec<String>,
    /// The authority, whose list the root's list becomes a part of.
    #[command(flatten)]
    pub(crate) authority: OwnAuthorityArgs,
}
