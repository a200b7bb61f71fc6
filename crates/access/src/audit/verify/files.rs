//! The files of a trail, in their order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::walk::Walk;
use super::{Report, VerifyError};
use crate::audit::AuditKey;
use crate::audit::head::Head;
use crate::audit::trail::{archives, beside};

/// Longer than any record.
const LONGEST: u64 = 4 * 1024 * 1024;

/// The files of a trail, oldest first.
#[derive(Clone, Debug)]
pub struct AuditFiles {
    log: PathBuf,
    files: Vec<PathBuf>,
}

impl AuditFiles {
    /// Those that lie at and beside `log`.
    pub fn find(log: &Path) -> Result<Self, VerifyError> {
        let older = archives(log).unwrap_or_default();
        let mut files: Vec<PathBuf> = older.into_iter().map(|(_, path)| path).collect();
        if log.is_file() {
            files.push(log.to_owned());
        }
        if files.is_empty() {
            return Err(VerifyError::Nothing {
                path: log.to_owned(),
            });
        }
        Ok(Self {
            log: log.to_owned(),
            files,
        })
    }

    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        &self.files
    }

    /// Where the public key lies.
    pub fn key_path(&self) -> PathBuf {
        beside(&self.log, "pub")
    }

    /// The public key beside them.
    pub fn key(&self) -> Result<AuditKey, VerifyError> {
        let path = self.key_path();
        AuditKey::load(&path).map_err(|source| VerifyError::Read { path, source })
    }

    /// Checks every record and every signature by `key`.
    pub fn verify(&self, key: &AuditKey) -> Result<Report, VerifyError> {
        // Before the files: whoever writes meanwhile makes them longer than the head says.
        let head_path = beside(&self.log, "head");
        let head = Head::read(&head_path);
        let mut walk = Walk::new(key, self.numbers()?, head);
        for path in &self.files {
            walk.enter(path);
            lines(path, &mut |line, ended| walk.line(line, ended))?;
        }
        Ok(walk.finish(&head_path))
    }

    /// Calls `each` for every line, with whether it has a newline.
    pub fn each(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), VerifyError> {
        for path in &self.files {
            lines(path, &mut |line, _ended| each(line))?;
        }
        Ok(())
    }

    /// The numbers of all records, sorted: tells what is missing from what is elsewhere.
    fn numbers(&self) -> Result<Vec<u64>, VerifyError> {
        let mut numbers = Vec::new();
        self.each(&mut |line| {
            numbers.extend(crate::audit::chain::Sealed::read(line).map(|sealed| sealed.sequence));
        })?;
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn lines(path: &Path, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), VerifyError> {
    let mut read = || -> io::Result<()> {
        let mut file = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        while file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? > 0 {
            match line.strip_suffix(b"\n") {
                Some(inner) => each(inner, true),
                None => each(&line, false),
            }
            line.clear();
        }
        Ok(())
    };
    read().map_err(|source| VerifyError::Read {
        path: path.to_owned(),
        source,
    })
}
