//! The nouns of Lockgate: identifiers, names and Docker's object shapes, without any I/O.
//!
//! Every other crate speaks in these types. A value that came from outside becomes one of them at
//! the door, by `parse` or `FromStr`, and is not checked again further in. The shapes in
//! [`container`], [`network`] and [`event`] are those of the newest Docker API version; older
//! versions are converted to and from them in `lockgate-api`, nowhere else.
#![forbid(unsafe_code)]

pub mod container;
mod digest;
mod error_kind;
pub mod event;
mod id;
mod id_map;
pub mod network;
mod reference;
mod secret;
mod signal;
mod timestamp;

pub use digest::{Digest, DigestError};
pub use error_kind::ErrorKind;
pub use id::{ContainerId, ContainerName, ExecId, IdError, NetworkId, VolumeName, hex, random_hex};
pub use id_map::{IdMap, IdMapping, IdRange};
pub use reference::{ImageRef, ReferenceError};
pub use secret::Secret;
pub use signal::{Signal, SignalError};
pub use timestamp::Timestamp;

/// The label that says who made an object. Clients cannot set it.
pub const OWNER_LABEL: &str = "lockgate.owner";
