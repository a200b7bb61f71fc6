//! Files that change together, with a way back.
//!
//! ```text
//! 1. the record: every path, its backup, what will be written      (fsync)
//! 2. the backups FILE.before-lockgate of files that were there     (fsync)
//! 3. the files, each replaced at once                              (fsync)
//! ```
//!
//! After a crash between any two steps each file is the old or the new one, and the record knows both.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_sys::file::{Durability, write_atomic_mode};
use serde::{Deserialize, Serialize};

use crate::config::hex_sha256;
use crate::failure::Failure;

/// A file and what is to be in it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// What was written, to undo it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) files: Vec<Written>,
}

/// One file of the record.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// The file as it was; none if there was none.
    pub(super) backup: Option<PathBuf>,
    pub(super) sha256: String,
}

impl Change {
    /// A change of the file that is there; none if it says so already.
    pub(super) fn of(path: PathBuf, after: String) -> Result<Option<Self>, Failure> {
        let before = read(&path)?;
        Ok((before.as_deref() != Some(after.as_str())).then_some(Self {
            path,
            before,
            after,
        }))
    }

    /// As `diff -u` shows it.
    pub(super) fn diff(&self) -> String {
        let before = self.before.clone().unwrap_or_default();
        let path = self.path.display().to_string();
        let old = if self.before.is_some() {
            path.as_str()
        } else {
            "/dev/null"
        };
        similar::TextDiff::from_lines(&before, &self.after)
            .unified_diff()
            .header(old, &path)
            .to_string()
    }
}

impl Record {
    /// Reads the record; an empty one if there is none.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let Some(text) = read(path)? else {
            return Ok(Self::default());
        };
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{} is damaged: {error}", path.display())))
    }

    /// Writes everything in the order above. A second time keeps the first backup: it is the one
    /// from before us.
    pub(super) fn apply(mut self, path: &Path, changes: &[Change]) -> Result<(), Failure> {
        for change in changes {
            let sha256 = hex_sha256(&change.after);
            match self.files.iter_mut().find(|file| file.path == change.path) {
                Some(known) => known.sha256 = sha256,
                None => self.files.push(Written {
                    path: change.path.clone(),
                    backup: change.before.as_ref().map(|_| backup(&change.path)),
                    sha256,
                }),
            }
        }
        let text = serde_json::to_string_pretty(&self)
            .map_err(|error| Failure::new(format!("cannot write the record: {error}")))?;
        write(path, &(text + "\n"), 0o600)?;
        for change in changes {
            let kept = backup(&change.path);
            if let (Some(before), false) = (&change.before, kept.exists()) {
                write(&kept, before, mode(&change.path))?;
            }
        }
        for change in changes {
            write(&change.path, &change.after, mode(&change.path))?;
        }
        Ok(())
    }
}

/// Where a file is kept as it was.
fn backup(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before-lockgate");
    name.into()
}

/// A file's text; none if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Replaces a file at once and for good.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| write_atomic_mode(path, text.as_bytes(), mode, Durability::PowerLoss))
        .map_err(|error| failed(path, &error))
}

/// The mode a file has, or the usual one.
pub(super) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).map_or(0o644, |metadata| metadata.mode() & 0o777)
}

/// What the system says about a file.
pub(super) fn failed(path: &Path, error: &io::Error) -> Failure {
    let reason = crate::config::go_error(error);
    Failure::new(format!("{}: {reason}", path.display())).hint("run it as root")
}
