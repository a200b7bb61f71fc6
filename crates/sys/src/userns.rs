//! User namespaces: whether this process is in one of an ordinary user's, and entering them.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

/// Whether the ids of this process are a part of the host's only: its root is not the host's.
///
/// Read once; a process that is about to enter a namespace asks afterwards.
pub fn is_nested() -> bool {
    static NESTED: OnceLock<bool> = OnceLock::new();
    *NESTED.get_or_init(|| {
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        is_partial(&map)
    })
}

/// Whether a map leaves out any id of its parent. A host without user namespaces has no map.
fn is_partial(map: &str) -> bool {
    let mut lines = map.lines();
    let first: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    !map.trim().is_empty() && first != ["0", "0", "4294967295"]
}

/// Whether a group of this number exists here.
pub fn has_group(gid: u32) -> bool {
    let map = std::fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
    map.trim().is_empty() || is_mapped(&map, gid)
}

fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        let (Some(first), Some(_outside), Some(count)) = (next(), next(), next()) else {
            return false;
        };
        id >= first && id - first < count
    })
}

/// What overlayfs' own attributes are called here: a user namespace may not set `trusted.` ones, and
/// its overlays are mounted with `userxattr`.
pub fn overlay_prefix() -> &'static str {
    if is_nested() {
        "user.overlay."
    } else {
        "trusted.overlay."
    }
}

/// The attribute of a directory that hides what lower layers have in it.
pub fn overlay_opaque() -> &'static str {
    if is_nested() {
        "user.overlay.opaque"
    } else {
        "trusted.overlay.opaque"
    }
}

/// Moves this process, which must have one thread, into the user and mount namespace of another.
pub fn enter(process: BorrowedFd<'_>) -> io::Result<()> {
    let kinds = ThreadNameSpaceType::USER | ThreadNameSpaceType::MOUNT;
    Ok(move_into_thread_name_spaces(process, kinds)?)
}

/// Moves the calling thread into the network namespace of another process.
pub fn enter_network(process: BorrowedFd<'_>) -> io::Result<()> {
    Ok(move_into_thread_name_spaces(
        process,
        ThreadNameSpaceType::NETWORK,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_there_if_a_line_holds_it() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        assert!(is_mapped(map, 0) && is_mapped(map, 5) && is_mapped(map, 65536));
        assert!(!is_mapped(map, 65537) && !is_mapped("0 1000 1\n", 5));
    }

    #[test]
    fn only_a_map_of_everything_is_the_hosts() {
        assert!(!is_partial("         0          0 4294967295\n"));
        assert!(!is_partial(""));
        assert!(is_partial("0 1000 1\n"));
        assert!(is_partial("0 1000 1\n1 100000 65536\n"));
        assert!(is_partial("0 0 65536\n"));
    }
}
