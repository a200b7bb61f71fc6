//! Unix sockets whose paths are longer than an address holds (unix(7): 107 bytes).

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// `sun_path` has 108 bytes, the last of which is zero.
const LONGEST: usize = 107;

/// Listens on `path`, however long it is.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    with_short(path, |short| UnixListener::bind(short))
}

/// Connects to `path`, however long it is. Does not wait, except for a full backlog.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    with_short(path, |short| UnixStream::connect(short))
}

/// Names the folder by a descriptor if the whole path is too long for an address.
fn with_short<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return act(path);
    };
    if path.as_os_str().len() <= LONGEST {
        return act(path);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_limit_of_an_address_work() {
        let folder =
            std::env::temp_dir().join(format!("{}-{}", "d".repeat(120), std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("socket");
        let listener = listen(&path).unwrap();
        let _stream = connect(&path).unwrap();
        listener.accept().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
