//! A set of files that joined: what `cert` writes, and where its authority is.

use std::path::{Path, PathBuf};

use lockgate_enroll::{Credentials, Granted, Trusting};
use lockgate_pki::{
    CertificateInfo, FileSet, Overwrite, PrivateKey, StagedSet, certificates, settle, stage,
};
use serde::{Deserialize, Serialize};

use crate::commands::ca::told;
use crate::failure::Failure;

/// `authority.json`: where a set came from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Origin {
    /// `HOST:PORT`.
    pub(super) address: String,
}

impl Origin {
    /// Reads it; a set that was made with `lockgate cert` has none.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read(directory.join(ORIGIN)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Writes what was granted, all or nothing.
pub(super) fn write(
    directory: &Path,
    granted: &Granted,
    key: &PrivateKey,
    origin: &Origin,
    overwrite: Overwrite,
) -> Result<(), Failure> {
    let json = serde_json::to_string(origin).map_err(told)?;
    let files = FileSet::default()
        .certificate("ca.pem", &granted.ca)
        .certificate("cert.pem", &granted.certificate)
        .key("key.pem", key.to_pem().expose())
        .certificate("crl.pem", &granted.crl)
        .state(ORIGIN, &(json + "\n"));
    stage(&[(directory, files)], overwrite)
        .and_then(StagedSet::commit)
        .map_err(told)
}

/// What is needed to renew a set.
pub(super) struct Current {
    pub(super) info: CertificateInfo,
    pub(super) credentials: Credentials,
    pub(super) trusting: Trusting,
    pub(super) key: PrivateKey,
}

/// Reads a set.
pub(super) fn read(directory: &Path) -> Result<Current, Failure> {
    settle(directory).map_err(told)?;
    let file = |name: &str| directory.join(name);
    let chain = certificates(&file("cert.pem")).map_err(told)?;
    let infos = CertificateInfo::read(&file("cert.pem")).map_err(told)?;
    let info = infos.into_iter().next();
    let key = PrivateKey::read(&file("key.pem"), None).map_err(told)?;
    Ok(Current {
        info: info.ok_or_else(|| Failure::new("cert.pem holds no certificate"))?,
        credentials: Credentials {
            chain,
            key: key.to_der(),
        },
        trusting: Trusting::Roots(certificates(&file("ca.pem")).map_err(told)?),
        key,
    })
}

/// The sets below a tree that joined.
pub(super) fn joined(tree: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tree).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join(ORIGIN).exists())
        .collect();
    found.sort();
    found
}

const ORIGIN: &str = "authority.json";
