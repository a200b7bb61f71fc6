//! Takes a container's place in the network away.

use lockgate_sys::netns;

use super::{Bridge, lock, namespace_error};
use crate::{Endpoint, NetError, firewall};

impl Bridge {
    /// Takes ports, link, namespace and address away, as far as it goes: a failure never keeps
    /// the next step from being tried, and what is gone already is no failure.
    ///
    /// The link itself goes in the background, see [`Bridge::settle`]. The address is free at
    /// once: whoever gets it next takes its hardware address over as well.
    pub fn detach(&self, endpoint: &Endpoint) -> Vec<NetError> {
        let mut failures = self.disconnect(endpoint);
        let removed = netns::remove(&endpoint.netns);
        failures.extend(
            removed
                .map_err(namespace_error("cannot remove the network namespace"))
                .err(),
        );
        failures
    }

    /// The same for a container that keeps its namespace, because it runs on.
    pub fn disconnect(&self, endpoint: &Endpoint) -> Vec<NetError> {
        let mut failures = Vec::new();
        let withdrawn = self.firewall.withdraw(&firewall::elements(endpoint));
        failures.extend(withdrawn.err().map(NetError::from));
        let forgotten = self.firewall.forget_flows(endpoint);
        failures.extend(forgotten.err().map(NetError::from));
        self.shared.ports().release(&endpoint.ports);
        self.shared.reaper.delete(&endpoint.host_veth);
        if lock(&self.attached).remove(&endpoint.container) {
            lock(&self.ipam).release(endpoint.ip);
        }
        failures
    }

    /// Waits until the links of detached containers are gone; tells which could not be deleted.
    pub fn settle(&self) -> Vec<NetError> {
        self.shared.reaper.settle()
    }
}
