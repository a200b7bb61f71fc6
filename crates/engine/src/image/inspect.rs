//! Everything about one image.

use std::collections::BTreeMap;

use lockgate_store::ImageConfig;
use lockgate_types::container::ContainerConfig;
use lockgate_types::{Digest, Timestamp};

use super::error::ImageError;
use super::{Images, split_references};

/// An image in detail.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageInspect {
    /// The image id.
    pub id: Digest,
    /// `app:1`, …
    pub repo_tags: Vec<String>,
    /// `app@sha256:…`, …
    pub repo_digests: Vec<String>,
    /// The image that it was built on.
    pub parent: Option<Digest>,
    /// The comment of its making.
    pub comment: String,
    /// When it was made, if it says.
    pub created: Option<Timestamp>,
    /// The container that it was made from, by a classic builder.
    pub container: String,
    /// That container's configuration.
    pub container_config: Option<ContainerConfig>,
    /// The version of the engine that made it.
    pub docker_version: String,
    /// Who made it.
    pub author: String,
    /// `amd64`, …
    pub architecture: String,
    /// Variant of the architecture.
    pub variant: String,
    /// `linux`.
    pub os: String,
    /// Version of the operating system.
    pub os_version: String,
    /// Bytes of content.
    pub size: i64,
    /// Directories of the overlay: `LowerDir` (if there are several layers), `UpperDir`, `WorkDir`, `MergedDir`.
    pub graph_driver: BTreeMap<String, String>,
    /// Diff ids, lowest first.
    pub layers: Vec<Digest>,
    /// When it was last given a tag here.
    pub last_tag_time: Option<Timestamp>,
    /// What containers of it run.
    pub config: ContainerConfig,
}

/// Commits leave theirs in the history alone.
fn comment(config: &ImageConfig) -> String {
    let last = config.history.last();
    match last {
        Some(step) if config.comment.is_empty() => step.comment.clone(),
        _ => config.comment.clone(),
    }
}

impl Images {
    /// Tells everything about one image.
    pub fn inspect(&self, name: &str) -> Result<ImageInspect, ImageError> {
        let image = self.find(name)?;
        let (repo_tags, repo_digests) = split_references(&self.inner.store.refs_of(&image.id));
        let config = &image.config;
        Ok(ImageInspect {
            id: image.id,
            repo_tags,
            repo_digests,
            parent: image.parent,
            comment: comment(config),
            created: config.created,
            container: config.container.clone(),
            container_config: config.container_config.clone(),
            docker_version: config.docker_version.clone(),
            author: config.author.clone(),
            architecture: config.architecture.clone(),
            variant: config.variant.clone(),
            os: if config.os.is_empty() {
                "linux".to_owned()
            } else {
                config.os.clone()
            },
            os_version: config.os_version.clone(),
            size: image.size,
            graph_driver: self.graph_driver(&image.layers),
            layers: image.layers.clone(),
            last_tag_time: image.last_tag_time,
            config: config.config.clone(),
        })
    }

    fn graph_driver(&self, layers: &[Digest]) -> BTreeMap<String, String> {
        let mut data = BTreeMap::new();
        let path = |id: &Digest| {
            self.inner
                .store
                .layer_path(id)
                .to_string_lossy()
                .into_owned()
        };
        if let Some((top, lower)) = layers.split_last() {
            let upper = path(top);
            let base = upper.strip_suffix("/diff").unwrap_or(&upper).to_owned();
            if !lower.is_empty() {
                let lower: Vec<String> = lower.iter().rev().map(path).collect();
                data.insert("LowerDir".to_owned(), lower.join(":"));
            }
            data.insert("MergedDir".to_owned(), format!("{base}/merged"));
            data.insert("UpperDir".to_owned(), upper);
            data.insert("WorkDir".to_owned(), format!("{base}/work"));
        }
        data
    }
}
