//! Takes over what an earlier daemon left.

use std::collections::BTreeSet;

use super::{Bridge, lock};
use crate::{Endpoint, NetError, firewall};

impl Bridge {
    /// Takes over these endpoints, and removes what is left of others: map elements and links of
    /// this bridge that were made here. Nobody else's things are touched.
    ///
    /// To be called once, before the first attach. An endpoint stays connected even if its
    /// address or port can no longer be reserved; the failures tell which.
    pub fn restore(&self, endpoints: &[Endpoint]) -> Vec<NetError> {
        let mut failures = Vec::new();
        for endpoint in endpoints {
            failures.extend(self.adopt(endpoint));
        }
        let elements: Vec<_> = endpoints.iter().flat_map(firewall::elements).collect();
        failures.extend(self.firewall.replace(&elements).err().map(NetError::from));
        failures.extend(self.remove_strays(endpoints));
        failures
    }

    fn adopt(&self, endpoint: &Endpoint) -> Vec<NetError> {
        lock(&self.attached).insert(endpoint.container.clone());
        let mut failures = Vec::new();
        failures.extend(
            lock(&self.ipam)
                .allocate(Some(endpoint.ip))
                .err()
                .map(NetError::from),
        );
        let mut ports = self.shared.ports();
        failures.extend(
            endpoint
                .ports
                .iter()
                .filter_map(|port| ports.adopt(port).err())
                .map(NetError::from),
        );
        let aimed = ports.aim(&endpoint.ports, endpoint.ip);
        failures.extend(aimed.err().map(NetError::from));
        failures
    }

    /// Removes links that no endpoint of `kept` has.
    pub(super) fn remove_strays(&self, kept: &[Endpoint]) -> Vec<NetError> {
        let kept_links: BTreeSet<&str> = kept.iter().map(|e| e.host_veth.as_str()).collect();
        let mut failures = Vec::new();
        match self.own_links() {
            Ok(links) => {
                for link in links
                    .iter()
                    .filter(|link| !kept_links.contains(link.name.as_str()))
                {
                    tracing::info!(link = %link.name, "removing a stray link");
                    self.shared.reaper.delete(&link.name);
                }
                failures.extend(self.settle());
            }
            Err(error) => failures.push(error),
        }
        failures
    }
}
