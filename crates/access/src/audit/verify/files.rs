//! The files of a trail, in their order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lockgate_sys::file::open_regular;

use super::walk::Walk;
use super::{Report, VerifyError};
use crate::audit::AuditKey;
use crate::audit::files::{archives, beside, is_at};
use crate::audit::head::Head;

/// Longer than any record; what is longer is read in pieces.
const LONGEST: u64 = 4 * 1024 * 1024;
/// A daemon that writes meanwhile may be seen in the middle of it, or between two files; not so often.
const LOOKS: u32 = 4;

/// The files of a trail, oldest first.
#[derive(Debug)]
pub struct AuditFiles {
    log: PathBuf,
    files: Vec<PathBuf>,
    /// The last of them, where it was the one that is written to: its name may be another's by the time it is read.
    newest: Option<File>,
}

impl AuditFiles {
    /// Those that lie at and beside `log`.
    pub fn find(log: &Path) -> Result<Self, VerifyError> {
        // Before the older ones are looked for: if it is put away meanwhile it is among them, and none is left out.
        let newest = match open_regular(log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened.map_err(|source| unreadable(log, source))?),
        };
        let older = archives(log).unwrap_or_default();
        let mut files: Vec<PathBuf> = older.into_iter().map(|(_, path)| path).collect();
        let newest = newest.filter(|file| !files.last().is_some_and(|last| is_at(file, last)));
        if newest.is_some() {
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
            newest,
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
        AuditKey::load(&path).map_err(|source| unreadable(&path, source))
    }

    /// Checks every record and every signature by `key`. What is found while a daemon writes is believed
    /// when it is found in files that stay as they are.
    pub fn verify(&self, key: &AuditKey) -> Result<Report, VerifyError> {
        for _ in 1..LOOKS {
            let before = self.look();
            let report = Self::find(&self.log)?.verify_once(key);
            if report.as_ref().is_ok_and(Report::is_whole) || self.look() == before {
                return report;
            }
        }
        Self::find(&self.log)?.verify_once(key)
    }

    /// What is elsewhere has to be told from what is missing only where something is wrong.
    fn verify_once(&self, key: &AuditKey) -> Result<Report, VerifyError> {
        let report = self.walk(key, Vec::new())?;
        if report.is_whole() {
            return Ok(report);
        }
        self.walk(key, self.numbers()?)
    }

    fn walk(&self, key: &AuditKey, numbers: Vec<u64>) -> Result<Report, VerifyError> {
        // Before the files: whoever writes meanwhile makes them longer than the head says. And after
        // them: nobody has added to them what the head does not know.
        let head_path = beside(&self.log, "head");
        let head = Head::read(&head_path);
        let mut walk = Walk::new(key, numbers, head);
        for path in &self.files {
            walk.enter(path);
            self.lines(path, &mut |line, ended| walk.line(line, ended))?;
        }
        let now = Head::read(&head_path).filter(|head| head.is_signed_by(key));
        Ok(walk.finish(&head_path, now.as_ref()))
    }

    /// What the files look like from outside.
    fn look(&self) -> Vec<(PathBuf, Option<(u64, u64)>)> {
        let found = Self::find(&self.log).map(|found| found.files);
        let look = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok();
            (path, metadata.map(|now| (now.ino(), now.len())))
        };
        found.unwrap_or_default().into_iter().map(look).collect()
    }

    /// Calls `each` for every line, with whether it has a newline.
    pub fn each(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), VerifyError> {
        for path in &self.files {
            self.lines(path, &mut |line, _ended| each(line))?;
        }
        Ok(())
    }

    /// As [`Self::each`], without older files that hold nothing beyond the record `seen`.
    pub fn each_after(&self, seen: u64, each: &mut dyn FnMut(&[u8])) -> Result<(), VerifyError> {
        let first = |path: &PathBuf| path.extension()?.to_str()?.parse::<u64>().ok();
        let is_older = |index: usize| {
            let next = self.files.get(index + 1).and_then(first);
            next.is_some_and(|next| next <= seen.saturating_add(1))
        };
        for (index, path) in self.files.iter().enumerate() {
            if !is_older(index) {
                self.lines(path, &mut |line, _ended| each(line))?;
            }
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

    fn lines(&self, path: &Path, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), VerifyError> {
        let mut read = || -> io::Result<()> {
            let mut file = BufReader::new(self.open(path)?);
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
        read().map_err(|source| unreadable(path, source))
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        match &self.newest {
            Some(newest) if path == self.log => {
                let mut file = newest.try_clone()?;
                file.rewind()?;
                Ok(file)
            }
            _ => open_regular(path),
        }
    }
}

fn unreadable(path: &Path, source: io::Error) -> VerifyError {
    VerifyError::Read {
        path: path.to_owned(),
        source,
    }
}
