//! Images from bare root file systems.

use std::io::Read;

use lockgate_store::{ImportOptions, Loaded};
use lockgate_types::container::ContainerConfig;

use super::Images;
use super::change::apply_changes;
use super::error::ImportImageError;
use super::tag::new_reference;

/// What the imported image is to be.
#[derive(Clone, Debug, Default)]
pub struct ImportImage {
    /// The repository of its name; empty for none.
    pub repository: String,
    /// The tag of its name; empty for the one in `repository`, or `latest`.
    pub tag: String,
    /// The comment; empty for `Imported from -`.
    pub message: String,
    /// Dockerfile instructions that set its configuration.
    pub changes: Vec<String>,
    /// `linux[/architecture[/variant]]`; empty for this machine.
    pub platform: String,
}

impl Images {
    /// Makes an image with one layer of a tar stream (plain, bzip2, gzip, xz or zstd), read on a blocking thread.
    pub async fn import(
        &self,
        reader: impl Read + Send + 'static,
        import: ImportImage,
    ) -> Result<Loaded, ImportImageError> {
        let options = options(import)?;
        let images = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let loaded = images.inner.store.import(reader, options)?;
            for reference in &loaded.refs {
                images.tell(&loaded.id, &reference.familiar(), "tag");
            }
            images.tell(&loaded.id, &loaded.id.to_string(), "import");
            Ok(loaded)
        });
        work.await.unwrap_or(Err(ImportImageError::Closing))
    }
}

fn options(import: ImportImage) -> Result<ImportOptions, ImportImageError> {
    let reference = match import.repository.as_str() {
        "" => None,
        repository => Some(new_reference(repository, &import.tag)?),
    };
    let mut parts = import.platform.split('/');
    if !matches!(parts.next(), None | Some("" | "linux")) {
        return Err(ImportImageError::Platform(import.platform));
    }
    let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut config = ContainerConfig::default();
    apply_changes(&mut config, &import.changes)?;
    Ok(ImportOptions {
        message: match import.message.as_str() {
            "" => "Imported from -".to_owned(),
            message => message.to_owned(),
        },
        config,
        architecture: part(parts.next()),
        variant: part(parts.next()),
        reference,
    })
}
