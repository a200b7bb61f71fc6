//! One bridge network, from its link to the last published port.

mod attach;
pub(crate) mod close;
mod detach;
mod open;
mod reaper;
mod restore;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockgate_types::ContainerId;

use self::reaper::Reaper;
use crate::firewall::Firewall;
use crate::netlink::{Link, LinkKind, RouteSocket};
use crate::outside::Outside;
use crate::ports::Ports;
use crate::{BridgeConfig, Ipam, NetError};

/// A bridge network of this host.
///
/// Dropping it leaves everything in place for the next daemon, which takes it over with
/// [`Bridge::restore`]; [`Bridge::close`] takes it away.
#[derive(Debug)]
pub struct Bridge {
    config: BridgeConfig,
    index: u32,
    firewall: Firewall,
    links: Mutex<RouteSocket>,
    ipam: Mutex<Ipam>,
    attached: Mutex<BTreeSet<ContainerId>>,
    shared: Shared,
}

/// What the bridges of one host have in common: its ports, and the thread that takes links away.
#[derive(Clone, Debug)]
pub struct Shared {
    ports: Arc<Mutex<Ports>>,
    reaper: Arc<Reaper>,
}

impl Shared {
    /// Starts the thread; it works in the calling thread's namespace.
    pub fn start() -> Result<Self, NetError> {
        let reaper = Reaper::start().map_err(link_error("cannot start a thread", ""))?;
        Ok(Self {
            ports: Arc::new(Mutex::new(Ports::new())),
            reaper: Arc::new(reaper),
        })
    }

    /// The same in a network that is not the host's: `outside` publishes the ports.
    pub fn behind(outside: Outside) -> Result<Self, NetError> {
        let started = Self::start()?;
        *started.ports() = Ports::behind(outside).map_err(NetError::Outside)?;
        Ok(started)
    }

    /// To be called when every network has been restored: ports of containers that are gone are given up.
    pub fn sweep_ports(&self) -> Result<(), NetError> {
        self.ports().sweep().map_err(NetError::Outside)
    }

    fn ports(&self) -> MutexGuard<'_, Ports> {
        lock(&self.ports)
    }
}

impl Bridge {
    /// The settings it was opened with.
    pub fn config(&self) -> &BridgeConfig {
        &self.config
    }

    /// Whether a container has this address.
    pub fn is_allocated(&self, ip: Ipv4Addr) -> bool {
        lock(&self.ipam).is_allocated(ip)
    }

    /// Whether any container is attached.
    pub fn is_in_use(&self) -> bool {
        !lock(&self.attached).is_empty()
    }

    /// Looks whether the rules of others still let this bridge's packets pass, and mends that.
    pub fn recheck_firewall(&self) -> Result<(), NetError> {
        Ok(self.firewall.recheck()?)
    }

    /// The ports of this bridge that were made by [`Bridge::attach`].
    fn own_links(&self) -> Result<Vec<Link>, NetError> {
        let mut links = lock(&self.links)
            .links()
            .map_err(link_error("cannot list links", &self.config.name))?;
        links.retain(|link| {
            link.kind == LinkKind::Veth
                && link.bridge == Some(self.index)
                && link.name.starts_with(VETH_PREFIX)
        });
        Ok(links)
    }
}

/// Shared state stays consistent between statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn link_error(step: &'static str, link: &str) -> impl FnOnce(std::io::Error) -> NetError {
    let link = link.to_owned();
    move |source| NetError::Link { step, link, source }
}

pub(crate) fn namespace_error(step: &'static str) -> impl FnOnce(std::io::Error) -> NetError {
    move |source| NetError::Namespace { step, source }
}

/// Followed by 12 random hexadecimal digits, which fills the 15 bytes that a name may have.
const VETH_PREFIX: &str = "lgv";
