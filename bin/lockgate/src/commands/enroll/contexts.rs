//! Docker contexts, as `docker context create` writes them.

use std::fs;
use std::path::Path;

use lockgate_pki::{FileSet, Overwrite, StagedSet, stage};
use serde_json::json;

use crate::commands::ca::told;
use crate::contexts::{Contexts, Stored, TlsFile, check_name};
use crate::failure::Failure;

/// The host's name as a context's: `tcp://daemon:2376` becomes `daemon`.
pub(super) fn name_of(host: &str) -> String {
    let bare = host.trim_start_matches("tcp://");
    let bare = bare.rsplit_once(':').map_or(bare, |(name, _)| name);
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = bare.chars().map(fits).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match name {
        "" | "default" => "lockgate".to_owned(),
        name => name.to_owned(),
    }
}

/// Writes a context and copies of the files it needs.
pub(super) fn write(folder: &Path, name: &str, host: &str, set: &Path) -> Result<(), Failure> {
    check_name(name).map_err(told)?;
    let file = |name: &str| -> Result<TlsFile, Failure> {
        Ok(TlsFile {
            endpoint: "docker".to_owned(),
            name: name.to_owned(),
            bytes: fs::read(set.join(name))?,
        })
    };
    let stored = Stored {
        meta: json!({
            "Name": name,
            "Metadata": { "Description": "made by lockgate join" },
            "Endpoints": { "docker": { "Host": host, "SkipTLSVerify": false } },
        }),
        tls: vec![file("ca.pem")?, file("cert.pem")?, file("key.pem")?],
    };
    Contexts::new(folder.to_owned())
        .write(name, &stored)
        .map_err(told)
}

/// Makes it the current context.
pub(super) fn switch_to(folder: &Path, name: &str) -> Result<(), Failure> {
    Contexts::new(folder.to_owned())
        .set_current(Some(name))
        .map_err(told)
}

/// Replaces the copies of a certificate that was renewed; says how many.
pub(super) fn replace_copies(folder: &Path, old: &[u8], set: &Path) -> Result<usize, Failure> {
    let mut count = 0;
    let entries = fs::read_dir(folder.join("contexts/tls"))
        .into_iter()
        .flatten()
        .flatten();
    for entry in entries {
        let files = entry.path().join("docker");
        if fs::read(files.join("cert.pem")).is_ok_and(|cert| cert == old) {
            copy(set, &files)?;
            count += 1;
        }
    }
    Ok(count)
}

fn copy(set: &Path, to: &Path) -> Result<(), Failure> {
    let text = |name: &str| fs::read_to_string(set.join(name));
    let files = FileSet::default()
        .certificate("ca.pem", &text("ca.pem")?)
        .certificate("cert.pem", &text("cert.pem")?)
        .key("key.pem", &text("key.pem")?);
    stage(&[(to, files)], Overwrite::Replace)
        .and_then(StagedSet::commit)
        .map_err(told)
}
