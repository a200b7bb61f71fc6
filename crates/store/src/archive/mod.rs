//! Images as archives: what `docker save` and other tools write, in and out.
#![warn(clippy::indexing_slicing, clippy::string_slice)]

mod commit;
mod compression;
mod hash;
mod import;
mod load;
mod manifest;
mod members;
mod pin;
mod pump;
mod save;

pub use commit::CommitOptions;
pub(crate) use compression::open;

use lockgate_types::container::ContainerConfig;
use lockgate_types::{Digest, ImageRef};

/// An image that an archive brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The image id.
    pub id: Digest,
    /// The references that the archive gave it, in the archive's order.
    pub refs: Vec<ImageRef>,
    /// References that named another image before, and which.
    pub replaced: Vec<(ImageRef, Digest)>,
}

/// How far a load is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadProgress {
    /// Bytes of a layer were read. A layer that is here already reports nothing.
    Layer {
        /// The first 12 digits of the name the archive has for it.
        id: String,
        /// Bytes so far.
        current: u64,
        /// All bytes of it in the archive.
        total: u64,
    },
    /// The commit got further.
    Stage(LoadStage),
}

/// The steps of a commit, in order. Being killed before the last one leaves nothing of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStage {
    /// Everything was read and verified.
    Verified,
    /// The contents outlive a loss of power.
    Synced,
    /// The layers are in their places.
    Placed,
    /// The configurations are in their places.
    Described,
    /// The index names the images: done.
    Committed,
}

/// What to save: an image, and the references to save with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveItem {
    /// The image id.
    pub image: Digest,
    /// References that go into the archive; none for an image saved by id.
    pub refs: Vec<ImageRef>,
}

/// How to make an image of a root file system.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The history entry's comment.
    pub message: String,
    /// What containers of it run.
    pub config: ContainerConfig,
    /// Architecture, `amd64` for example; empty for this machine's.
    pub architecture: String,
    /// Variant of the architecture, mostly empty.
    pub variant: String,
    /// The reference it gets.
    pub reference: Option<ImageRef>,
}

/// This machine in the words of the image specification.
pub(crate) fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
