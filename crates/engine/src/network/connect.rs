//! Connecting containers to networks, and disconnecting them.

use std::sync::Arc;

use lockgate_types::network::EndpointSettings;

use super::{NetworkError, NetworkMode, Networks, catalog, endpoint};
use crate::container::handle::{ConnectOrder, Container, DisconnectOrder, Failure, Order};

impl Networks {
    /// Puts a container on a network, at once if it runs.
    pub async fn connect(
        &self,
        network: &str,
        container: &str,
        settings: EndpointSettings,
    ) -> Result<(), NetworkError> {
        if container.is_empty() {
            return Err(NetworkError::NoContainer);
        }
        // In dockerd's order: the first fault found is the one that is told.
        let container = self.container(container)?;
        let network = catalog::find(self.all(), network)?;
        let custom = self.inner.networks.get(network.id.as_str());
        if let Some(custom) = &custom {
            endpoint::check(Some(custom), &settings)?;
        }
        let mode = NetworkMode::parse(&container.facts().record.host_config.network_mode);
        match mode {
            Ok(NetworkMode::Host | NetworkMode::Container(_)) => return Err(NetworkError::Shared),
            Ok(NetworkMode::None) => return Err(NetworkError::Private),
            Ok(NetworkMode::Bridge | NetworkMode::Named(_)) | Err(_) => {}
        }
        match network.name.as_str() {
            "host" => return Err(NetworkError::Host("connect container to")),
            "none" => return Err(NetworkError::Private),
            _ => {}
        }
        endpoint::check(custom.as_deref(), &settings)?;
        let order = ConnectOrder {
            network: network.name,
            settings,
        };
        self.carry_out(&container, Order::Connect(Box::new(order)))
            .await
    }

    /// Takes a container off a network, at once if it runs.
    pub async fn disconnect(
        &self,
        network: &str,
        container: &str,
        force: bool,
    ) -> Result<(), NetworkError> {
        if container.is_empty() {
            return Err(NetworkError::NoContainer);
        }
        let network = catalog::find(self.all(), network)?;
        let found = match self.container(container) {
            Err(NetworkError::Container(_)) if force => {
                return Err(NetworkError::NoEndpoint(container.to_owned()));
            }
            outcome => outcome?,
        };
        let mode = NetworkMode::parse(&found.facts().record.host_config.network_mode);
        if network.name == "host" && matches!(mode, Ok(NetworkMode::Host)) {
            return Err(NetworkError::Host("disconnect container from"));
        }
        let order = DisconnectOrder {
            network: network.name,
            network_id: network.id.to_string(),
        };
        self.carry_out(&found, Order::Disconnect(order)).await
    }

    fn container(&self, text: &str) -> Result<Arc<Container>, NetworkError> {
        let found = self.inner.registry.find(text);
        found.map_err(|error| NetworkError::Container(error.to_string()))
    }

    async fn carry_out(&self, container: &Container, order: Order) -> Result<(), NetworkError> {
        match container.order(order).await {
            Ok(_) => Ok(()),
            Err(Failure::Network(error)) => Err(error),
            Err(Failure::Start(error)) => Err(NetworkError::Failed(error.to_string())),
            Err(Failure::Fault(fault)) => Err(NetworkError::Failed(fault.to_string())),
            Err(Failure::Refused(_) | Failure::Config(_) | Failure::NameInUse(_)) => {
                Err(NetworkError::Removing(container.id.clone()))
            }
            Err(Failure::Gone) => {
                let text = format!("No such container: {}", container.id);
                Err(NetworkError::Container(text))
            }
        }
    }
}
