//! Unix sockets: who may open them, and what stands in their way.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use super::BindError;

/// A socket in the file system, removed when dropped if it is still this one.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Makes the socket under another name, gives it mode 0660 and its group, and moves it to its
/// place: nobody can connect to it before it is as it should be. A stale socket is replaced; one
/// that somebody serves, and anything that is no socket, is not.
pub(super) fn bind(
    path: &Path,
    group: Option<u32>,
) -> Result<(StdListener, SocketFile), BindError> {
    let failed = |source| BindError::Socket {
        address: format!("unix://{}", path.display()),
        source,
    };
    check_place(path)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    remove(&temporary).map_err(failed)?;
    let listener = StdListener::bind(&temporary).map_err(failed)?;
    let ready = prepare(&temporary, group).and_then(|inode| {
        std::fs::rename(&temporary, path)?;
        Ok(inode)
    });
    let inode = ready.map_err(|error| {
        // The first error is the one to tell.
        remove(&temporary).unwrap_or_default();
        failed(error)
    })?;
    Ok((
        listener,
        SocketFile {
            path: path.to_owned(),
            inode,
        },
    ))
}

fn check_place(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Socket {
        address: format!("unix://{}", path.display()),
        source,
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.file_type().is_socket() {
        return Err(BindError::NoSocket {
            path: path.to_owned(),
        });
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) | Err(_) => Err(BindError::InUse {
            path: path.to_owned(),
        }),
    }
}

fn prepare(path: &Path, group: Option<u32>) -> io::Result<u64> {
    std::os::unix::fs::chown(path, None, group)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(std::fs::symlink_metadata(path)?.ino())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let same = std::fs::symlink_metadata(&self.path).is_ok_and(|now| now.ino() == self.inode);
        if same && let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %error, "cannot remove the socket");
        }
    }
}
