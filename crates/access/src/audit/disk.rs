//! What of the file is on the disk, and what is done when the disk does not take it.
//!
//! A write goes to the kernel's memory. That it did not come to the disk is told by the next `fdatasync`, and by that
//! one alone: the one after it finds nothing left to do and says that all is well. Writing the same bytes to the same
//! place is no way out either, for ext4 may take that place for empty afterwards. What can still be read is
//! copied to another file, which takes the name once it is on the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::AuditError;
use super::files::{beside, is_at, open, open_new};
use super::trail::Trail;

/// A disk that fails is not asked with every record.
const PAUSE: Duration = Duration::from_secs(1);
/// Nor is one that takes its time before it says so: most of the time nobody waits for it.
const SHARE: u32 = 10;

/// Whether the disk took what it was given last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OnDisk {
    /// It did not, and is asked again then.
    again: Option<Instant>,
}

impl Trail {
    /// Sees the file to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        let synced = self.file.sync_data();
        self.note(begun, synced)
    }

    /// An error if the disk did not take what was written before, and does not now.
    pub(super) fn is_on_disk(&mut self) -> Result<(), AuditError> {
        let Some(again) = self.on_disk.again else {
            return Ok(());
        };
        let begun = Instant::now();
        if begun < again {
            let what = "what was written before does not come to the disk";
            return Err(AuditError::Write(io::Error::other(what)));
        }
        let copied = self.copy();
        self.note(begun, copied).map_err(AuditError::Write)
    }

    fn note(&mut self, begun: Instant, done: io::Result<()>) -> io::Result<()> {
        let pause = PAUSE.max(begun.elapsed().saturating_mul(SHARE));
        let again = done.is_err().then(|| Instant::now() + pause);
        self.on_disk = OnDisk { again };
        done
    }

    fn copy(&mut self) -> io::Result<()> {
        let path = &self.config.path;
        if !is_at(&self.file, path) {
            let what = "what was written before it was moved away did not come to the disk";
            return Err(io::Error::other(what));
        }
        let name = beside(path, "new");
        let copy = open_new(&name, 0o600)?;
        let written = copy_through(&self.file, &copy, self.length).and_then(|()| copy.sync_all());
        if let Err(error) = written {
            // It is removed before the next one, if not now.
            std::fs::remove_file(&name).unwrap_or_default();
            return Err(error);
        }
        std::fs::rename(&name, path)?;
        self.file = open(path)?;
        // Only the folder says which of the two has the name.
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// Wherever the readers and writers of the file are.
fn copy_through(from: &File, to: &File, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut at = 0;
    while at < length {
        let most = usize::try_from(length - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let part = buffer.get_mut(..most).unwrap_or_default();
        from.read_exact_at(part, at)?;
        to.write_all_at(part, at)?;
        at += most as u64;
    }
    Ok(())
}
