//! Networks: the built-in ones, and how containers join them.

mod builtin;
mod catalog;
mod connect;
mod create;
mod custom;
mod endpoint;
mod error;
mod files;
mod join;
mod known;
mod mode;
mod names;
mod options;
mod ports;
mod remove;
mod resolver;
mod settings;
pub(crate) mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_types::ContainerId;

use crate::engine::Inner;
use crate::filter::Filters;

pub(crate) use builtin::Builtin;
pub use create::CreateNetwork;
pub(crate) use custom::{Custom, Defaults};
pub(crate) use endpoint::check as check_endpoint;
pub use error::NetworkError;
pub(crate) use files::files_after;
pub(crate) use join::{connect, disconnect, driver, join, leave, restore};
pub(crate) use known::Known;
pub(crate) use mode::NetworkMode;
pub(crate) use names::{NameServers, names_of};
pub(crate) use ports::{check_binding, parse_port, port_map};
pub(crate) use resolver::{hosts_file, resolv_conf, uses_embedded};
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
    pub fn list(&self, filters: &Filters) -> Result<Vec<Network>, NetworkError> {
        let is_used = |network: &Network| !self.members(network.id.as_str()).is_empty();
        Ok(catalog::filter(self.all(), filters, is_used)?)
    }

    /// One network with the running containers on it; `text` is a name, an id or a prefix of one.
    pub fn inspect(&self, text: &str) -> Result<Network, NetworkError> {
        let mut network = catalog::find(self.all(), text)?;
        network.containers = self.members(network.id.as_str());
        Ok(network)
    }

    fn all(&self) -> Vec<Network> {
        let bridge = self.inner.bridge.as_ref().map(lockgate_net::Bridge::config);
        let known = &self.inner.networks;
        let mut all = catalog::all(&known.builtin, bridge);
        all.extend(
            known
                .all()
                .iter()
                .map(|custom| catalog::custom(&custom.record)),
        );
        all
    }

    fn members(&self, network_id: &str) -> BTreeMap<ContainerId, Member> {
        let mut members = BTreeMap::new();
        for container in self.inner.registry.all() {
            let facts = container.facts();
            let joined = facts
                .state
                .network
                .endpoints
                .iter()
                .find(|joined| joined.network_id == network_id);
            if let Some(joined) = joined {
                members.insert(container.id.clone(), member(&facts.record.name, joined));
            }
        }
        members
    }
}

/// Runs what changes the host to its end, whatever becomes of the caller.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NetworkError> + Send + 'static,
) -> Result<T, NetworkError> {
    let closing = || NetworkError::Failed("the engine is closing".to_owned());
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_panic| Err(closing()))
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
