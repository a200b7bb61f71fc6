//! Notices that a file was replaced or rewritten.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

/// How often files are looked at: whoever is revoked is to be out within a second.
const EVERY: Duration = Duration::from_millis(250);

/// What a file looked like; `None` if it is not there. Its change time, not that of its content: a mode
/// that was mended counts too.
type Look = Option<(u64, i64, i64, u64)>;

/// Files that are looked at now and then.
#[derive(Debug)]
pub(crate) struct Watched {
    files: Vec<PathBuf>,
    seen: Vec<Look>,
}

impl Watched {
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        let seen = look(&files);
        Self { files, seen }
    }

    /// Waits until one of them changed, and then until all have been still for a moment: several
    /// files that belong together are seldom replaced in one instant.
    pub(crate) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if look(&self.files) == self.seen {
                continue;
            }
            self.settle().await;
            return;
        }
    }

    async fn settle(&mut self) {
        loop {
            let now = look(&self.files);
            tokio::time::sleep(EVERY / 4).await;
            self.seen = look(&self.files);
            if now == self.seen {
                return;
            }
        }
    }
}

fn look(files: &[PathBuf]) -> Vec<Look> {
    let look = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((
            metadata.ino(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            metadata.size(),
        ))
    };
    files.iter().map(look).collect()
}
