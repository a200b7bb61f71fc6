//! One file after the other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::disk::OnDisk;
use super::files::{archives, beside, is_at, open};
use super::trail::Trail;
use super::{AuditError, Record};

impl Trail {
    /// Signs and puts away the full file, begins another, and forgets the oldest.
    pub(super) fn rotate(&mut self) -> Result<(), AuditError> {
        if self.signer.is_none() {
            return Ok(());
        }
        self.checkpoint()?;
        let full = self.put_away().map_err(AuditError::Write)?;
        self.file = open(&self.config.path).map_err(AuditError::Write)?;
        self.length = 0;
        self.on_disk = OnDisk::default();
        self.full_at = self.config.max_bytes;
        self.full = Some(full);
        self.say_rotated()
    }

    /// The first record of a file that follows another.
    pub(super) fn say_rotated(&mut self) -> Result<(), AuditError> {
        let Some(full) = self.full.clone() else {
            return Ok(());
        };
        // What cannot be listed is not removed this time.
        let (surplus, removed_through) = self.surplus().unwrap_or_default();
        let record = Record::Rotated {
            from: &full,
            removed_through,
        };
        self.put(&record, Timestamp::now())?;
        self.full = None;
        for path in surplus {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), error = %error, "cannot remove an old audit file");
            }
        }
        Ok(())
    }

    /// Renames the full file, unless that was done before and only the rest failed.
    fn put_away(&mut self) -> io::Result<String> {
        let first = first_number(&mut self.file)?;
        let archive = beside(&self.config.path, &format!("{first:020}"));
        if is_at(&self.file, &self.config.path) {
            rename_to_unused(&self.config.path, &archive)?;
        }
        let name = archive.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    /// The files beyond the number that is kept, and the last record in them.
    fn surplus(&self) -> io::Result<(Vec<PathBuf>, u64)> {
        let all = archives(&self.config.path)?;
        let (gone, kept) = all.split_at(all.len().saturating_sub(self.config.max_files));
        let through = match (gone, kept.first()) {
            ([], _) => 0,
            (_, Some((first, _))) => first.saturating_sub(1),
            (_, None) => self.next.saturating_sub(1),
        };
        Ok((gone.iter().map(|(_, path)| path.clone()).collect(), through))
    }
}

/// Never in place of another file.
fn rename_to_unused(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot; nobody else makes files here.
        Err(Errno::INVAL) if !to.try_exists()? => std::fs::rename(from, to),
        renamed => Ok(renamed?),
    }
}

/// The number of the first record of a file.
fn first_number(file: &mut File) -> io::Result<u64> {
    #[derive(serde::Deserialize)]
    struct First {
        sequence: u64,
    }
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.take(1024 * 1024).read_to_end(&mut start)?;
    let number = start.split(|byte| *byte == b'\n').find_map(|line| {
        let first: First = serde_json::from_slice(line).ok()?;
        Some(first.sequence)
    });
    Ok(number.unwrap_or(0))
}
