//! Where certificates lie if nothing else is said.

use std::env;
use std::path::{Path, PathBuf};

use crate::args::TreeArgs;
use crate::failure::Failure;

/// The directory that holds `ca`, `server` and `client-NAME`.
pub(crate) fn tree(args: &TreeArgs) -> Result<PathBuf, Failure> {
    match &args.pki {
        Some(directory) => Ok(directory.clone()),
        None => default_tree(),
    }
}

/// The tree of this user.
pub(super) fn default_tree() -> Result<PathBuf, Failure> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/etc/lockgate/pki"));
    }
    let config = env::var_os("XDG_CONFIG_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let home = env::var_os("HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    config
        .or_else(|| home.map(|home| home.join(".config")))
        .map(|config| config.join("lockgate/pki"))
        .ok_or_else(|| Failure::new("HOME is not set: name a directory with --pki"))
}

/// The path as daemon.json and DOCKER_CERT_PATH need it.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_no_directory| path.to_owned())
}
