//! SHA-256 in hex.

use aws_lc_rs::digest::{SHA256, digest};
use lockgate_types::hex;

/// SHA-256 of `bytes`, in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}
