//! The text of the policy file, read from a place that only its owner can change.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::PolicyError;

/// The text; `None` if nothing has that name.
pub(super) fn read(path: &Path) -> Result<Option<String>, PolicyError> {
    let file = match lockgate_sys::file::open_regular(path) {
        // A link to nowhere is a file that was lost, not one that nobody wrote.
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        result => result.map_err(PolicyError::Read)?,
    };
    let mode = file.metadata().map_err(PolicyError::Read)?.mode();
    if mode & ANYBODY_WRITES != 0 {
        return Err(PolicyError::Changeable);
    }
    let text = lockgate_sys::file::read_limited(file, LONGEST).map_err(PolicyError::Read)?;
    let text = String::from_utf8(text)
        .map_err(|error| PolicyError::Read(io::Error::new(ErrorKind::InvalidData, error)))?;
    if text.trim().is_empty() {
        return Err(PolicyError::Empty);
    }
    Ok(Some(text))
}

/// No policy that somebody wrote is longer.
const LONGEST: u64 = 4 << 20;
/// Write permission of others.
const ANYBODY_WRITES: u32 = 0o002;
