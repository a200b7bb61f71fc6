//! Disk usage of images, containers and volumes.

use lockgate_types::ErrorKind;

use crate::engine::Engine;
use crate::image::{ImageError, ImageListQuery, ImageSummary};
use crate::volume::VolumeUsage;

/// What takes up how much room. Containers are listed by [`crate::Containers::list`] with sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Bytes of content in all layers, each counted once.
    pub layers_size: i64,
    /// All images, with what they share and how many containers they have.
    pub images: Vec<ImageSummary>,
    /// All volumes, with their sizes and users.
    pub volumes: Vec<VolumeUsage>,
}

/// Why disk usage cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum DiskUsageError {
    /// The images cannot be listed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The engine is closing.
    #[error("the engine is shutting down")]
    Closing,
}

impl DiskUsageError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Image(error) => error.kind(),
            Self::Closing => ErrorKind::Unavailable,
        }
    }
}

impl Engine {
    /// Measures images and volumes. Volumes are walked, which takes time.
    pub async fn disk_usage(&self) -> Result<DiskUsage, DiskUsageError> {
        let engine = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let query = ImageListQuery {
                containers: true,
                shared_size: true,
                ..ImageListQuery::default()
            };
            Ok(DiskUsage {
                layers_size: engine.images().content_size(),
                images: engine.images().list(&query)?,
                volumes: engine.volumes().usage(),
            })
        });
        work.await.unwrap_or(Err(DiskUsageError::Closing))
    }
}
