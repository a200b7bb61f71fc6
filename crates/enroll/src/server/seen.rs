//! `seen.json`: when each certificate was last used, and from where. Lost in a crash, it is filled again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lockgate_pki::{AuthorityDirectory, DirectoryError, IssuedRecord, RotationState, State};
use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::wire::Seen;

/// When and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    pub(crate) from: String,
}

#[derive(Debug)]
pub(super) struct SeenBook {
    path: PathBuf,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    last: BTreeMap<String, Last>,
    dirty: bool,
}

impl SeenBook {
    pub(super) fn open(path: PathBuf) -> Self {
        let last = read(&path);
        Self {
            path,
            book: Mutex::new(Book { last, dirty: false }),
        }
    }

    /// Notes what is newer than what is known.
    pub(super) fn note(&self, seen: Seen) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if book.last.len() >= ENTRIES && !book.last.contains_key(&seen.serial) {
            return;
        }
        let known = book.last.get(&seen.serial).map(|last| last.at);
        if known.is_none_or(|known| known < seen.at) {
            let Seen { serial, at, from } = seen;
            book.last.insert(serial, Last { at, from });
            book.dirty = true;
        }
    }

    /// Writes the book if it changed.
    pub(super) fn save(&self) -> std::io::Result<()> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut book.dirty) {
            return Ok(());
        }
        // A daemon on this host may have written too.
        for (serial, last) in read(&self.path) {
            let known = book.last.get(&serial).map(|known| known.at);
            if known.is_none_or(|known| known < last.at) {
                book.last.insert(serial, last);
            }
        }
        let text = serde_json::to_vec(&book.last)?;
        let temporary = self.path.with_extension("json.new");
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, &self.path)
    }
}

fn read(path: &Path) -> BTreeMap<String, Last> {
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// When each certificate of the authority in `directory` was last used, by serial number.
pub fn last_seen(directory: &Path) -> BTreeMap<String, (Timestamp, String)> {
    let known = read(&directory.join(FILE)).into_iter();
    known
        .map(|(serial, last)| (serial, (last.at, last.from)))
        .collect()
}

/// Adds what a daemon saw to the book of the authority on the same host.
pub fn note_seen(directory: &Path, seen: Vec<Seen>) -> std::io::Result<()> {
    let book = SeenBook::open(directory.join(FILE));
    for one in seen {
        book.note(one);
    }
    book.save()
}

/// Somebody who has a certificate of the new root, and was seen with one of the old root since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lagging {
    /// The certificate of the old root.
    pub record: IssuedRecord,
    /// When it was seen.
    pub at: Timestamp,
    /// From where.
    pub from: String,
}

/// Who still uses the old root although a newer certificate was issued to it: a copy that was forgotten, or
/// a process that has not read its files again.
pub fn lagging(
    directory: &AuthorityDirectory,
    state: &RotationState,
    now: Timestamp,
) -> Result<Vec<Lagging>, DirectoryError> {
    let (issued, revoked) = (directory.issued()?, directory.revoked()?);
    let seen = read(&directory.path().join(FILE));
    let waiting = || state.clients.iter().chain(&state.servers);
    let is_old = |record: &&IssuedRecord| {
        !record.usage.is_empty()
            && record.authority_key_id == state.old_key_id
            && State::of(record, &revoked, now) == State::Valid
            && !waiting().any(|one| one.serial == record.serial)
    };
    let newer_since = |record: &IssuedRecord| {
        let same = |one: &&IssuedRecord| {
            one.identity() == record.identity()
                && one.usage == record.usage
                && one.authority_key_id != state.old_key_id
        };
        issued.iter().filter(same).map(|one| one.issued_at).min()
    };
    let used = issued.iter().filter(is_old).filter_map(|record| {
        let last = seen.get(&record.serial)?;
        let since = newer_since(record)?;
        (last.at > since).then(|| Lagging {
            record: record.clone(),
            at: last.at,
            from: last.from.clone(),
        })
    });
    Ok(used.collect())
}

pub(super) const FILE: &str = "seen.json";
/// More certificates than one authority issues in a year.
const ENTRIES: usize = 1 << 20;
