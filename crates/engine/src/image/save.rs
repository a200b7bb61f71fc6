//! Images into archives.

use std::collections::BTreeSet;
use std::io::Write;

use lockgate_store::{ResolveError, SaveError, SaveItem};
use lockgate_types::{Digest, ImageRef};

use super::Images;

/// What is going to be saved: every name was found.
#[derive(Debug)]
pub struct SavePlan {
    images: Images,
    items: Vec<SaveItem>,
}

impl Images {
    /// Looks up what is to be saved. A repository without tag means all its tags; an id means the
    /// image without names.
    pub fn prepare_save(&self, names: &[String]) -> Result<SavePlan, SaveError> {
        let mut items = Vec::new();
        for name in names {
            items.extend(self.named(name)?);
        }
        Ok(SavePlan {
            images: self.clone(),
            items,
        })
    }

    fn named(&self, name: &str) -> Result<Vec<SaveItem>, ResolveError> {
        let store = &self.inner.store;
        let reference = ImageRef::parse(name).ok();
        let has_tag = name
            .rsplit('/')
            .next()
            .is_some_and(|last| last.contains([':', '@']));
        if let (Some(reference), false) = (&reference, has_tag) {
            let all: Vec<SaveItem> = store
                .references()
                .into_iter()
                .filter(|(known, _)| {
                    known.tag().is_some() && known.familiar_name() == reference.familiar_name()
                })
                .map(|(known, image)| SaveItem {
                    image,
                    refs: vec![known],
                })
                .collect();
            if !all.is_empty() {
                return Ok(all);
            }
        }
        let image = store.resolve(name).map_err(|error| match error {
            // dockerd repeats the name as it was given, here alone.
            ResolveError::NotFound(_) => ResolveError::NotFound(name.to_owned()),
            other => other,
        })?;
        let refs = reference
            .filter(|r| r.digest().is_none() && store.resolve_reference(r).is_some())
            .into_iter()
            .collect();
        Ok(vec![SaveItem {
            image: image.id,
            refs,
        }])
    }
}

impl SavePlan {
    /// Writes the archive; call it on a blocking thread. After a failure what was written is not
    /// whole, and the receiver has to be told.
    pub fn write(&self, writer: &mut dyn Write) -> Result<(), SaveError> {
        self.images.inner.store.save(&self.items, writer)?;
        let images: BTreeSet<Digest> = self.items.iter().map(|item| item.image).collect();
        for image in images {
            self.images.tell(&image, &image.to_string(), "save");
        }
        Ok(())
    }
}
