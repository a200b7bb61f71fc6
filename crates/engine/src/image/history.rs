//! How an image came to be.

use lockgate_types::{Digest, Timestamp};

use super::error::ImageError;
use super::{Images, split_references};

/// One step of an image's making, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageHistory {
    /// The image that this step ended with; `None` if it is not here.
    pub id: Option<Digest>,
    /// Seconds since 1970, zero if unknown.
    pub created: i64,
    /// The instruction.
    pub created_by: String,
    /// Tags of that image.
    pub tags: Vec<String>,
    /// Bytes of the layer, zero for a step without one.
    pub size: i64,
    /// The step's comment.
    pub comment: String,
}

impl Images {
    /// The steps of an image's making, newest first.
    pub fn history(&self, name: &str) -> Result<Vec<ImageHistory>, ImageError> {
        let store = &self.inner.store;
        let image = self.find(name)?;
        let mut layers = image.layers.iter();
        let mut steps = Vec::with_capacity(image.config.history.len());
        for step in &image.config.history {
            let size = if step.empty_layer {
                0
            } else {
                store.layer_size(layers.next().ok_or(ImageError::History)?)
            };
            steps.push(ImageHistory {
                id: None,
                created: step.created.map_or(0, Timestamp::unix_seconds),
                created_by: step.created_by.clone(),
                tags: Vec::new(),
                size,
                comment: step.comment.clone(),
            });
        }
        steps.reverse();
        let mut at = Some(image);
        for step in &mut steps {
            let Some(image) = at else { break };
            step.id = Some(image.id);
            step.tags = split_references(&store.refs_of(&image.id)).0;
            at = image.parent.and_then(|parent| store.image(&parent));
        }
        Ok(steps)
    }
}
