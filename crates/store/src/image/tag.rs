//! References given and taken.

use std::sync::Arc;

use lockgate_types::{Digest, ImageRef, Timestamp};

use super::Image;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Lets `reference` name `image`, whatever it named before. On disk when this returns.
    pub fn tag(&self, image: &Digest, reference: &ImageRef) -> Result<(), StoreError> {
        let mut state = self.state();
        if !state.images.contains_key(image) {
            return Err(StoreError::NoSuchImage(*image));
        }
        let now = Timestamp::now();
        let mut index = state.index.clone();
        index.references.insert(reference.clone(), *image);
        index.images.entry(*image).or_default().last_tag_time = Some(now);
        self.write_index(&mut state, index)?;
        if let Some(known) = state.images.get_mut(image) {
            *known = Arc::new(Image {
                last_tag_time: Some(now),
                ..Image::clone(known)
            });
        }
        Ok(())
    }

    /// Takes `reference` away; says which image it named. The image stays.
    pub fn untag(&self, reference: &ImageRef) -> Result<Option<Digest>, StoreError> {
        let mut state = self.state();
        let mut index = state.index.clone();
        let Some(image) = index.references.remove(reference) else {
            return Ok(None);
        };
        self.write_index(&mut state, index)?;
        Ok(Some(image))
    }

    /// All references of an image, sorted.
    pub fn refs_of(&self, image: &Digest) -> Vec<ImageRef> {
        let state = self.state();
        let references = state.index.references.iter();
        references
            .filter(|(_, id)| *id == image)
            .map(|(reference, _)| reference.clone())
            .collect()
    }

    /// All references there are, with what they name.
    pub fn references(&self) -> Vec<(ImageRef, Digest)> {
        let state = self.state();
        state
            .index
            .references
            .iter()
            .map(|(reference, id)| (reference.clone(), *id))
            .collect()
    }
}
