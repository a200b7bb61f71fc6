//! Layers: `layers/<diff id>/{layer.json,diff/,skeleton.zst,shadow/}`.
//!
//! ```text
//! diff/         the layer's files in overlay form: whiteouts are 0:0 character devices,
//!               opaque directories carry trusted.overlay.opaque
//! skeleton.zst  the tar stream without the contents of files that diff/ has
//! shadow/<n>    contents of files that later members of the same tar replaced (rarely there)
//! ```
//!
//! Diff and skeleton together give back the tar stream byte for byte (`reassemble`).
#![warn(clippy::indexing_slicing, clippy::string_slice)]

mod extract;
mod meta;
mod parents;
mod path;
mod reassemble;
mod skeleton;
mod sparse;
mod tar_reader;
mod unpack;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256, digest};
use lockgate_sys::file::Durability;
use lockgate_types::Digest;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::state_file::StateFile;

pub(crate) use meta::Numbers;
pub(crate) use path::{clean_path, display};
pub(crate) use reassemble::reassemble;
pub(crate) use sparse::Contents;
pub(crate) use tar_reader::{Entry, Kind, TarReader, is_header};
pub(crate) use unpack::{Unpacked, unpack};

/// What is remembered of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// SHA-256 of the uncompressed tar stream.
    pub diff_id: Digest,
    /// Bytes of file content (files once, symbolic links by their target).
    pub size: i64,
    /// Length of the uncompressed tar stream.
    pub tar_size: u64,
    /// Members of the tar stream.
    pub members: u64,
    /// Whether it hides everything below it.
    pub opaque: bool,
}

impl Layer {
    /// Reads the record of the layer in `directory`; `None` if the layer is not complete.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, StoreError> {
        Ok(record_file(directory).read()?.filter(|layer: &Self| {
            directory
                .file_name()
                .is_some_and(|name| *name == *layer.diff_id.hex())
        }))
    }

    pub(crate) fn write(&self, directory: &Path) -> Result<(), StoreError> {
        record_file(directory).write(self)
    }
}

/// The identities of layer stacks: the first diff id, then SHA-256 of `<chain below> <diff id>`
/// (OCI image spec, `config.md`, "Layer ChainID").
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chains: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        chains.push(match chains.last() {
            None => *diff_id,
            Some(below) => digest_of(format!("{below} {diff_id}").as_bytes()),
        });
    }
    chains
}

/// SHA-256 of `bytes`.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    to_digest(digest(&SHA256, bytes).as_ref())
}

/// The digest that a finished context holds.
pub(crate) fn finish(context: Context) -> Digest {
    to_digest(context.finish().as_ref())
}

fn to_digest(bytes: &[u8]) -> Digest {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    Digest::from_bytes(array)
}

/// Bytes of all files under `root`, hard links once, directories not counted.
pub(crate) fn tree_size(root: &Path) -> io::Result<i64> {
    let mut seen = HashSet::new();
    let mut pending = vec![root.to_owned()];
    let mut size = 0_i64;
    while let Some(directory) = pending.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // A running container removes things while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                pending.push(entry.path());
            } else if metadata.nlink() < 2 || seen.insert((metadata.dev(), metadata.ino())) {
                size = size.saturating_add(i64::try_from(metadata.len()).unwrap_or(i64::MAX));
            }
        }
    }
    Ok(size)
}

fn record_file(directory: &Path) -> StateFile<Layer> {
    StateFile::new(directory.join("layer.json"), 1, Durability::Crash)
}

/// Members that one layer may have. Real images stay below a tenth of it; the limit keeps the
/// memory that unpacking needs (some 60 bytes per file, 200 per directory) bounded.
pub(crate) const MAX_MEMBERS: u64 = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_follow_the_specification() {
        let a = digest_of(b"a");
        let b = digest_of(b"b");
        let chains = chain_ids(&[a, b, b]);
        assert_eq!(chains[0], a);
        assert_eq!(chains[1], digest_of(format!("{a} {b}").as_bytes()));
        assert_eq!(
            chains[2],
            digest_of(format!("{} {b}", chains[1]).as_bytes())
        );
        assert!(chain_ids(&[]).is_empty());
    }
}
