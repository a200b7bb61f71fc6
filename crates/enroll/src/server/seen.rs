//! `seen.json`: when each certificate was last used, and from where. Lost in a crash, it is filled again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
    let newer = |record: &IssuedRecord| -> Vec<&IssuedRecord> {
        let same = |one: &&IssuedRecord| {
            one.identity() == record.identity()
                && one.usage == record.usage
                && one.authority_key_id != state.old_key_id
        };
        issued.iter().filter(same).collect()
    };
    let used = issued.iter().filter(is_old).filter_map(|record| {
        let last = seen.get(&record.serial)?;
        let newer = newer(record);
        let since = newer.iter().map(|one| one.issued_at).min()?;
        let moved = newer.iter().filter_map(|one| seen.get(&one.serial));
        let moved = moved.map(|last| last.at).max();
        is_in_use(last.at, since, moved, now).then(|| Lagging {
            record: record.clone(),
            at: last.at,
            from: last.from.clone(),
        })
    });
    Ok(used.collect())
}

/// Whether an old certificate that was seen at `at` is still in use. Those who move are seen with both for a
/// while; a forgotten copy is seen again later, or the new certificate never after it.
fn is_in_use(at: Timestamp, since: Timestamp, moved: Option<Timestamp>, now: Timestamp) -> bool {
    let never_moved = moved.is_none_or(|moved| moved < at);
    let again = at.since(since) > SETTLED && now.since(at) < RECENT;
    at > since && (never_moved || again)
}

/// For how long after a renewal connections with the old certificate are nothing unusual.
const SETTLED: Duration = Duration::from_mins(10);
/// For how long a copy that was seen counts as being there.
const RECENT: Duration = Duration::from_hours(24);

pub(super) const FILE: &str = "seen.json";
/// More certificates than one authority issues in a year.
const ENTRIES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i128) -> Timestamp {
        Timestamp::from_unix_nanos(minutes * 60_000_000_000)
    }

    #[test]
    fn a_certificate_is_in_use_until_its_successor_is_seen_after_it() {
        let now = at(100_000);
        assert!(
            !is_in_use(at(9), at(10), None, now),
            "before there was another"
        );
        assert!(
            is_in_use(at(11), at(10), None, now),
            "the new one never was seen"
        );
        assert!(
            is_in_use(at(12), at(10), Some(at(11)), now),
            "back to the old one"
        );
        assert!(!is_in_use(at(11), at(10), Some(at(12)), now), "moved");
        let copy = at(99_990);
        assert!(is_in_use(copy, at(10), Some(at(99_999)), now), "a copy");
        assert!(
            !is_in_use(copy, at(10), Some(at(99_999)), at(200_000)),
            "long gone"
        );
    }
}
