//! An authority out of a backup: complete and checked, or not at all.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use lockgate_types::{Secret, Timestamp};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::archive::{self, Members};
use super::{BackupError, BackupInfo, seal};
use crate::authority::{Authority, AuthorityError, AuthorityFiles, LEAF_DAYS_MAX};
use crate::certificate::{CertificateInfo, certificates};
use crate::clock::{Clock, DAY};
use crate::crl::{RevocationList, Revocations};
use crate::directory::{AuthorityDirectory, Reason, RevokedRecord, UNKNOWN};
use crate::key::KeyError;
use crate::publish::Scratch;

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup said about itself.
    pub info: BackupInfo,
    /// How many files.
    pub files: usize,
    /// How many revocations came from the newer list.
    pub revoked: usize,
    /// Whether the key of the authority was opened and found to be its own.
    pub key_checked: bool,
}

/// Puts the authority of a sealed text into `directory`, which must not be there. `list` is the newest
/// revocation list that is known, with the file it came from.
pub fn restore(
    text: &str,
    passphrase: &Secret<String>,
    directory: &Path,
    list: Option<(&[u8], &Path)>,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    if fs::symlink_metadata(directory).is_ok() {
        return Err(BackupError::Exists(directory.to_owned()));
    }
    let plain = Secret::new(seal::open(text, passphrase)?);
    let (info, members) = archive::unpack(plain.expose())?;
    let scratch = beside(directory)?;
    // Below the scratch, which is locked: an authority is changed under a lock of its own.
    let place = scratch.path().join("ca");
    let mut private = DirBuilder::new();
    let made = private.mode(0o700).create(&place);
    made.map_err(BackupError::io(&place))?;
    write(&place, &members)?;
    let authority = AuthorityDirectory::new(&place);
    let key_checked = check(&authority, &info, passphrase)?;
    authority.close_invites(now)?;
    let revoked = match list {
        Some((list, origin)) => take_list(&authority, list, origin, now)?,
        None => 0,
    };
    become_(&place, directory)?;
    Ok(Restored {
        info,
        files: members.len(),
        revoked,
        key_checked,
    })
}

/// A directory that vanishes unless it becomes another one.
fn beside(directory: &Path) -> Result<Scratch, BackupError> {
    let failed = BackupError::io(directory);
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder.recursive(true).create(parent).map_err(&failed)?;
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    Scratch::make(parent, &name).map_err(&failed)
}

fn become_(place: &Path, directory: &Path) -> Result<(), BackupError> {
    let failed = BackupError::io(directory);
    // Somebody may have been quicker, after the check.
    rustix::fs::renameat_with(CWD, place, CWD, directory, RenameFlags::NOREPLACE).map_err(
        |error| match error {
            Errno::EXIST => BackupError::Exists(directory.to_owned()),
            other => failed(other.into()),
        },
    )?;
    let parent = directory
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or_else(|| Path::new(".")))
        .and_then(|parent| parent.sync_all())
        .map_err(failed)
}

fn write(directory: &Path, members: &Members) -> Result<(), BackupError> {
    for (path, member) in members {
        let file = directory.join(path);
        let failed = BackupError::io(&file);
        if let Some(parent) = file.parent() {
            DirBuilder::new()
                .mode(0o700)
                .recursive(true)
                .create(parent)
                .map_err(&failed)?;
        }
        let mut open = OpenOptions::new();
        let mut open = open
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .map_err(&failed)?;
        open.write_all(member.content.expose())
            .and_then(|()| open.set_permissions(Permissions::from_mode(member.mode)))
            .and_then(|()| open.sync_all())
            .map_err(&failed)?;
    }
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(BackupError::io(directory))
}

/// Every record is read, and the key opened if the passphrase is its own too.
fn check(
    authority: &AuthorityDirectory,
    info: &BackupInfo,
    passphrase: &Secret<String>,
) -> Result<bool, BackupError> {
    let roots = CertificateInfo::read(&authority.bundle_path())?;
    if roots.first().map(|root| &root.fingerprint_sha256) != Some(&info.fingerprint_sha256) {
        return Err(BackupError::Damaged);
    }
    authority.issued()?;
    authority.revoked()?;
    authority.invites()?;
    let files = AuthorityFiles::in_directory(authority.path());
    match Authority::open(&files, Some(passphrase), Clock::System) {
        Ok(_) => Ok(true),
        // An authority that has ended is still a record.
        Err(AuthorityError::Expired { .. } | AuthorityError::Key(KeyError::WrongPassphrase(_))) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the list has and the record has not is revoked in the record too.
fn take_list(
    authority: &AuthorityDirectory,
    text: &[u8],
    origin: &Path,
    now: Timestamp,
) -> Result<usize, BackupError> {
    let roots = certificates(&authority.bundle_path())?;
    let lists = Revocations::parse(text, origin, &roots, 0, now)?;
    if let Ok(known) = Revocations::read(&authority.crl_path(), &roots, 0, now) {
        lists.check_newer_than(&known, now)?;
    }
    let known = authority.revoked()?;
    let issued = authority.issued()?;
    let serials = lists.lists().iter().flat_map(RevocationList::serials);
    let missing = serials.filter(|serial| !known.contains_key(serial));
    let lines: Vec<_> = missing
        .map(|serial| {
            let of = issued.iter().find(|one| one.serial == serial);
            let longest = now.unix_seconds() + i64::from(LEAF_DAYS_MAX) * DAY;
            RevokedRecord {
                at: now,
                identity: of.map_or(UNKNOWN, |one| one.identity()).to_owned(),
                reason: Reason::Unspecified,
                released: false,
                not_after: of.map_or_else(|| crate::clock::timestamp(longest), |one| one.not_after),
                authority_key_id: of.and_then(|one| one.authority_key_id.clone()),
                serial,
            }
        })
        .collect();
    authority.take_list(text, &lines)?;
    Ok(lines.len())
}
