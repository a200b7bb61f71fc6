//! File trees to tar streams and back, on directory handles.
//!
//! Both directions work while a hostile program changes the tree: every step is one component down from a handle,
//! or an `openat2` that cannot leave the starting handle. What a file is, is asked of an open handle and not of a
//! name. Nothing is executed. Memory does not grow with the size of the tree, but for names of hard links and
//! directories, which are limited.
#![warn(clippy::indexing_slicing, clippy::string_slice)]

mod error;
mod handle;
mod header;
mod pack;
mod unpack;

pub use error::{PackError, UnpackError};
pub use handle::{clear, open_in_root};
pub use pack::{Form, Packer};
pub use unpack::{UnpackOptions, ensure_directory, unpack_tree};

/// Directories nested deeper are refused, as they are in layers.
const MAX_DEPTH: usize = 256;
