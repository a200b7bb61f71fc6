//! Takes over what an earlier daemon left.

use std::collections::BTreeSet;
use std::fs;

use lockgate_sys::netns;
use lockgate_types::ContainerId;

use super::{Bridge, lock, namespace_error};
use crate::{Endpoint, NetError, firewall};

impl Bridge {
    /// Takes over these endpoints, and removes what is left of others: map elements, links of
    /// this bridge that were made here, named namespaces. Nobody else's things are touched.
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
        let mut ports = lock(&self.ports);
        failures.extend(
            endpoint
                .ports
                .iter()
                .filter_map(|port| ports.adopt(port).err())
                .map(NetError::from),
        );
        failures
    }

    /// Removes links and namespaces that no endpoint of `kept` has.
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
                    self.reaper.delete(&link.name);
                }
                failures.extend(self.settle());
            }
            Err(error) => failures.push(error),
        }
        failures.extend(self.remove_stray_namespaces(kept));
        failures
    }

    fn remove_stray_namespaces(&self, kept: &[Endpoint]) -> Vec<NetError> {
        let kept: BTreeSet<&ContainerId> =
            kept.iter().map(|endpoint| &endpoint.container).collect();
        let entries = match fs::read_dir(&self.config.netns_dir) {
            Ok(entries) => entries,
            Err(error) => return vec![NetError::State(error)],
        };
        let mut failures = Vec::new();
        for entry in entries.flatten() {
            // Files of other names are not ours.
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| ContainerId::parse(name).ok()) else {
                continue;
            };
            if !kept.contains(&id) {
                tracing::info!(container = %id, "removing a stray network namespace");
                let step = "cannot remove a stray network namespace";
                failures.extend(
                    netns::remove(&entry.path())
                        .map_err(namespace_error(step))
                        .err(),
                );
            }
        }
        failures
    }
}
