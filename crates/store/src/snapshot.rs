//! Writable layers of containers.
//!
//! ```text
//! overlay/<container>/upper/       the container's changes
//!                     work/        overlayfs' scratch space
//!                     image        symbolic link to `sha256:<hex>`, if it was made from an image
//!                     layer.<nnn>  symbolic links to diff ids, lowest first
//! ```
//!
//! Links and not a file: names and links are what a file system's journal keeps together, so that
//! a directory renamed into its place is whole even after a loss of power, without a sync.

use std::fs;
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use lockgate_types::{ContainerId, Digest};

use crate::error::{SnapshotError, StoreError};
use crate::layer::tree_size;
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
#[derive(Clone, Debug)]
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
        let scratch = self.layout().scratch()?;
        make(scratch.path(), &record, self.layout().ids().root())
            .and_then(|()| fs::rename(scratch.path(), &directory))
            .map_err(StoreError::io("create a writable layer"))?;
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

/// Reads what is remembered of the snapshot in `directory`.
pub(crate) fn read_record(directory: &Path) -> io::Result<SnapshotRecord> {
    let link = |name: &str| match fs::read_link(directory.join(name)) {
        Ok(target) => parse(&target).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let mut layers = Vec::new();
    while let Some(diff_id) = link(&layer_name(layers.len()))? {
        layers.push(diff_id);
    }
    fs::metadata(directory.join("upper"))?;
    Ok(SnapshotRecord {
        image: link(IMAGE)?,
        layers,
    })
}

fn make(directory: &Path, record: &SnapshotRecord, owner: (u32, u32)) -> io::Result<()> {
    let upper = directory.join("upper");
    fs::create_dir(&upper)?;
    if owner != (0, 0) {
        chown(&upper, Some(owner.0), Some(owner.1))?;
    }
    fs::create_dir(directory.join("work"))?;
    if let Some(image) = &record.image {
        symlink(image.to_string(), directory.join(IMAGE))?;
    }
    for (position, diff_id) in record.layers.iter().enumerate() {
        symlink(diff_id.to_string(), directory.join(layer_name(position)))?;
    }
    Ok(())
}

fn parse(target: &Path) -> io::Result<Digest> {
    target
        .to_string_lossy()
        .parse()
        .map_err(|_digest| io::ErrorKind::InvalidData.into())
}

fn layer_name(position: usize) -> String {
    format!("layer.{position:03}")
}

const IMAGE: &str = "image";
