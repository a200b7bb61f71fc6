//! What an authority gave us, put into the files of TLS; the watcher takes it from there.

use std::path::Path;

use anyhow::Result;
use lockgate_enroll::Granted;
use lockgate_gate::TlsFiles;
use lockgate_pki::{
    CertificateInfo, FileSet, Overwrite, PrivateKey, Revocations, StagedSet, certificates_in, stage,
};
use lockgate_types::Timestamp;

/// Puts roots and lists on disk, if they are good.
pub(super) fn take(files: &TlsFiles, ca: &str, lists: &str) -> Result<()> {
    let crl = files.crl.as_deref().unwrap_or_else(|| Path::new("crl.pem"));
    let roots = certificates_in(ca.as_bytes(), &files.ca)?;
    Revocations::parse(lists.as_bytes(), crl, &roots, 0, Timestamp::now())?;
    replace(crl, lists)?;
    replace(&files.ca, ca)
}

/// Puts our own new certificate in the place of the one before, and says so.
pub(super) fn renewed(
    files: &TlsFiles,
    granted: &Granted,
    key: &PrivateKey,
    before: &CertificateInfo,
) -> Result<()> {
    put(files, granted, key)?;
    tracing::info!(
        subject = before.subject,
        before = before.serial,
        until = %granted.not_after,
        "our own certificate is renewed"
    );
    Ok(())
}

/// The pair in one go where it lies in one directory, as it does after `lockgate join`.
fn put(files: &TlsFiles, granted: &Granted, key: &PrivateKey) -> Result<()> {
    let (certificate, file) = (&files.certificate, &files.key);
    let cert = FileSet::default().certificate(name(certificate), &granted.certificate);
    let pem = key.to_pem();
    let sets = if directory(certificate) == directory(file) {
        vec![(directory(file), cert.key(name(file), pem.expose()))]
    } else {
        let key = FileSet::default().key(name(file), pem.expose());
        vec![(directory(certificate), cert), (directory(file), key)]
    };
    Ok(stage(&sets, Overwrite::Replace).and_then(StagedSet::commit)?)
}

/// No bundle and no list of ours is longer.
pub(super) const LONGEST: u64 = 256 << 20;

/// Replaces a file that others may read, if it changes.
pub(super) fn replace(file: &Path, text: &str) -> Result<()> {
    if lockgate_sys::file::read_regular(file, LONGEST).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    let set = FileSet::default().certificate(name(file), text);
    Ok(stage(&[(directory(file), set)], Overwrite::Replace).and_then(StagedSet::commit)?)
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn directory(file: &Path) -> &Path {
    file.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}
