//! Loading: read, verify, commit.

use std::collections::btree_map::Entry;
use std::fs;
use std::io::{self, Read};
use std::sync::Arc;

use lockgate_sys::file::{Durability, sync_directory, write_atomic};
use lockgate_types::{Digest, Timestamp};

use super::manifest::{MAX_METADATA, Planned, images};
use super::members::{LayerMember, Reader};
use super::pin::Pins;
use super::{LoadProgress, LoadStage, Loaded};
use crate::error::{LoadError, StoreError};
use crate::layout::Scratch;
use crate::store::Store;

impl Store {
    /// Loads the images of an archive, as `docker save`, skopeo or buildx write it: docker-archive
    /// or OCI layout, plain or compressed (bzip2, gzip, xz, zstd), members in any order, in one pass.
    ///
    /// Everything is verified before anything is committed, and all images of the archive appear
    /// at once; after a failure the store is as it was. How much an archive may unpack to is
    /// bounded by the disk alone, as an image's size is.
    pub fn load(
        &self,
        reader: impl Read,
        sink: &mut dyn FnMut(LoadProgress),
    ) -> Result<Vec<Loaded>, LoadError> {
        let scratch = self.layout().scratch()?;
        let mut pins = Pins::new(self);
        let mut archive = Reader {
            scratch: &scratch,
            pins: &mut pins,
            sink,
            budget: MAX_METADATA,
        };
        let archive = archive.read(reader)?;
        let planned = images(&archive)?;
        drop(archive);
        self.commit(&scratch, &mut pins, &planned, sink)
    }

    /// Makes verified images durable and visible.
    pub(crate) fn commit(
        &self,
        scratch: &Scratch,
        pins: &mut Pins,
        planned: &[Planned],
        sink: &mut dyn FnMut(LoadProgress),
    ) -> Result<Vec<Loaded>, LoadError> {
        let mut reached = |stage| sink(LoadProgress::Stage(stage));
        reached(LoadStage::Verified);
        sync_file_system(scratch)?;
        reached(LoadStage::Synced);
        for image in planned {
            for layer in &image.layers {
                self.place(layer, pins)?;
            }
        }
        let layers = self.layout().layers();
        sync_directory(&layers).map_err(StoreError::io("sync the layers"))?;
        reached(LoadStage::Placed);
        for image in planned {
            self.describe_image(image)?;
        }
        reached(LoadStage::Described);
        let loaded = self.enter(planned)?;
        reached(LoadStage::Committed);
        Ok(loaded)
    }

    /// Moves a layer into its place, unless another load was faster, and pins it.
    fn place(&self, layer: &LayerMember, pins: &mut Pins) -> Result<(), StoreError> {
        if pins.pin_existing(&layer.diff_id) {
            return Ok(());
        }
        let (directory, record) = layer
            .unpacked
            .as_ref()
            .ok_or(StoreError::MissingLayer(layer.diff_id))?;
        let mut state = self.state();
        if let Entry::Vacant(place) = state.layers.entry(layer.diff_id) {
            fs::rename(directory, self.layout().layer(&layer.diff_id))
                .map_err(StoreError::io("place a layer"))?;
            place.insert(record.clone());
        }
        *state.pins.entry(layer.diff_id).or_default() += 1;
        drop(state);
        pins.adopt(layer.diff_id);
        Ok(())
    }

    fn describe_image(&self, image: &Planned) -> Result<(), StoreError> {
        let path = self.layout().config(&image.id);
        write_atomic(&path, &image.raw_config, Durability::PowerLoss)
            .map_err(StoreError::io("write an image configuration"))
    }

    /// Names the images in the index, all at once.
    fn enter(&self, planned: &[Planned]) -> Result<Vec<Loaded>, StoreError> {
        let mut state = self.state();
        let now = Timestamp::now();
        let mut index = state.index.clone();
        let mut loaded = Vec::with_capacity(planned.len());
        for image in planned {
            let entry = index.images.entry(image.id).or_default();
            entry.parent = image.parent.or(entry.parent);
            if !image.refs.is_empty() {
                entry.last_tag_time = Some(now);
            }
            let mut replaced = Vec::new();
            for reference in &image.refs {
                let before = index.references.insert(reference.clone(), image.id);
                if let Some(before) = before.filter(|before| *before != image.id) {
                    replaced.push((reference.clone(), before));
                }
            }
            loaded.push(Loaded {
                id: image.id,
                refs: image.refs.clone(),
                replaced,
            });
        }
        let mut assembled = Vec::with_capacity(planned.len());
        for image in planned {
            // The same image may have been removed since it was described.
            if !self.layout().config(&image.id).exists() {
                self.describe_image(image)?;
            }
            let entry = index.images.get(&image.id).cloned().unwrap_or_default();
            assembled.push(state.assemble(image.id, image.raw_config.clone(), &entry)?);
        }
        let written = self.write_index(&mut state, index);
        if let Err(error) = written {
            self.forget_configurations(&state.images, planned);
            return Err(error);
        }
        for image in assembled {
            state.images.insert(image.id, Arc::new(image));
        }
        Ok(loaded)
    }

    /// The index could not be written: the configurations beside it are nobody's.
    fn forget_configurations(
        &self,
        known: &std::collections::BTreeMap<Digest, Arc<crate::image::Image>>,
        planned: &[Planned],
    ) {
        for image in planned
            .iter()
            .filter(|image| !known.contains_key(&image.id))
        {
            if let Err(error) = self.layout().discard(&self.layout().config(&image.id)) {
                tracing::warn!(%error, "cannot remove an image configuration");
            }
        }
    }
}

/// The contents of thousands of files outlive a loss of power by one call.
fn sync_file_system(scratch: &Scratch) -> Result<(), StoreError> {
    let sync = || -> io::Result<()> { Ok(rustix::fs::syncfs(fs::File::open(scratch.path())?)?) };
    sync().map_err(StoreError::io("sync the file system"))
}
