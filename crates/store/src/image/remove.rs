//! Removal of images and of the layers that nothing needs any more.

use std::collections::BTreeSet;

use lockgate_types::{Digest, ImageRef};

use crate::error::StoreError;
use crate::layer::chain_ids;
use crate::store::{State, Store};

/// What the removal of an image took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// References that named it.
    pub untagged: Vec<ImageRef>,
    /// The image id, then the chain ids that no other image has, topmost first.
    pub deleted: Vec<Digest>,
    /// Bytes of file content that are free now (or when the last container on them goes).
    pub reclaimed: i64,
}

impl Store {
    /// Removes an image, its references, and the layers that no other image and no container
    /// needs. Whether it *may* go (tags, containers, children) is for the caller to decide.
    pub fn remove(&self, image: &Digest) -> Result<Removed, StoreError> {
        let mut state = self.state();
        let gone = state
            .images
            .get(image)
            .cloned()
            .ok_or(StoreError::NoSuchImage(*image))?;
        let mut index = state.index.clone();
        index.images.remove(image);
        let mut untagged = Vec::new();
        index.references.retain(|reference, id| {
            let keep = id != image;
            if !keep {
                untagged.push(reference.clone());
            }
            keep
        });
        self.write_index(&mut state, index)?;
        state.images.remove(image);
        self.layout().discard(&self.layout().config(image))?;
        let deleted = released_chains(&state, &gone.layers);
        let reclaimed = self.collect_layers(&mut state, &gone.layers)?;
        let deleted = std::iter::once(*image).chain(deleted).collect();
        Ok(Removed {
            untagged,
            deleted,
            reclaimed,
        })
    }

    /// Removes those of `candidates` that nothing refers to; returns the bytes of their content.
    pub(crate) fn collect_layers(
        &self,
        state: &mut State,
        candidates: &[Digest],
    ) -> Result<i64, StoreError> {
        let mut freed = 0;
        for diff_id in candidates {
            if state.is_layer_used(diff_id) {
                continue;
            }
            if let Some(layer) = state.layers.remove(diff_id) {
                self.layout().discard(&self.layout().layer(diff_id))?;
                freed += layer.size;
            }
        }
        Ok(freed)
    }
}

/// The chain ids of `layers` that no remaining image has, topmost first.
fn released_chains(state: &State, layers: &[Digest]) -> Vec<Digest> {
    let kept: BTreeSet<Digest> = state
        .images
        .values()
        .flat_map(|image| image.chain_ids())
        .collect();
    chain_ids(layers)
        .into_iter()
        .rev()
        .filter(|chain| !kept.contains(chain))
        .collect()
}
