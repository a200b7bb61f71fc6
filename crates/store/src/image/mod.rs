//! Images: their configuration, their place in the index, their removal.

mod config;
mod index;
mod remove;
mod resolve;
mod tag;

pub use config::{History, ImageConfig, RootFs};
pub(crate) use index::{Index, IndexEntry};
pub use remove::Removed;

use lockgate_types::{Digest, Timestamp};

use crate::layer::chain_ids;

/// An image as the store has it. Immutable; tags live beside it ([`crate::Store::refs_of`]).
#[derive(Clone, Debug)]
pub struct Image {
    /// SHA-256 of the raw configuration.
    pub id: Digest,
    /// The configuration, parsed.
    pub config: ImageConfig,
    /// The configuration, byte for byte.
    pub raw_config: Vec<u8>,
    /// The image that this one was built on, if that was here.
    pub parent: Option<Digest>,
    /// Bytes of file content in all layers.
    pub size: i64,
    /// Diff ids, lowest first. Each names a folder in `layers/`.
    pub layers: Vec<Digest>,
    /// When it was last given a tag here; `None` if never.
    pub last_tag_time: Option<Timestamp>,
}

impl Image {
    /// The identities of the layer stacks, lowest first (OCI image spec, "Layer ChainID").
    pub fn chain_ids(&self) -> Vec<Digest> {
        chain_ids(&self.layers)
    }
}
