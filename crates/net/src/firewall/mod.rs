//! The packet filter: our own table, and a way past the policies of others.

mod coexist;
mod legacy;
pub(crate) mod nft;
mod table;

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::netlink::{Element, ElementChange, FilterSocket};
use crate::{BridgeConfig, Endpoint, FirewallError, Protocol, PublishedPort};

/// The rules of one bridge.
#[derive(Debug)]
pub(crate) struct Firewall {
    table: String,
    bridge: String,
    socket: Mutex<FilterSocket>,
    /// Whether the accept rules for this bridge are in somebody's dropping chain.
    let_through: Mutex<bool>,
}

impl Firewall {
    /// Installs the table, or brings an existing one up to date without touching its elements.
    pub(crate) fn install(config: &BridgeConfig) -> Result<Self, FirewallError> {
        let script = table::script(config);
        match nft::run(&script) {
            // A table of the same name with other maps: of an older version, or not ours to keep.
            Err(FirewallError::Refused(_)) => nft::run(&(table::removal(&config.table) + &script))?,
            outcome => outcome?,
        }
        let firewall = Self {
            table: config.table.clone(),
            bridge: config.name.clone(),
            socket: Mutex::new(FilterSocket::open().map_err(FirewallError::Elements)?),
            let_through: Mutex::new(false),
        };
        firewall.recheck()?;
        Ok(firewall)
    }

    /// Adds the accept rules where the `filter` table's FORWARD chain drops by default.
    ///
    /// Asked before every attach, because dockerd sets that policy when it starts; it is one
    /// netlink request as long as nothing is to be done.
    pub(crate) fn pass_dropping_policies(&self) -> Result<(), FirewallError> {
        let mut let_through = self
            .let_through
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !*let_through {
            let chain = self
                .with_socket(coexist::dropping_chain)
                .map_err(FirewallError::Elements)?;
            if let Some(chain) = chain {
                coexist::add_accept_rules(chain, &self.bridge, &self.table)?;
                *let_through = true;
            }
        }
        Ok(())
    }

    /// Looks whether the accept rules are still there, after others may have reset their rules.
    pub(crate) fn recheck(&self) -> Result<(), FirewallError> {
        *self
            .let_through
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = false;
        if let Err(error) = legacy::pass(&self.bridge, &self.table) {
            // Whether it really drops our packets cannot be told; the daemon is to start anyway.
            tracing::warn!(%error, "rules of iptables-legacy may keep containers off the network");
        }
        self.pass_dropping_policies()
    }

    pub(crate) fn publish(&self, elements: &[Element]) -> Result<(), FirewallError> {
        if elements.is_empty() {
            return Ok(());
        }
        self.change(ElementChange::Add, elements)?;
        self.with_socket(|socket| socket.forget_flows_to(elements))
            .map_err(FirewallError::Elements)
    }

    /// Removes elements; those that are gone already are no error.
    pub(crate) fn withdraw(&self, elements: &[Element]) -> Result<(), FirewallError> {
        if elements.is_empty() {
            return Ok(());
        }
        match self.change(ElementChange::Remove, elements) {
            Err(FirewallError::Elements(error)) if error.kind() == io::ErrorKind::NotFound => {
                self.withdraw_each(elements)
            }
            outcome => outcome,
        }
    }

    /// Forgets where datagrams of running flows went, once a container with ports has gone.
    pub(crate) fn forget_flows(&self, endpoint: &Endpoint) -> Result<(), FirewallError> {
        if endpoint
            .ports
            .iter()
            .all(|port| port.proto != Protocol::Udp)
        {
            return Ok(());
        }
        self.with_socket(|socket| socket.forget_flows_answered_by(endpoint.ip))
            .map_err(FirewallError::Elements)
    }

    /// Makes `elements` the only ones, without a moment in between.
    pub(crate) fn replace(&self, elements: &[Element]) -> Result<(), FirewallError> {
        self.with_socket(|socket| socket.replace(&self.table, elements))
            .map_err(FirewallError::Elements)
    }

    /// Takes the table and the accept rules away.
    pub(crate) fn remove(&self) -> Vec<FirewallError> {
        let table = nft::run(&table::removal(&self.table));
        let rules = self
            .with_socket(coexist::existing_chains)
            .map_err(FirewallError::Elements)
            .and_then(|chains| coexist::remove_accept_rules(&chains, &self.table));
        let legacy = legacy::remove(&self.bridge, &self.table);
        [table, rules, legacy]
            .into_iter()
            .filter_map(Result::err)
            .collect()
    }

    fn withdraw_each(&self, elements: &[Element]) -> Result<(), FirewallError> {
        let mut outcome = Ok(());
        for element in elements {
            match self.change(ElementChange::Remove, std::slice::from_ref(element)) {
                Err(FirewallError::Elements(error)) if error.kind() == io::ErrorKind::NotFound => {}
                other => outcome = outcome.and(other),
            }
        }
        outcome
    }

    fn change(&self, change: ElementChange, elements: &[Element]) -> Result<(), FirewallError> {
        self.with_socket(|socket| socket.change(&self.table, change, elements))
            .map_err(FirewallError::Elements)
    }

    fn with_socket<T>(&self, ask: impl FnOnce(&mut FilterSocket) -> T) -> T {
        ask(&mut self.socket.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes the table of a bridge that nobody has open.
pub(crate) fn discard(table: &str) -> Result<(), FirewallError> {
    nft::run(&table::removal(table))
}

/// The map elements of an endpoint's published ports.
pub(crate) fn elements(endpoint: &Endpoint) -> Vec<Element> {
    let element = |port: &PublishedPort| Element {
        proto: port.proto,
        host_ip: (!port.host_ip.is_unspecified()).then_some(port.host_ip),
        host_port: port.host_port,
        container_ip: endpoint.ip,
        container_port: port.container_port,
    };
    endpoint.ports.iter().map(element).collect()
}
