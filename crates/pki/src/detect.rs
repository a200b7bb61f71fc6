//! The names and addresses that this host is reached by, read from files: nothing is resolved.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::name::SubjectName;

/// What was found, in the order in which it goes into a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetectedNames {
    /// Names that can stand in a certificate.
    pub names: Vec<SubjectName>,
    /// Host names that cannot, such as those with an underscore, and why.
    pub unusable: Vec<String>,
}

/// Host name, full name, `localhost`, both loopback addresses and those of all interfaces.
///
/// Link-local IPv6 addresses are left out: a client writes them with a zone, which no certificate
/// can hold.
pub fn detect_names() -> DetectedNames {
    let node = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let hosts = host_names(&node, &read("/etc/hosts"), &read("/etc/resolv.conf"));
    let mut detected = DetectedNames::default();
    for host in hosts {
        match host.parse::<SubjectName>() {
            Ok(name) => add(&mut detected.names, name),
            Err(error) => detected.unusable.push(error.to_string()),
        }
    }
    add(
        &mut detected.names,
        SubjectName::Dns("localhost".to_owned()),
    );
    add(&mut detected.names, IpAddr::V4(Ipv4Addr::LOCALHOST).into());
    add(&mut detected.names, IpAddr::V6(Ipv6Addr::LOCALHOST).into());
    for address in addresses(&read("/proc/net/fib_trie"), &read("/proc/net/if_inet6")) {
        add(&mut detected.names, address.into());
    }
    detected
}

fn add(names: &mut Vec<SubjectName>, name: SubjectName) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// The host's own name first, then the full names that `hosts` and `resolv.conf` give it.
fn host_names(node: &str, hosts: &str, resolv: &str) -> Vec<String> {
    let node = node.trim();
    if node.is_empty() || node == "(none)" {
        return Vec::new();
    }
    let mut names = vec![node.to_owned()];
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let on_line: Vec<&str> = line.split_whitespace().skip(1).collect();
        if on_line.iter().any(|name| name.eq_ignore_ascii_case(node)) {
            let full = on_line
                .iter()
                .filter(|name| name.starts_with(&format!("{node}.")));
            names.extend(full.map(|name| (*name).to_owned()));
        }
    }
    let domain = resolv
        .lines()
        .find_map(|line| line.strip_prefix("domain"))
        .map(str::trim);
    if let Some(domain) = domain.filter(|domain| !domain.is_empty() && !node.contains('.')) {
        names.push(format!("{node}.{domain}"));
    }
    names
}

/// The addresses of all interfaces: IPv4 before IPv6, each in order.
fn addresses(fib_trie: &str, if_inet6: &str) -> Vec<IpAddr> {
    let v4: BTreeSet<Ipv4Addr> = local_addresses(fib_trie).collect();
    let v6: BTreeSet<Ipv6Addr> = if_inet6.lines().filter_map(interface_address).collect();
    v4.into_iter()
        .map(IpAddr::V4)
        .chain(v6.into_iter().map(IpAddr::V6))
        .collect()
}

/// `fib_trie` names an address on one line (`|-- 10.0.0.1`) and what it is on the next
/// (`/32 host LOCAL`).
fn local_addresses(fib_trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut last = None;
    fib_trie.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
            return None;
        }
        (line == "/32 host LOCAL")
            .then_some(last)
            .flatten()
            .filter(|v4| !v4.is_loopback())
    })
}

/// `if_inet6` has 32 hex digits, then index, prefix length, scope, flags and the interface's name.
fn interface_address(line: &str) -> Option<Ipv6Addr> {
    let mut fields = line.split_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16)
        .map(Ipv6Addr::from_bits)
        .ok()?;
    let flags = u8::from_str_radix(fields.nth(3)?, 16).ok()?;
    let temporary = flags & IFA_F_TEMPORARY != 0;
    let usable = !address.is_loopback() && !address.is_unicast_link_local() && !temporary;
    usable.then_some(address)
}

/// Privacy addresses change within days; a certificate would not keep up.
const IFA_F_TEMPORARY: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_come_from_hosts_and_the_domain_of_the_resolver() {
        let hosts = "127.0.0.1 localhost\n10.0.0.9 build.example.org build # build.no\n";
        assert_eq!(
            host_names("build", hosts, ""),
            ["build", "build.example.org"]
        );
        assert_eq!(
            host_names("build", "", "domain lab.example\n"),
            ["build", "build.lab.example"]
        );
        assert!(host_names("(none)", hosts, "").is_empty());
    }

    #[test]
    fn interface_addresses_leave_out_loopback_link_local_and_temporary_ones() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.0.0\n        /24 link UNICAST\n     \
                    |-- 10.1.0.7\n        /32 host LOCAL\n     |-- 10.1.0.255\n        /32 link BROADCAST\n     \
                    |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 127.0.0.0\n        /8 host LOCAL\n";
        let inet6 = "00000000000000000000000000000001 01 80 10 80 lo\n\
                     fe80000000000000000000000000abcd 02 40 20 80 eth0\n\
                     fd000000000000000000000000000007 02 40 00 80 eth0\n\
                     fd000000000000000000000000000008 02 40 00 01 eth0\n";
        let found: Vec<String> = addresses(trie, inet6)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["10.1.0.7", "fd00::7"]);
    }

    #[test]
    fn this_host_has_its_loopback_names_once() {
        let detected = detect_names().names;
        for name in ["localhost", "127.0.0.1", "::1"] {
            let name: SubjectName = name.parse().unwrap();
            assert_eq!(detected.iter().filter(|found| **found == name).count(), 1);
        }
    }
}
