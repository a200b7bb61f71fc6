//! Images from archives.

use std::io::Read;

use lockgate_store::{LoadProgress, Loaded};
use lockgate_types::ImageRef;

use super::Images;
use super::error::LoadImageError;

/// What is told while an archive is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadMessage {
    /// A layer is being read.
    Layer {
        /// The first 12 digits of its name.
        id: String,
        /// Bytes so far.
        current: u64,
        /// All its bytes in the archive.
        total: u64,
    },
    /// A line for people, with its line end.
    Text(String),
}

impl Images {
    /// Loads the images of an archive (`docker save`, OCI layout). `reader` is read and `tell` is
    /// called on a blocking thread. If this fails, nothing was loaded.
    pub async fn load(
        &self,
        reader: impl Read + Send + 'static,
        mut tell: impl FnMut(LoadMessage) + Send + 'static,
    ) -> Result<Vec<Loaded>, LoadImageError> {
        let images = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let loaded = images.inner.store.load(reader, &mut |progress| {
                if let LoadProgress::Layer { id, current, total } = progress {
                    tell(LoadMessage::Layer { id, current, total });
                }
            })?;
            for image in &loaded {
                images.tell(&image.id, &image.id.to_string(), "load");
            }
            for line in lines(&loaded) {
                tell(LoadMessage::Text(line));
            }
            Ok(loaded)
        });
        work.await.unwrap_or(Err(LoadImageError::Closing))
    }
}

/// What dockerd says at the end.
fn lines(loaded: &[Loaded]) -> Vec<String> {
    let mut lines = Vec::new();
    for image in loaded {
        for (reference, before) in &image.replaced {
            let name = reference.familiar();
            lines.push(format!(
                "The image {name} already exists, renaming the old one with ID {before} to empty string\n"
            ));
        }
        for name in image.refs.iter().map(ImageRef::familiar) {
            lines.push(format!("Loaded image: {name}\n"));
        }
    }
    if loaded.iter().all(|image| image.refs.is_empty()) {
        lines.extend(
            loaded
                .iter()
                .map(|image| format!("Loaded image ID: {}\n", image.id)),
        );
    }
    lines
}
