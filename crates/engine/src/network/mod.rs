//! Networks: the built-in ones, and how containers join them.

mod builtin;
mod catalog;
mod join;
mod ports;
mod resolver;
mod settings;
pub(crate) mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_types::ContainerId;

use crate::engine::Inner;
use crate::filter::{FilterError, Filters};

pub(crate) use builtin::Builtin;
pub use catalog::NetworkError;
pub(crate) use join::{NetworkMode, driver, join, leave, restore};
pub(crate) use ports::{parse_port, port_map};
pub(crate) use resolver::{hosts_file, resolv_conf};
pub(crate) use settings::{endpoints, settings};
pub use view::{ConfigReference, Ipam, IpamPool, Member, Network};

/// Networks of this engine.
#[derive(Clone)]
pub struct Networks {
    inner: Arc<Inner>,
}

impl Networks {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The networks that all filters let through, without their members.
    pub fn list(&self, filters: &Filters) -> Result<Vec<Network>, FilterError> {
        catalog::filter(self.all(), filters)
    }

    /// One network with the running containers on it; `text` is a name, an id or a prefix of one.
    pub fn inspect(&self, text: &str) -> Result<Network, NetworkError> {
        let mut network = catalog::find(self.all(), text)?;
        network.containers = self.members(&network.name);
        Ok(network)
    }

    /// Removes a network; the built-in ones stay.
    pub fn remove(&self, text: &str) -> Result<(), NetworkError> {
        let network = catalog::find(self.all(), text)?;
        Err(NetworkError::Predefined(network.name))
    }

    /// Removes unused networks that were created; there are none.
    pub fn prune(&self, filters: &Filters) -> Result<Vec<String>, FilterError> {
        filters.check_keys(&["label", "label!", "until"])?;
        filters.until(lockgate_types::Timestamp::now())?;
        Ok(Vec::new())
    }

    /// Creating networks is not built.
    pub fn create(&self, name: &str) -> Result<Network, NetworkError> {
        match catalog::find(self.all(), name) {
            Ok(network) if network.name == name => Err(NetworkError::NotOnPredefined(network.name)),
            Ok(_) | Err(_) => Err(NetworkError::Unsupported("creating a network")),
        }
    }

    fn all(&self) -> Vec<Network> {
        let bridge = self.inner.bridge.as_ref().map(lockgate_net::Bridge::config);
        catalog::all(&self.inner.networks, bridge)
    }

    fn members(&self, name: &str) -> BTreeMap<ContainerId, Member> {
        let mut members = BTreeMap::new();
        for container in self.inner.registry.all() {
            let facts = container.facts();
            let joined = facts
                .state
                .network
                .endpoints
                .iter()
                .find(|joined| joined.name == name);
            if let Some(joined) = joined {
                members.insert(container.id.clone(), member(&facts.record.name, joined));
            }
        }
        members
    }
}

fn member(
    name: &lockgate_types::ContainerName,
    joined: &crate::container::state::JoinedNetwork,
) -> Member {
    let mut member = Member {
        name: name.to_string(),
        endpoint_id: joined.endpoint_id.clone(),
        ..Member::default()
    };
    if let Some(endpoint) = &joined.endpoint {
        member.mac_address.clone_from(&endpoint.mac);
        member.ipv4_address = format!("{}/{}", endpoint.ip, endpoint.prefix_len);
    }
    member
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Networks")
    }
}
