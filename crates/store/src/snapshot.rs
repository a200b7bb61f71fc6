//! Writable layers of containers: `overlay/<id>/{snapshot.json,upper,work}`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockgate_sys::file::Durability;
use lockgate_types::{ContainerId, Digest};
use serde::{Deserialize, Serialize};

use crate::error::{SnapshotError, StoreError};
use crate::layer::tree_size;
use crate::state_file::StateFile;
use crate::store::Store;

/// What an overlay mount of a container needs. Lower directories are listed topmost first, each
/// once, none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Read-only layers, topmost first.
    pub lower: Vec<PathBuf>,
    /// The container's own changes.
    pub upper: PathBuf,
    /// Overlayfs' scratch space.
    pub work: PathBuf,
    /// The image it was made from.
    pub image: Option<Digest>,
}

/// What is remembered of a snapshot: it keeps its layers alive even if the image is removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SnapshotRecord {
    pub(crate) image: Option<Digest>,
    pub(crate) layers: Vec<Digest>,
}

impl Store {
    /// Makes the writable layer of a container, on top of `image`.
    pub fn snapshot_create(
        &self,
        id: &ContainerId,
        image: Option<&Digest>,
    ) -> Result<Snapshot, SnapshotError> {
        let mut state = self.state();
        let layers = match image {
            Some(digest) => {
                let image = state.images.get(digest);
                image
                    .ok_or(StoreError::NoSuchImage(*digest))?
                    .layers
                    .clone()
            }
            None => Vec::new(),
        };
        if state.snapshots.contains_key(id) {
            return Err(SnapshotError::Exists(id.short().to_owned()));
        }
        let record = SnapshotRecord {
            image: image.copied(),
            layers,
        };
        let directory = self.layout().snapshot(id);
        let made =
            make_directories(&directory).and_then(|()| record_file(&directory).write(&record));
        if let Err(error) = made {
            self.layout().discard(&directory)?;
            return Err(error.into());
        }
        state.snapshots.insert(id.clone(), record.clone());
        drop(state);
        Ok(self.describe(&directory, &record)?)
    }

    /// The writable layer of a container.
    pub fn snapshot(&self, id: &ContainerId) -> Result<Snapshot, SnapshotError> {
        let record = self.state().snapshots.get(id).cloned();
        let record = record.ok_or_else(|| SnapshotError::NotFound(id.short().to_owned()))?;
        Ok(self.describe(&self.layout().snapshot(id), &record)?)
    }

    /// Throws a writable layer away: out of sight at once, off the disk in the background. Layers
    /// that only it needed go as well.
    pub fn snapshot_remove(&self, id: &ContainerId) -> Result<(), SnapshotError> {
        let mut state = self.state();
        if !state.snapshots.contains_key(id) {
            return Err(SnapshotError::NotFound(id.short().to_owned()));
        }
        self.layout().discard(&self.layout().snapshot(id))?;
        let record = state.snapshots.remove(id);
        if let Some(record) = record {
            self.collect_layers(&mut state, &record.layers)?;
        }
        Ok(())
    }

    /// Bytes of files in the writable layer.
    pub fn snapshot_size(&self, id: &ContainerId) -> Result<i64, SnapshotError> {
        let upper = self.snapshot(id)?.upper;
        Ok(tree_size(&upper).map_err(StoreError::io("measure a writable layer"))?)
    }

    /// The containers that have a writable layer here.
    pub fn snapshots(&self) -> Vec<ContainerId> {
        self.state().snapshots.keys().cloned().collect()
    }

    /// The read-only stack of an image, topmost first, for mounts of an image itself.
    pub fn image_lower(&self, image: &Digest) -> Result<Vec<PathBuf>, StoreError> {
        let layers = {
            let state = self.state();
            state
                .images
                .get(image)
                .ok_or(StoreError::NoSuchImage(*image))?
                .layers
                .clone()
        };
        self.lower(&layers)
    }

    fn describe(&self, directory: &Path, record: &SnapshotRecord) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            lower: self.lower(&record.layers)?,
            upper: directory.join("upper"),
            work: directory.join("work"),
            image: record.image,
        })
    }

    /// Overlayfs refuses one directory twice, and needs none twice: what a layer's upper occurrence
    /// says, its lower one cannot change. A layer that is opaque as a whole ends the stack.
    fn lower(&self, layers: &[Digest]) -> Result<Vec<PathBuf>, StoreError> {
        let state = self.state();
        let mut lower: Vec<PathBuf> = Vec::with_capacity(layers.len());
        for diff_id in layers.iter().rev() {
            let layer = state
                .layers
                .get(diff_id)
                .ok_or(StoreError::MissingLayer(*diff_id))?;
            let path = self.layout().layer(diff_id).join("diff");
            if !lower.contains(&path) {
                lower.push(path);
            }
            if layer.opaque {
                break;
            }
        }
        if lower.is_empty() {
            lower.push(self.layout().empty());
        }
        Ok(lower)
    }
}

/// Reads what is remembered of the snapshot in `directory`; `None` if it is not complete.
pub(crate) fn read_record(directory: &Path) -> Result<Option<SnapshotRecord>, StoreError> {
    record_file(directory).read()
}

fn record_file(directory: &Path) -> StateFile<SnapshotRecord> {
    StateFile::new(directory.join("snapshot.json"), 1, Durability::Crash)
}

fn make_directories(directory: &Path) -> Result<(), StoreError> {
    let make = || -> io::Result<()> {
        fs::create_dir(directory)?;
        fs::create_dir(directory.join("upper"))?;
        fs::create_dir(directory.join("work"))
    };
    make().map_err(StoreError::io("create a writable layer"))
}
