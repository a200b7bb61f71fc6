//! `issued.jsonl`: one line of JSON for every certificate, the authority's own first.
//!
//! ```text
//! {"issued_at":"…","serial":"…","subject":"…","names":["DNS:…"],"usage":["serverAuth"],
//!  "not_before":"…","not_after":"…","fingerprint_sha256":"…","spki_sha256":"…"}
//! ```
//!
//! A line is on disk before the certificate's files appear, so that no certificate exists that is not
//! recorded. The file is replaced as a whole, under a lock on its directory.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use super::{IssueError, Issued};
use crate::certificate::CertificateInfo;
use crate::key::reason;

#[derive(Serialize)]
struct Line<'a> {
    issued_at: Timestamp,
    serial: &'a str,
    subject: &'a str,
    names: Vec<String>,
    usage: &'a [String],
    not_before: Timestamp,
    not_after: Timestamp,
    fingerprint_sha256: &'a str,
    spki_sha256: &'a str,
}

/// The line of a certificate, with its end.
pub(super) fn line(info: &CertificateInfo, now: Timestamp) -> Result<String, serde_json::Error> {
    let line = Line {
        issued_at: now,
        serial: &info.serial,
        subject: &info.subject,
        names: info.alternative_names(),
        usage: &info.extended_key_usage,
        not_before: info.not_before,
        not_after: info.not_after,
        fingerprint_sha256: &info.fingerprint_sha256,
        spki_sha256: &info.spki_sha256,
    };
    serde_json::to_string(&line).map(|json| json + "\n")
}

pub(super) fn append(path: &Path, issued: &[&Issued], now: Timestamp) -> Result<(), IssueError> {
    let lines: Result<String, _> = issued.iter().map(|one| line(one.info(), now)).collect();
    lines
        .map_err(io::Error::from)
        .and_then(|lines| replace(path, &lines))
        .map_err(|e| IssueError::Record {
            file: path.to_owned(),
            reason: reason(&e),
        })
}

fn replace(path: &Path, lines: &str) -> io::Result<()> {
    let directory = File::open(directory_of(path))?;
    flock(&directory, FlockOperation::LockExclusive)?;
    let mut content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if content.last().is_some_and(|last| *last != b'\n') {
        content.push(b'\n');
    }
    content.extend_from_slice(lines.as_bytes());
    let temporary = temporary(path);
    let written = write(&temporary, &content).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // It may never have been made; the first error is the one to tell.
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    directory.sync_all()
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.sync_all()
}

/// Always the same name: the lock keeps others away, and one left by a crash is used again.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
