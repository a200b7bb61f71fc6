//! What a dead holder left: containers whose supervisors live in its namespaces.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::process::geteuid;

/// A supervisor of a container of this exec root.
pub(super) fn find(exec_root: &Path) -> Result<Option<i32>> {
    let containers = exec_root.join("containers");
    for entry in fs::read_dir("/proc").context("/proc")? {
        let entry = entry.context("/proc")?;
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Whatever cannot be read has ended, or is not ours.
        let is_ours = entry
            .metadata()
            .is_ok_and(|found| found.uid() == geteuid().as_raw());
        if is_ours
            && is_supervisor(
                &fs::read(entry.path().join("cmdline")).unwrap_or_default(),
                &containers,
            )
        {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

/// Whether this is the command line `lockgate-shim --socket CONTAINERS/...`.
fn is_supervisor(line: &[u8], containers: &Path) -> bool {
    let mut words = line.split(|byte| *byte == 0);
    let program = words
        .next()
        .map(|word| Path::new(std::ffi::OsStr::from_bytes(word)));
    let is_shim = program
        .and_then(Path::file_name)
        .is_some_and(|name| name == "lockgate-shim");
    let is_socket = words.next() == Some(b"--socket");
    let socket = words
        .next()
        .map(|word| Path::new(std::ffi::OsStr::from_bytes(word)));
    is_shim && is_socket && socket.is_some_and(|socket| socket.starts_with(containers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supervisors_are_known_by_their_sockets() {
        let ours = Path::new("/run/user/1/lockgate/containers");
        for (line, expected) in [
            (
                &b"/x/lockgate-shim\0--socket\0/run/user/1/lockgate/containers/a/s\0"[..],
                true,
            ),
            (
                b"lockgate-shim\0--socket\0/run/user/1/lockgate/containers2/a/s\0",
                false,
            ),
            (b"lockgate-shim\0--version\0", false),
            (
                b"sh\0--socket\0/run/user/1/lockgate/containers/a/s\0",
                false,
            ),
            (b"", false),
        ] {
            assert_eq!(is_supervisor(line, ours), expected, "{line:?}");
        }
    }
}
