//! Why the store could not do what it was asked, one family per kind of work.

use std::io;

use lockgate_types::{Digest, ErrorKind, ReferenceError};

/// The store itself is in trouble: the disk, the layout, a damaged file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The kernel refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A newer version has written this data root.
    #[error("the data root has schema {found}, this version knows up to {known}")]
    NewerSchema {
        /// What the file says.
        found: u32,
        /// The newest schema known here.
        known: u32,
    },
    /// A file of ours does not parse.
    #[error("damaged state file `{name}`: {source}")]
    Damaged {
        /// The file's name within the data root.
        name: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The image is not there (any more).
    #[error("No such image: {0}")]
    NoSuchImage(Digest),
    /// A layer that an image needs is not there.
    #[error("missing layer: `{0}`")]
    MissingLayer(Digest),
}

impl StoreError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchImage(_) => ErrorKind::NotFound,
            Self::Io { .. } | Self::Damaged { .. } | Self::MissingLayer(_) => ErrorKind::Internal,
            Self::NewerSchema { .. } => ErrorKind::Unsupported,
        }
    }

    /// Names the action that a system call was for.
    pub(crate) fn io<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            action,
            source: source.into(),
        }
    }
}

/// A layer's tar stream was refused or could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A member that must not or cannot be unpacked.
    #[error("refused archive member `{path}`: {reason}")]
    Member {
        /// The member's name as the archive has it.
        path: String,
        /// Why.
        reason: RefusedMember,
    },
    /// The stream is no tar archive, or damaged.
    #[error("damaged tar archive: {0}")]
    Tar(&'static str),
    /// The stream ends in the middle.
    #[error("truncated tar archive")]
    Truncated,
    /// More members than a layer may have.
    #[error("more than {0} members in one layer")]
    TooManyMembers(u64),
    /// Reading the stream failed (this includes damaged compressed data).
    #[error("cannot read the archive: {0}")]
    Read(#[source] io::Error),
    /// The file system refused.
    #[error("cannot unpack `{path}`: {source}")]
    Write {
        /// The member.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The store is in trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with an archive member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedMember {
    /// `..` in a name.
    #[error("the name has a `..` component")]
    ParentComponent,
    /// NUL in a name, or an empty one where it must not be.
    #[error("the name is empty or has a NUL")]
    BadName,
    /// Longer or deeper than the limits.
    #[error("the name is too long or too deep")]
    TooLong,
    /// A parent of it is no directory, or a link that leads nowhere.
    #[error("its parent is no directory")]
    NoParent,
    /// A hard link to something that is not in this layer, or is a directory.
    #[error("the hard link's target is not a file of this layer")]
    HardLinkTarget,
    /// A whiteout that names nothing that can be deleted.
    #[error("the whiteout names no file")]
    Whiteout,
    /// Character device 0:0 means "deleted" to the overlay file system.
    #[error("character device 0:0 is reserved for whiteouts")]
    WhiteoutDevice,
    /// `trusted.overlay.*` steers the overlay file system, in a user namespace `user.overlay.*`.
    #[error(
        "extended attributes {}* are reserved",
        lockgate_sys::userns::overlay_prefix()
    )]
    OverlayAttribute,
    /// A user or group that the containers' user namespace does not have.
    #[error("container ids {0}:{1} cannot be mapped to host ids")]
    Owner(u32, u32),
    /// A file of an image archive itself; those of its layers may be sparse.
    #[error("sparse files are not supported here: make the archive without --sparse")]
    Sparse,
    /// A type that makes no sense in an image.
    #[error("unsupported type of member")]
    Type,
    /// The root of the layer can only be a directory.
    #[error("the root must be a directory")]
    RootType,
}

impl LayerError {
    /// The same error once more, for a member that is named twice.
    pub(crate) fn again(&self) -> Self {
        let copy = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
        match self {
            Self::Member { path, reason } => Self::Member {
                path: path.clone(),
                reason: *reason,
            },
            Self::Tar(what) => Self::Tar(what),
            Self::Truncated => Self::Truncated,
            Self::TooManyMembers(limit) => Self::TooManyMembers(*limit),
            Self::Read(error) => Self::Read(copy(error)),
            Self::Write { path, source } => Self::Write {
                path: path.clone(),
                source: copy(source),
            },
            Self::Store(error) => {
                let source = io::Error::other(error.to_string());
                Self::Store(StoreError::Io {
                    action: "unpack a layer",
                    source,
                })
            }
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Member { .. }
            | Self::Tar(_)
            | Self::Truncated
            | Self::TooManyMembers(_)
            | Self::Read(_) => ErrorKind::InvalidInput,
            Self::Write { .. } => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
        }
    }
}

/// An image archive could not be loaded; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither `manifest.json` nor `index.json` is there.
    #[error("not an image archive: neither manifest.json nor index.json found")]
    NotAnImage,
    /// A layer was refused.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The manifest names a member that the archive does not have.
    #[error("the archive has no member `{0}`")]
    MissingMember(String),
    /// A member that should be JSON of a known shape is not.
    #[error("cannot parse `{name}`: {source}")]
    Json {
        /// The member.
        name: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// Configuration or manifest beyond the limit.
    #[error("`{name}` is larger than the limit of {limit} bytes for metadata")]
    TooLarge {
        /// The member.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// Content does not match the digest that names it.
    #[error("digest mismatch for `{name}`: expected {expected}, got {actual}")]
    DigestMismatch {
        /// What was named by digest.
        name: String,
        /// As the metadata says.
        expected: Digest,
        /// As computed.
        actual: Digest,
    },
    /// The manifest lists another number of layers than the configuration.
    #[error("invalid manifest, layers length mismatch: expected {expected}, got {actual}")]
    LayerCount {
        /// Diff ids in the configuration.
        expected: usize,
        /// Layers in the manifest.
        actual: usize,
    },
    /// The archive holds nothing for this machine.
    #[error("no image for platform {0} in the archive")]
    Platform(String),
    /// An image for another operating system.
    #[error("cannot load {0} image on linux")]
    OperatingSystem(String),
    /// Something that should be a configuration or manifest is a tar archive or compressed.
    #[error("`{0}` is no JSON document")]
    NotMetadata(String),
    /// Two members of one name with different contents.
    #[error("the archive has two members `{0}`")]
    Duplicate(String),
    /// Indexes nested too deeply, or too many of anything.
    #[error("the archive's {0} exceed the limit")]
    TooMany(&'static str),
    /// A tag that is no reference.
    #[error("invalid tag {tag:?}: {source}")]
    Tag {
        /// As the archive has it.
        tag: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// The store is in trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoadError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAnImage
            | Self::MissingMember(_)
            | Self::Json { .. }
            | Self::TooLarge { .. }
            | Self::DigestMismatch { .. }
            | Self::LayerCount { .. }
            | Self::TooMany(_)
            | Self::NotMetadata(_)
            | Self::Duplicate(_)
            | Self::Tag { .. } => ErrorKind::InvalidInput,
            Self::Platform(_) => ErrorKind::NotFound,
            Self::OperatingSystem(_) => ErrorKind::Unsupported,
            Self::Layer(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

/// An archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// No such image.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The receiver is gone, or its disk is full.
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
    /// The layer on disk is not what was loaded.
    #[error("layer {0} is damaged on disk")]
    DamagedLayer(Digest),
    /// The store is in trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SaveError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Resolve(error) => error.kind(),
            Self::Write(_) => ErrorKind::Unavailable,
            Self::DamagedLayer(_) => ErrorKind::Internal,
            Self::Store(error) => error.kind(),
        }
    }
}

/// A text names no image, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing has that name or id.
    #[error("No such image: {0}")]
    NotFound(String),
    /// Outside the grammar of references.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Several ids begin like that.
    #[error("ambiguous image id prefix: {0}")]
    Ambiguous(String),
}

impl ResolveError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Reference(_) | Self::Ambiguous(_) => ErrorKind::InvalidInput,
        }
    }
}

/// A container's writable layer could not be made, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is none for that container.
    #[error("no writable layer for container {0}")]
    NotFound(String),
    /// There is one already.
    #[error("container {0} has a writable layer already")]
    Exists(String),
    /// The store is in trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SnapshotError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::Store(error) => error.kind(),
        }
    }
}
