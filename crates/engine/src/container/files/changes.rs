//! What a container has changed in its image.

use std::collections::HashSet;
use std::sync::Arc;

use lockgate_store::Snapshot;

use super::ChangesError;
use crate::container::Containers;
use crate::container::error::FaultError;
use crate::rootfs::{self, Diff, Kind};

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was there and is another.
    Modified,
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
}

/// A changed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Absolute, in the container.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
}

impl Containers {
    /// What a container has changed in its image, by path.
    pub async fn changes(&self, name: &str) -> Result<Vec<Change>, ChangesError> {
        let container = self.inner.registry.find(name)?;
        let engine = Arc::clone(&self.inner);
        let comparing = tokio::task::spawn_blocking(move || {
            let snapshot = engine.store.snapshot(&container.id);
            let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
            compare(&snapshot)
        });
        let diff = comparing.await.unwrap_or(Err(FaultError::Closing))?;
        let mut changes: Vec<Change> = diff.changes.into_iter().map(change).collect();
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }
}

/// What the writable layer has and an image of it need not have.
pub(crate) fn silent_paths(snapshot: &Snapshot) -> Result<HashSet<Vec<u8>>, FaultError> {
    Ok(compare(snapshot)?.silent)
}

fn compare(snapshot: &Snapshot) -> Result<Diff, FaultError> {
    rootfs::diff(snapshot).map_err(FaultError::file("compare the container with its image"))
}

fn change((path, kind): (Vec<u8>, Kind)) -> Change {
    Change {
        path: format!("/{}", String::from_utf8_lossy(&path)),
        kind: match kind {
            Kind::Modified => ChangeKind::Modified,
            Kind::Added => ChangeKind::Added,
            Kind::Deleted => ChangeKind::Deleted,
        },
    }
}
