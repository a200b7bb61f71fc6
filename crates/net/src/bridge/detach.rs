//! Takes a container's place in the network away.

use lockgate_sys::netns;

use super::{Bridge, link_error, lock, namespace_error};
use crate::{Endpoint, NetError, firewall};

impl Bridge {
    /// Takes ports, link, namespace and address away, as far as it goes: a failure never keeps
    /// the next step from being tried, and what is gone already is no failure.
    pub fn detach(&self, endpoint: &Endpoint) -> Vec<NetError> {
        let elements: Vec<_> = endpoint
            .ports
            .iter()
            .map(|port| firewall::element(endpoint.ip, port))
            .collect();
        let mut failures = Vec::new();
        failures.extend(self.firewall.withdraw(&elements).err().map(NetError::from));
        lock(&self.ports).release(&endpoint.ports);
        failures.extend(self.delete_link(&endpoint.host_veth).err());
        failures.extend(
            netns::remove(&endpoint.netns)
                .map_err(namespace_error("cannot remove the network namespace"))
                .err(),
        );
        if lock(&self.attached).remove(&endpoint.container) {
            lock(&self.ipam).release(endpoint.ip);
        }
        failures
    }

    fn delete_link(&self, name: &str) -> Result<(), NetError> {
        match lock(&self.links).delete_link_named(name) {
            Err(error) if error.raw_os_error() == Some(ENODEV) => Ok(()),
            outcome => outcome.map_err(link_error("cannot delete the container's link", name)),
        }
    }
}

const ENODEV: i32 = 19;
