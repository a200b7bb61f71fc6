//! Opening the files of a trail, whatever somebody has put in their place.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// No link is followed and nobody is waited for: a pipe that nobody reads is full, and a full file is an error.
pub(super) const PLAIN: i32 =
    (OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits() | OFlags::NOCTTY.bits()).cast_signed();
const LINKED: i32 = (OFlags::NONBLOCK.bits() | OFlags::NOCTTY.bits()).cast_signed();

/// A file beside the trail.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// An error if it is a device, a pipe, a directory.
pub(super) fn is_ordinary(file: &File, what: &str) -> io::Result<()> {
    if file.metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::other(format!("{what} is no regular file")))
}

/// The file that is written to. A link is good for a device (`/dev/stderr`); key, head and older files would lie
/// beside the link, and a rotation would move it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    let opened = options.clone().create(true).custom_flags(PLAIN).open(path);
    match opened {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => {
            let file = options.custom_flags(LINKED).open(path)?;
            if file.metadata()?.is_file() {
                return Err(io::Error::other(
                    "it is a symbolic link; name the file that it leads to",
                ));
            }
            Ok(file)
        }
        other => other,
    }
}

/// A file that nobody else has open: what a killed process or somebody else left under the name is removed.
pub(super) fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(PLAIN)
        .open(path)?;
    // Whatever the umask is.
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Whether that is the file of this name.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let own = file.metadata().map(place).ok();
    own.is_some() && own == std::fs::symlink_metadata(path).map(place).ok()
}

/// The full files of a trail, oldest first, with the number of their first record.
pub(super) fn archives(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let prefix = format!(
        "{}.",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .strip_prefix(&prefix)
            .filter(|rest| rest.len() == 20 && rest.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|rest| rest.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort();
    Ok(found)
}
