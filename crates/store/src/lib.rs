//! What is durable: images, their layers, and the writable layers of containers.
//!
//! The store owns `images/`, `layers/`, `overlay/`, `tmp/` and `trash/` of the data root. Everything
//! in it is blocking; callers with an async runtime move it to a blocking thread.
//!
//! ```text
//! images/index.json     the one commit point: which images exist, and what their tags are
//! images/<hex>.json     raw configuration, named by its own SHA-256 (the image id)
//! layers/<hex>/         named by diff id: layer.json, diff/ (overlay form), skeleton.zst, shadow/
//! overlay/<container>/  upper/, work/, and links to the image and its layers
//! tmp/                  half-made things, thrown away at open
//! trash/                deleted things, removed in the background and at open
//! ```
//!
//! What an image brings is hostile until it is hashed: it is unpacked through directory handles
//! only ([`Store::load`]), nothing of it is ever executed, and a refused archive leaves the tree as
//! it was. What `images/index.json` does not name does not exist and is removed at open, so that
//! being killed at any instruction leaves either nothing or the whole image.
#![forbid(unsafe_code)]

mod archive;
mod error;
mod image;
mod layer;
mod layout;
mod snapshot;
mod state_file;
mod store;
mod tree;

pub use archive::{CommitOptions, ImportOptions, LoadProgress, LoadStage, Loaded, SaveItem};
pub use error::{
    LayerError, LoadError, RefusedMember, ResolveError, SaveError, SnapshotError, StoreError,
};
pub use image::{History, Image, ImageConfig, Removed, RootFs};
pub use layer::{Layer, chain_ids};
pub use snapshot::Snapshot;
pub use state_file::StateFile;
pub use store::{Store, Usage};
pub use tree::{
    Form, PackError, Packer, UnpackError, UnpackOptions, clear, ensure_directory, open_in_root,
    unpack_tree,
};
