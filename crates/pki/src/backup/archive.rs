//! The files of an authority as a tar stream.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use lockgate_types::Secret;

use super::{BackupError, BackupInfo, MAX};

/// One file: its mode and its content, which may be a key.
pub(super) struct Member {
    pub(super) mode: u32,
    pub(super) content: Secret<Vec<u8>>,
}

/// Members by their path in the directory.
pub(super) type Members = BTreeMap<PathBuf, Member>;

pub(super) fn pack(directory: &Path, info: &BackupInfo) -> Result<Vec<u8>, BackupError> {
    let mut members = Members::new();
    collect(directory, Path::new(""), &mut members)?;
    let mut tar = tar::Builder::new(Vec::new());
    let about = serde_json::to_vec(info).map_err(|_impossible| BackupError::Crypto)?;
    let failed = BackupError::io(directory);
    append(&mut tar, Path::new(INFO), 0o600, &about).map_err(&failed)?;
    for (path, member) in &members {
        append(&mut tar, path, member.mode, member.content.expose()).map_err(&failed)?;
    }
    tar.into_inner().map_err(failed)
}

/// Regular files, and those of directories one below; what a crash left half written is not of it.
fn collect(directory: &Path, below: &Path, members: &mut Members) -> Result<(), BackupError> {
    let place = directory.join(below);
    let failed = BackupError::io(&place);
    for entry in fs::read_dir(&place).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(&failed)?);
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = below.join(&name);
        if kind.is_dir() && below.as_os_str().is_empty() {
            collect(directory, &path, members)?;
        } else if kind.is_file() {
            members.insert(path, read(&entry.path())?);
        } else {
            return Err(BackupError::Member(path.display().to_string()));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Member, BackupError> {
    let failed = BackupError::io(path);
    let file = fs::File::open(path).map_err(&failed)?;
    let mode = file.metadata().map_err(&failed)?.mode() & 0o777;
    let mut content = Vec::new();
    file.take(MAX + 1)
        .read_to_end(&mut content)
        .map_err(&failed)?;
    if content.len() as u64 > MAX {
        return Err(BackupError::Large(path.to_owned()));
    }
    let content = Secret::new(content);
    Ok(Member { mode, content })
}

fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &Path,
    mode: u32,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, path, content)
}

/// The members of a stream that was authenticated. Names are looked at all the same: whoever has the
/// passphrase must not write elsewhere.
pub(super) fn unpack(tar: &[u8]) -> Result<(BackupInfo, Members), BackupError> {
    let damaged = |_: std::io::Error| BackupError::Damaged;
    let (mut info, mut members) = (None, Members::new());
    let mut archive = tar::Archive::new(Cursor::new(tar));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        if !is_file || !is_ours(&path) || members.contains_key(&path) {
            return Err(BackupError::Member(path.display().to_string()));
        }
        let mode = entry.header().mode().map_err(damaged)? & 0o777;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(damaged)?;
        if path == Path::new(INFO) {
            let read = serde_json::from_slice(&content);
            info = Some(read.map_err(|_other_form| BackupError::NotABackup)?);
            continue;
        }
        let content = Secret::new(content);
        members.insert(path, Member { mode, content });
    }
    Ok((info.ok_or(BackupError::NotABackup)?, members))
}

fn is_ours(path: &Path) -> bool {
    let parts: Vec<_> = path.components().collect();
    let is_name = |part: &Component<'_>| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
    (1..=2).contains(&parts.len()) && parts.iter().all(is_name)
}

/// What the backup says about itself; no file of an authority.
const INFO: &str = "backup.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_in_their_directory() {
        for good in ["ca.pem", "previous/ca-key.pem"] {
            assert!(is_ours(Path::new(good)), "{good}");
        }
        for bad in [
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/b/c",
            ".x",
            "",
            "a/.y",
        ] {
            assert!(!is_ours(Path::new(bad)), "{bad}");
        }
    }
}
