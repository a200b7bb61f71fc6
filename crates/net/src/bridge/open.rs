//! Makes a bridge network, or takes over the one that is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ipnet::Ipv4Net;
use lockgate_sys::file::{Durability, write_atomic};
use serde::{Deserialize, Serialize};

use super::{Bridge, Shared, link_error};
use crate::firewall::Firewall;
use crate::netlink::{Link, LinkKind, RouteSocket};
use crate::{BridgeConfig, Ipam, Mac, NetError, sysctl};

impl Bridge {
    /// Makes the bridge, its address, the rules and the kernel settings; what exists is kept, so
    /// that containers of an earlier daemon stay connected.
    pub fn open(config: BridgeConfig) -> Result<Self, NetError> {
        Self::open_with(config, Shared::start()?)
    }

    /// The same beside other bridges of this host.
    pub fn open_with(config: BridgeConfig, shared: Shared) -> Result<Self, NetError> {
        config.validate()?;
        for directory in [&config.state_dir, &config.netns_dir] {
            fs::create_dir_all(directory).map_err(NetError::State)?;
        }
        let mut links = RouteSocket::open().map_err(link_error("cannot open netlink", ""))?;
        let link = ensure_link(&mut links, &config)?;
        ensure_address(&mut links, &config, link.index)?;
        if !link.is_up || link.mtu != config.mtu {
            links
                .set_up(link.index, config.mtu)
                .map_err(link_error("cannot bring up the bridge", &config.name))?;
        }
        sysctl::set("ipv4/ip_forward", "1")?;
        sysctl::set(&format!("ipv4/conf/{}/route_localnet", config.name), "1")?;
        Ok(Self {
            index: link.index,
            firewall: Firewall::install(&config)?,
            links: Mutex::new(links),
            ipam: Mutex::new(Ipam::new(config.subnet, config.gateway).within(&config.bounds)),
            attached: Mutex::new(BTreeSet::new()),
            shared,
            config,
        })
    }
}

fn ensure_link(links: &mut RouteSocket, config: &BridgeConfig) -> Result<Link, NetError> {
    let find = |links: &mut RouteSocket| {
        links
            .link(&config.name)
            .map_err(link_error("cannot look for the bridge", &config.name))
    };
    match find(links)? {
        Some(link) if link.kind == LinkKind::Bridge => return Ok(link),
        Some(link) => return Err(NetError::NotABridge(link.name)),
        None => {}
    }
    // The record comes first: a bridge without one would be taken for somebody else's.
    Record {
        bridge: config.name.clone(),
    }
    .write(&config.state_dir)?;
    let mac = Mac::random();
    links
        .create_bridge(&config.name, mac, config.mtu)
        .map_err(link_error("cannot create the bridge", &config.name))?;
    find(links)?.ok_or_else(|| NetError::NotABridge(config.name.clone()))
}

/// Gives the bridge its address. A bridge that was made here has no other one, a bridge of the
/// administrator keeps what it has.
fn ensure_address(
    links: &mut RouteSocket,
    config: &BridgeConfig,
    index: u32,
) -> Result<(), NetError> {
    let failed = || link_error("cannot set the bridge's address", &config.name);
    let addresses = links.addresses().map_err(failed())?;
    let wanted = (config.gateway, config.subnet.prefix_len());
    let is_wanted = |net: &Ipv4Net| (net.addr(), net.prefix_len()) == wanted;
    let mine = || {
        addresses
            .iter()
            .filter(|(of, _)| *of == index)
            .map(|(_, net)| *net)
    };
    if Record::names(&config.state_dir, &config.name) {
        for stale in mine().filter(|net| !is_wanted(net)) {
            links.delete_address(index, stale).map_err(failed())?;
        }
    }
    if !mine().any(|net| is_wanted(&net)) {
        links
            .add_address(index, wanted.0, wanted.1)
            .map_err(failed())?;
    }
    Ok(())
}

/// Says that a bridge was made here and may be removed: `STATE_DIR/bridge.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    bridge: String,
}

impl Record {
    fn write(&self, state_dir: &Path) -> Result<(), NetError> {
        let bytes = serde_json::to_vec(self).map_err(|error| NetError::State(error.into()))?;
        // Links do not outlive the power either.
        write_atomic(&Self::path(state_dir), &bytes, Durability::Crash).map_err(NetError::State)
    }

    /// Whether there is such a record.
    pub(super) fn names(state_dir: &Path, bridge: &str) -> bool {
        Self::bridge_of(state_dir).is_some_and(|made| made == bridge)
    }

    /// The bridge that was made here; a record that cannot be read claims nothing.
    pub(super) fn bridge_of(state_dir: &Path) -> Option<String> {
        let bytes = fs::read(Self::path(state_dir)).ok()?;
        Some(serde_json::from_slice::<Self>(&bytes).ok()?.bridge)
    }

    pub(super) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("bridge.json")
    }
}
