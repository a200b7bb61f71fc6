//! Names for images.

use lockgate_types::ImageRef;

use super::Images;
use super::error::{ImageError, TagImageError};

impl Images {
    /// Gives the image `name` the reference `repository[:tag]`; an empty tag means the one in
    /// `repository`, or `latest`.
    pub fn tag(&self, name: &str, repository: &str, tag: &str) -> Result<(), TagImageError> {
        let image = self.find(name)?;
        let reference = new_reference(repository, tag)?;
        self.inner
            .store
            .tag(&image.id, &reference)
            .map_err(ImageError::from)?;
        self.tell(&image.id, &reference.familiar(), "tag");
        Ok(())
    }
}

/// The reference that a client asks for with two texts.
pub(crate) fn new_reference(repository: &str, tag: &str) -> Result<ImageRef, TagImageError> {
    let reference = ImageRef::parse(repository)?;
    if reference.digest().is_some() {
        return Err(TagImageError::Digest);
    }
    let reference = if tag.is_empty() {
        reference
    } else {
        reference.with_tag(tag)?
    };
    if reference.familiar_name() == "sha256" {
        return Err(TagImageError::Algorithm);
    }
    Ok(reference)
}
