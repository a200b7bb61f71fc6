//! Who prepared which exec. The upstream daemon does not know, so it is written down here, for the next
//! door too. The daemon forgets its execs when it ends or the machine does: what is lost with the
//! machine is of no use to anybody.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The daemon itself forgets an exec that ended within minutes. What is forgotten here is started by
/// nobody but those with all power.
const KEPT: usize = 16 * 1024;
/// Ids and names are shorter: nothing that was written here is cut off.
const LONGEST_FILE: u64 = 64 * 1024 * 1024;

/// The makers of the newest execs.
#[derive(Debug, Default)]
pub(crate) struct Execs(Mutex<Makers>);

#[derive(Debug, Default)]
struct Makers {
    by_id: HashMap<String, String>,
    oldest_first: VecDeque<String>,
    ledger: Option<Ledger>,
}

/// One line for each, `["ID","OWNER"]`, the newest last.
#[derive(Debug)]
struct Ledger {
    path: PathBuf,
    file: File,
    lines: usize,
}

impl Execs {
    /// Those that an earlier door has written down. A line that cannot be read is an exec of nobody.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut makers = Makers::default();
        match File::open(path) {
            Ok(file) => {
                for line in BufReader::new(file.take(LONGEST_FILE)).split(b'\n') {
                    if let Ok((id, owner)) = serde_json::from_slice::<(String, String)>(&line?) {
                        makers.insert(id, owner);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        makers.ledger = Some(makers.rewritten(path)?);
        Ok(Self(Mutex::new(makers)))
    }

    /// Notes whose it is, before anybody is told its id.
    pub(crate) fn made(&self, id: &str, by: &str) {
        let mut makers = self.lock();
        makers.insert(id.to_owned(), by.to_owned());
        if let Err(error) = makers.write_down(id, by) {
            tracing::error!(%error, exec = id, "cannot write down who prepared an exec: after a restart of this door nobody can start it but those with all power");
        }
    }

    pub(super) fn creator(&self, id: &str) -> Option<String> {
        self.lock().by_id.get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Makers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Makers {
    fn insert(&mut self, id: String, by: String) {
        if self.oldest_first.len() >= KEPT
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        if self.by_id.insert(id.clone(), by).is_none() {
            self.oldest_first.push_back(id);
        }
    }

    fn write_down(&mut self, id: &str, by: &str) -> io::Result<()> {
        let Some(ledger) = &mut self.ledger else {
            return Ok(());
        };
        if ledger.lines < 2 * KEPT {
            ledger.lines += 1;
            return ledger.file.write_all(&line(id, by));
        }
        let path = ledger.path.clone();
        self.ledger = Some(self.rewritten(&path)?);
        Ok(())
    }

    /// A file with those that are known and no others, in the place of what was there.
    fn rewritten(&self, path: &Path) -> io::Result<Ledger> {
        let known = self.oldest_first.iter();
        let lines = known.filter_map(|id| Some(line(id, self.by_id.get(id)?)));
        let whole: Vec<u8> = lines.flatten().collect();
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&whole)?;
        std::fs::rename(&fresh, path)?;
        Ok(Ledger {
            path: path.to_owned(),
            file,
            lines: self.oldest_first.len(),
        })
    }
}

fn line(id: &str, by: &str) -> Vec<u8> {
    let mut line = lockgate_api::encode(&(id, by));
    line.retain(|byte| *byte != b'\n');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_in_the_file_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("execs");
        let execs = Execs::open(&path).unwrap();
        for number in 0..=(2 * KEPT) {
            execs.made(&number.to_string(), "cn=alice");
        }
        let again = Execs::open(&path).unwrap();
        for execs in [execs, again] {
            assert_eq!(execs.creator("0"), None);
            assert_eq!(execs.creator(&KEPT.to_string()), None);
            for kept in [KEPT + 1, 2 * KEPT] {
                let creator = execs.creator(&kept.to_string());
                assert_eq!(creator.as_deref(), Some("cn=alice"), "{kept}");
            }
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), KEPT);
    }

    #[test]
    fn what_was_noted_outlives_the_door_and_a_line_cut_short_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("execs");
        let odd = "cn=a \"quoted\" name";
        Execs::open(&path).unwrap().made("one", odd);
        // Killed while it wrote the second.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"[\"two\",\"cn=b").unwrap();
        let execs = Execs::open(&path).unwrap();
        assert_eq!(execs.creator("one").as_deref(), Some(odd));
        assert_eq!(execs.creator("two"), None);
        execs.made("three", "cn=c");
        let execs = Execs::open(&path).unwrap();
        assert_eq!(execs.creator("three").as_deref(), Some("cn=c"));
    }
}
