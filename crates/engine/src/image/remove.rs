//! Removal of images and of their names.

use std::sync::Arc;

use lockgate_store::Image;
use lockgate_types::{Digest, ImageRef};

use super::Images;
use super::error::{ImageError, RemoveConflict, RemoveImageError};

/// How to remove.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveImage {
    /// Although it has several names, or stopped containers use it.
    pub force: bool,
    /// Keep the untagged images that it was built on.
    pub no_prune: bool,
}

/// One thing that went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletedImage {
    /// A name.
    Untagged(String),
    /// An image, or a stack of layers.
    Deleted(Digest),
}

impl Images {
    /// Removes a name, and the image if that was its last one.
    ///
    /// By name: the name goes, and the image with its last one. By id: the image goes, if it has
    /// one name at most or force is given. Images that only this one was built on go as well.
    pub async fn remove(
        &self,
        name: &str,
        options: RemoveImage,
    ) -> Result<Vec<DeletedImage>, RemoveImageError> {
        let (images, name) = (self.clone(), name.to_owned());
        let work = tokio::task::spawn_blocking(move || images.remove_now(&name, options));
        work.await.unwrap_or(Err(RemoveImageError::Closing))
    }

    pub(super) fn remove_now(
        &self,
        name: &str,
        options: RemoveImage,
    ) -> Result<Vec<DeletedImage>, RemoveImageError> {
        let image = self.find(name)?;
        let references = self.inner.store.refs_of(&image.id);
        let mut removal = Removal {
            images: self,
            options,
            records: Vec::new(),
        };
        let mut quiet = false;
        if is_id_prefix(&image.id, name) {
            if is_single(&references) {
                removal.check(
                    &image,
                    Conflicts {
                        references: false,
                        ..removal.conflicts()
                    },
                )?;
                for reference in &references {
                    removal.untag(&image, reference)?;
                }
            }
        } else {
            if !options.force && is_single(&references) {
                removal.check_users(&image, name)?;
            }
            let reference = ImageRef::parse(name).map_err(lockgate_store::ResolveError::from);
            let reference = reference.map_err(ImageError::from)?;
            if !removal.untag_with_digests(&image, &reference)? {
                return Ok(removal.records);
            }
            quiet = true;
        }
        removal.delete(&image, quiet)?;
        Ok(removal.records)
    }
}

/// What is looked for before an image goes.
#[derive(Clone, Copy)]
struct Conflicts {
    references: bool,
    stopped: bool,
}

struct Removal<'a> {
    images: &'a Images,
    options: RemoveImage,
    records: Vec<DeletedImage>,
}

impl Removal<'_> {
    fn conflicts(&self) -> Conflicts {
        Conflicts {
            references: !self.options.force,
            stopped: !self.options.force,
        }
    }

    /// The last name of an image in use stays: the image would be left without one.
    fn check_users(&self, image: &Image, name: &str) -> Result<(), RemoveImageError> {
        match self.images.users(&image.id).into_iter().next() {
            None => Ok(()),
            Some(user) => Err(RemoveImageError::InUse {
                name: name.to_owned(),
                container: user.id.short().to_owned(),
                image: short(&image.id),
            }),
        }
    }

    fn check(&self, image: &Image, look: Conflicts) -> Result<(), RemoveImageError> {
        let store = &self.images.inner.store;
        let conflict = |hard, reason| {
            Err(RemoveImageError::Conflict {
                image: short(&image.id),
                hard,
                reason,
            })
        };
        if !store.children(&image.id).is_empty() {
            return conflict(true, RemoveConflict::Children);
        }
        let users = self.images.users(&image.id);
        let short_id = |running| {
            let user = users.iter().find(|user| user.running == running);
            user.map(|user| user.id.short().to_owned())
        };
        if let Some(running) = short_id(true) {
            return conflict(true, RemoveConflict::Running(running));
        }
        if look.references && !store.refs_of(&image.id).is_empty() {
            return conflict(false, RemoveConflict::References);
        }
        match short_id(false).filter(|_| look.stopped) {
            Some(stopped) => conflict(false, RemoveConflict::Stopped(stopped)),
            None => Ok(()),
        }
    }

    fn untag(&mut self, image: &Image, reference: &ImageRef) -> Result<(), RemoveImageError> {
        let store = &self.images.inner.store;
        store.untag(reference).map_err(ImageError::from)?;
        self.images.tell(&image.id, &image.id.to_string(), "untag");
        self.records
            .push(DeletedImage::Untagged(reference.familiar()));
        Ok(())
    }

    /// Digest references go with the last tag of their repository. Says whether no name is left.
    fn untag_with_digests(
        &mut self,
        image: &Image,
        reference: &ImageRef,
    ) -> Result<bool, RemoveImageError> {
        self.untag(image, reference)?;
        let left = self.images.inner.store.refs_of(&image.id);
        let in_repository = |other: &ImageRef| other.familiar_name() == reference.familiar_name();
        let has_tag = left
            .iter()
            .any(|other| other.tag().is_some() && in_repository(other));
        if reference.digest().is_none() && !has_tag {
            for digest in left.iter().filter(|other| in_repository(other)) {
                self.untag(image, digest)?;
            }
        }
        Ok(self.images.inner.store.refs_of(&image.id).is_empty())
    }

    /// Removes the image, then those that it was built on as long as nothing keeps them.
    fn delete(&mut self, image: &Arc<Image>, quiet: bool) -> Result<(), RemoveImageError> {
        let store = self.images.inner.store.clone();
        if let Err(conflict) = self.check(image, self.conflicts()) {
            let is_used = matches!(
                conflict,
                RemoveImageError::Conflict {
                    reason: RemoveConflict::Running(_) | RemoveConflict::Stopped(_),
                    ..
                }
            );
            let is_dangling =
                store.refs_of(&image.id).is_empty() && store.children(&image.id).is_empty();
            return if quiet && (!is_dangling || is_used) {
                Ok(())
            } else {
                Err(conflict)
            };
        }
        for reference in store.refs_of(&image.id) {
            self.untag(image, &reference)?;
        }
        let removed = store.remove(&image.id).map_err(ImageError::from)?;
        self.images.tell(&image.id, &image.id.to_string(), "delete");
        self.records
            .extend(removed.deleted.into_iter().map(DeletedImage::Deleted));
        match image.parent.and_then(|parent| store.image(&parent)) {
            Some(parent) if !self.options.no_prune => {
                self.options.force = false;
                self.delete(&parent, true)
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether `text` means the image by its id: dockerd asks this before it looks at names.
fn is_id_prefix(id: &Digest, text: &str) -> bool {
    id.to_string().starts_with(text) || id.hex().starts_with(text)
}

/// One name at most, not counting digests of the same repository.
fn is_single(references: &[ImageRef]) -> bool {
    let mut tags = references
        .iter()
        .filter(|reference| reference.digest().is_none());
    let (tag, more) = (tags.next(), tags.next());
    let Some(name) = tag
        .or_else(|| references.first())
        .map(ImageRef::familiar_name)
    else {
        return true;
    };
    references.len() == 1
        || (more.is_none() && references.iter().all(|r| r.familiar_name() == name))
}

/// The first 12 digits.
fn short(id: &Digest) -> String {
    id.hex().chars().take(12).collect()
}
