//! The text of the policy file, read from a place that only its owner can change.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::PolicyError;

/// The text; `None` if nothing has that name.
pub(super) fn read(path: &Path) -> Result<Option<String>, PolicyError> {
    let metadata = match std::fs::metadata(path) {
        // A link to nowhere is a file that was lost, not one that nobody wrote.
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        result => result.map_err(PolicyError::Read)?,
    };
    // A FIFO in its place would be waited for.
    if !metadata.is_file() {
        return Err(PolicyError::Read(io::Error::other("it is no regular file")));
    }
    let mut file = File::open(path).map_err(PolicyError::Read)?;
    let mode = file.metadata().map_err(PolicyError::Read)?.mode();
    if mode & ANYBODY_WRITES != 0 {
        return Err(PolicyError::Changeable);
    }
    let mut text = String::new();
    (&mut file)
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(PolicyError::Read)?;
    if text.len() as u64 > LONGEST {
        return Err(PolicyError::Read(ErrorKind::FileTooLarge.into()));
    }
    if text.trim().is_empty() {
        return Err(PolicyError::Empty);
    }
    Ok(Some(text))
}

/// No policy that somebody wrote is longer.
const LONGEST: u64 = 4 << 20;
/// Write permission of others.
const ANYBODY_WRITES: u32 = 0o002;
