//! What is prepared inside, before a program leads out: the network's name, and where names are resolved.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lockgate_net::outside::RESOLVER;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::note;

/// Gives the calling thread's network a name: its place in `/proc` is for those alone who may trace us, and
/// pasta gives that up before it looks.
///
/// The name is in `$XDG_RUNTIME_DIR/netns`, where Debian's AppArmor profile lets pasta open one. It is a mount of
/// this mount namespace alone: other daemons of the user have their own on the same file.
pub(super) fn name_network(socket: &Path) -> Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.or_else(|| socket.parent().map(Path::to_owned));
    let folder = runtime.context("no runtime directory")?.join("netns");
    let name = folder.join("lockgate");
    let failed = || format!("cannot write {}", name.display());
    fs::create_dir_all(&folder).with_context(failed)?;
    // Of a holder before us, in namespaces that we have taken over; there is none in new ones.
    unmount(&name, UnmountFlags::DETACH).unwrap_or_default();
    fs::write(&name, "").with_context(failed)?;
    mount_bind("/proc/thread-self/ns/net", &name).context("cannot name the network namespace")?;
    Ok(name)
}

/// Whether the calling thread's network has a default route, of either family.
pub(crate) fn has_route() -> bool {
    let read = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    has_route_4(&read("route").unwrap_or_default())
        || has_route_6(&read("ipv6_route").unwrap_or_default())
}

/// Lines of `Iface Destination Gateway ...`, after one of titles.
fn has_route_4(table: &str) -> bool {
    let mut destinations = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(1));
    destinations.any(|destination| destination == Some("00000000"))
}

/// Lines of `destination length source length next-hop metric ... device`; what cannot be reached is routed to `lo`.
fn has_route_6(table: &str) -> bool {
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_default = words
            .first()
            .is_some_and(|word| word.bytes().all(|b| b == b'0'));
        is_default && words.get(1) == Some(&"00") && words.last() != Some(&"lo")
    })
}

/// Lets this mount namespace, and with it the daemon, resolve names by the inner resolver: the host's
/// may be on its loopback.
pub(super) fn resolve_through_it(socket: &Path) {
    let host = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let kept = host
        .lines()
        .filter(|line| line.starts_with("search") || line.starts_with("options"));
    let lines: Vec<&str> = kept.collect();
    let text = format!("nameserver {RESOLVER}\n{}\n", lines.join("\n"));
    let file = socket.with_file_name("resolv.conf");
    let bound = fs::write(&file, text).and_then(|()| Ok(mount_bind(&file, "/etc/resolv.conf")?));
    if let Err(error) = bound {
        note(&format!("names are resolved as on the host: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_route_of_either_family_leads_out() {
        const TITLES: &str = "Iface\tDestination\tGateway\tFlags\n";
        assert!(has_route_4(&format!(
            "{TITLES}eth0\t00000000\t016433C6\t0003\n"
        )));
        assert!(!has_route_4(&format!(
            "{TITLES}eth0\t006433C6\t00000000\t0001\n"
        )));
        let none = "0".repeat(32);
        let line = |length: &str, device: &str| {
            format!(
                "{none} {length} {none} 00 {none} 00000400 00000001 00000000 00000003 {device}\n"
            )
        };
        assert!(has_route_6(&line("00", "eth0")));
        assert!(!has_route_6(&line("00", "lo")) && !has_route_6(&line("40", "eth0")));
    }
}
