//! The store's handle, its memory of what is on disk, and how it is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockgate_sys::file::Durability;
use lockgate_types::{ContainerId, Digest, IdMapping};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::image::{Image, ImageConfig, Index, IndexEntry};
use crate::layer::{Layer, digest_of};
use crate::layout::Layout;
use crate::snapshot::{SnapshotRecord, read_record};
use crate::state_file::StateFile;

/// A cheap handle to the store; clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    index: StateFile<Index>,
    state: Mutex<State>,
}

/// What is on disk, in memory. Changed only after the disk.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    pub(crate) images: BTreeMap<Digest, Arc<Image>>,
    pub(crate) layers: BTreeMap<Digest, Layer>,
    pub(crate) snapshots: BTreeMap<ContainerId, SnapshotRecord>,
    /// Layers that a running load or build counts on.
    pub(crate) pins: BTreeMap<Digest, usize>,
}

/// How much content there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of file content in all layers, each counted once.
    pub layers: i64,
    /// Bytes in layers that some image refers to.
    pub images: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SchemaMark {}

impl Store {
    /// Opens the store in `root`, making the layout if needed. Leftovers of a killed process
    /// (half-loaded images, half-made containers, trash) are thrown away.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_mapped(root, IdMapping::default())
    }

    /// Opens a store for containers whose users are others on this host. A root must always be opened with
    /// the same mapping: what lies there belongs to the host's ids.
    pub fn open_mapped(root: &Path, ids: IdMapping) -> Result<Self, StoreError> {
        let layout = Layout::open(root, ids)?;
        bring_up_to_date(&layout, root)?;
        let index = StateFile::new(layout.index(), INDEX_SCHEMA, Durability::PowerLoss);
        let store = Self {
            inner: Arc::new(Inner {
                layout,
                index,
                state: Mutex::default(),
            }),
        };
        {
            let mut state = store.state();
            state.index = store.inner.index.read()?.unwrap_or_default();
            store.read_layers(&mut state)?;
            store.read_snapshots(&mut state)?;
            store.read_images(&mut state);
            store.collect_leftovers(&mut state)?;
        }
        Ok(store)
    }

    /// The image with that id.
    pub fn image(&self, id: &Digest) -> Option<Arc<Image>> {
        self.state().images.get(id).cloned()
    }

    /// All images, by id.
    pub fn images(&self) -> Vec<Arc<Image>> {
        self.state().images.values().cloned().collect()
    }

    /// The images that were built on this one.
    pub fn children(&self, id: &Digest) -> Vec<Arc<Image>> {
        let state = self.state();
        state
            .images
            .values()
            .filter(|image| image.parent.as_ref() == Some(id))
            .cloned()
            .collect()
    }

    /// The layer with that diff id.
    pub fn layer(&self, diff_id: &Digest) -> Option<Layer> {
        self.state().layers.get(diff_id).cloned()
    }

    /// Bytes of file content in a layer; zero if it is not here.
    pub fn layer_size(&self, diff_id: &Digest) -> i64 {
        self.state()
            .layers
            .get(diff_id)
            .map_or(0, |layer| layer.size)
    }

    /// Where the layer's files are, in overlay form. Read-only for everybody.
    pub fn layer_path(&self, diff_id: &Digest) -> PathBuf {
        self.layout().layer(diff_id).join("diff")
    }

    /// Bytes that an image shares with other images.
    pub fn shared_size(&self, image: &Image) -> i64 {
        let state = self.state();
        let others: BTreeSet<Digest> = state
            .images
            .values()
            .filter(|other| other.id != image.id)
            .flat_map(|other| other.layers.iter().copied())
            .collect();
        let own: BTreeSet<&Digest> = image.layers.iter().collect();
        own.into_iter()
            .filter(|diff_id| others.contains(*diff_id))
            .filter_map(|diff_id| state.layers.get(diff_id))
            .map(|layer| layer.size)
            .sum()
    }

    /// How much content there is in all layers, and in those of images.
    pub fn usage(&self) -> Usage {
        let state = self.state();
        let used: BTreeSet<Digest> = state
            .images
            .values()
            .flat_map(|image| image.layers.iter().copied())
            .collect();
        Usage {
            layers: state.layers.values().map(|layer| layer.size).sum(),
            images: used
                .iter()
                .filter_map(|id| state.layers.get(id))
                .map(|l| l.size)
                .sum(),
        }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    /// The memory is changed only after the disk, so a panic in between leaves it consistent.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits a new index: to disk, then to memory.
    pub(crate) fn write_index(&self, state: &mut State, index: Index) -> Result<(), StoreError> {
        self.inner.index.write(&index)?;
        state.index = index;
        Ok(())
    }

    fn read_layers(&self, state: &mut State) -> Result<(), StoreError> {
        for path in self.layout().entries("layers")? {
            match Layer::read(&path) {
                Ok(Some(layer)) => {
                    state.layers.insert(layer.diff_id, layer);
                }
                Ok(None) => self.layout().discard(&path)?,
                Err(error) => {
                    let path = path.display();
                    tracing::error!(%path, %error, "cannot use a layer");
                }
            }
        }
        Ok(())
    }

    fn read_snapshots(&self, state: &mut State) -> Result<(), StoreError> {
        for path in self.layout().entries("overlay")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match (ContainerId::parse(&name), read_record(&path)) {
                (Ok(id), Ok(record)) => {
                    state.snapshots.insert(id, record);
                }
                // A person may still find the container's changes there.
                (_, error) => tracing::error!(%name, ?error, "cannot use a writable layer"),
            }
        }
        Ok(())
    }

    /// An image whose files are damaged is left out, loudly, and stays on disk for a person to see.
    fn read_images(&self, state: &mut State) {
        let entries: Vec<(Digest, IndexEntry)> = state
            .index
            .images
            .iter()
            .map(|(id, entry)| (*id, entry.clone()))
            .collect();
        for (id, entry) in entries {
            match self.read_image(state, id, &entry) {
                Ok(image) => {
                    state.images.insert(id, Arc::new(image));
                }
                Err(error) => tracing::error!(image = %id, %error, "cannot use an image"),
            }
        }
    }

    fn read_image(
        &self,
        state: &State,
        id: Digest,
        entry: &IndexEntry,
    ) -> Result<Image, StoreError> {
        let raw = fs::read(self.layout().config(&id))
            .map_err(StoreError::io("read an image configuration"))?;
        if digest_of(&raw) != id {
            let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
            return Err(StoreError::Io {
                action: "verify an image configuration",
                source,
            });
        }
        state.assemble(id, raw, entry)
    }

    fn collect_leftovers(&self, state: &mut State) -> Result<(), StoreError> {
        let unused: Vec<Digest> = state
            .layers
            .keys()
            .filter(|id| !state.is_layer_used(id))
            .copied()
            .collect();
        self.collect_layers(state, &unused)?;
        let index = self.layout().index();
        for path in self.layout().entries("images")? {
            let hex = path.file_stem().unwrap_or_default().to_string_lossy();
            let known = Digest::from_hex(&hex).is_ok_and(|id| state.index.images.contains_key(&id));
            if path != index && !known {
                self.layout().discard(&path)?;
            }
        }
        Ok(())
    }
}

impl State {
    /// Whether an image, a container or running work needs the layer.
    pub(crate) fn is_layer_used(&self, diff_id: &Digest) -> bool {
        self.pins.contains_key(diff_id)
            || self
                .images
                .values()
                .any(|image| image.layers.contains(diff_id))
            || self
                .snapshots
                .values()
                .any(|snapshot| snapshot.layers.contains(diff_id))
            || self.is_in_damaged_image(diff_id)
    }

    /// An image from its raw configuration; all its layers must be there.
    pub(crate) fn assemble(
        &self,
        id: Digest,
        raw_config: Vec<u8>,
        entry: &IndexEntry,
    ) -> Result<Image, StoreError> {
        let config = ImageConfig::parse(&raw_config).map_err(|source| StoreError::Damaged {
            name: format!("{}.json", id.hex()),
            source,
        })?;
        let layers = config.rootfs.diff_ids.clone();
        let mut size = 0;
        for diff_id in &layers {
            size += self
                .layers
                .get(diff_id)
                .ok_or(StoreError::MissingLayer(*diff_id))?
                .size;
        }
        Ok(Image {
            id,
            config,
            raw_config,
            parent: entry.parent,
            size,
            layers,
            last_tag_time: entry.last_tag_time,
        })
    }

    /// While some image of the index cannot be read, no layer is known to be unused.
    fn is_in_damaged_image(&self, _diff_id: &Digest) -> bool {
        self.index
            .images
            .keys()
            .any(|id| !self.images.contains_key(id))
    }
}

/// Writes the schema number into a new data root, brings an older one up to date step by step,
/// refuses a newer one.
fn bring_up_to_date(layout: &Layout, root: &Path) -> Result<(), StoreError> {
    let mark =
        |schema| StateFile::<SchemaMark>::new(layout.schema(), schema, Durability::PowerLoss);
    let Some(found) = mark(LAYOUT_SCHEMA).read_schema()? else {
        return mark(LAYOUT_SCHEMA).write(&SchemaMark {});
    };
    for (from, migrate) in MIGRATIONS.iter().filter(|(from, _)| *from >= found) {
        migrate(root)?;
        mark(from + 1).write(&SchemaMark {})?;
    }
    Ok(())
}

/// A step from schema n to n + 1. It may be killed and run again.
type Migration = fn(&Path) -> Result<(), StoreError>;

/// The steps in order. The layout is still in its first form.
const MIGRATIONS: [(u32, Migration); 0] = [];
const INDEX_SCHEMA: u32 = 1;
const LAYOUT_SCHEMA: u32 = 1;
