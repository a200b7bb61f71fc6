//! What a bridge network is made of.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipnet::Ipv4Net;

use crate::NetError;

/// Settings of one bridge network.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// Name of the bridge link, at most 15 bytes.
    pub name: String,
    /// The network that containers get their addresses from.
    pub subnet: Ipv4Net,
    /// The bridge's own address inside `subnet`.
    pub gateway: Ipv4Addr,
    /// MTU of the bridge and of all its links.
    pub mtu: u32,
    /// Whether containers may talk to each other (`--icc`).
    pub icc: bool,
    /// Whether what leaves the host takes the host's address (`--ip-masq`).
    pub ip_masq: bool,
    /// Where ports are published that name no host address (`--ip`).
    pub default_host_ip: Ipv4Addr,
    /// Name of the nftables table, of family `inet`.
    pub table: String,
    /// Where the bridge remembers what it made.
    pub state_dir: PathBuf,
    /// Where the containers' network namespaces are bound, one file each.
    pub netns_dir: PathBuf,
    /// What a network that a user made may be confined to.
    pub bounds: Bounds,
}

/// Confinements of a network; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Nothing comes in from or goes out to other networks; there is no default route.
    pub internal: bool,
    /// The part of the subnet that addresses are given from when none is asked for.
    pub ip_range: Option<Ipv4Net>,
    /// Addresses of the subnet that belong to others.
    pub reserved: Vec<Ipv4Addr>,
}

impl BridgeConfig {
    /// Refuses what the kernel would take for something else or not at all.
    pub(crate) fn validate(&self) -> Result<(), NetError> {
        if !is_link_name(&self.name) {
            return Err(NetError::BridgeName(self.name.clone()));
        }
        if !is_table_name(&self.table) {
            return Err(NetError::TableName(self.table.clone()));
        }
        if !self.subnet.contains(&self.gateway)
            || self.gateway == self.subnet.network()
            || self.gateway == self.subnet.broadcast()
        {
            return Err(NetError::Gateway {
                gateway: self.gateway,
                subnet: self.subnet,
            });
        }
        Ok(())
    }
}

/// The kernel's rule for link names, less what would need quoting in a rule set.
fn is_link_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// What nft reads as one plain identifier.
fn is_table_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_a_rule_set_are_refused() {
        for bad in [
            "",
            "a b",
            "br\"0",
            "x; flush ruleset",
            "a\n",
            "0123456789abcdef",
            "..",
        ] {
            assert!(!is_link_name(bad), "{bad:?}");
        }
        assert!(is_link_name("lockgate0"));
        for bad in ["", "0table", "a b", "a{", "a;b"] {
            assert!(!is_table_name(bad), "{bad:?}");
        }
        assert!(is_table_name("lockgate_t1"));
    }
}
