//! `images/index.json`: which images exist and how they are tagged, the one commit point.

use std::collections::BTreeMap;

use lockgate_types::{Digest, ImageRef, Timestamp};
use serde::{Deserialize, Serialize};

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// By image id.
    pub(crate) images: BTreeMap<Digest, IndexEntry>,
    /// References, `domain/path:tag` and `domain/path@digest`, to image ids.
    pub(crate) references: BTreeMap<ImageRef, Digest>,
}

/// What is known of an image beside its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexEntry {
    /// The image that it was built on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) parent: Option<Digest>,
    /// When it was last given a tag.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) last_tag_time: Option<Timestamp>,
}
