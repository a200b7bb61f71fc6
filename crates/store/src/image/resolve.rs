//! From what people type to an image.

use std::sync::Arc;

use lockgate_types::{Digest, ImageRef};

use super::Image;
use crate::error::ResolveError;
use crate::store::{State, Store};

impl Store {
    /// Finds an image by full id, reference, or id prefix, in this order (dockerd's order).
    pub fn resolve(&self, text: &str) -> Result<Arc<Image>, ResolveError> {
        let state = self.state();
        if let Some(image) = by_full_id(&state, text) {
            return Ok(image);
        }
        let reference = ImageRef::parse(text);
        if let Ok(reference) = &reference
            && let Some(image) = by_reference(&state, reference)
        {
            return Ok(image);
        }
        if let Some(image) = by_prefix(&state, text)? {
            return Ok(image);
        }
        match reference {
            Ok(reference) => Err(ResolveError::NotFound(reference.familiar())),
            Err(_) if is_id_like(text) => Err(ResolveError::NotFound(text.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The image that `reference` names, without looking at ids.
    pub fn resolve_reference(&self, reference: &ImageRef) -> Option<Arc<Image>> {
        by_reference(&self.state(), reference)
    }
}

fn by_full_id(state: &State, text: &str) -> Option<Arc<Image>> {
    let digest = text
        .parse::<Digest>()
        .or_else(|_| Digest::from_hex(text))
        .ok()?;
    state.images.get(&digest).cloned()
}

/// `repo@digest` also finds an image of that id that has a tag in that repository.
fn by_reference(state: &State, reference: &ImageRef) -> Option<Arc<Image>> {
    if let Some(id) = state.index.references.get(reference) {
        return state.images.get(id).cloned();
    }
    let digest = reference.digest()?;
    let in_repository = state
        .index
        .references
        .iter()
        .any(|(known, id)| id == digest && known.familiar_name() == reference.familiar_name());
    state.images.get(digest).filter(|_| in_repository).cloned()
}

fn by_prefix(state: &State, text: &str) -> Result<Option<Arc<Image>>, ResolveError> {
    let prefix = text.strip_prefix("sha256:").unwrap_or(text);
    if prefix.is_empty()
        || !prefix
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Ok(None);
    }
    let mut matches = state
        .images
        .values()
        .filter(|image| image.id.hex().starts_with(prefix));
    match (matches.next(), matches.next()) {
        (Some(image), None) => Ok(Some(Arc::clone(image))),
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(ResolveError::Ambiguous(text.to_owned())),
    }
}

fn is_id_like(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit())
}
