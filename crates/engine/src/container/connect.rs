//! A container connects to networks and disconnects from them: its record first, then the host.

use std::sync::Arc;

use super::driver::Driver;
use super::error::{FaultError, StartError};
use super::events;
use super::handle::{Answer, ConnectOrder, DisconnectOrder, Failure};
use super::record::Record;
use super::state::{JoinedNetwork, NetworkState};
use crate::network::{self, NetworkError};

impl Driver {
    pub(super) async fn connect(&mut self, order: ConnectOrder) -> Answer {
        let runs = self.state.status.has_process();
        let is_on = |joined: &JoinedNetwork| joined.name == order.network;
        if runs && self.state.network.endpoints.iter().any(is_on) {
            return Err(Failure::Network(NetworkError::Connected {
                container: self.record.name.to_string(),
                network: order.network,
            }));
        }
        let before = Arc::clone(&self.record);
        let mut record = Record::clone(&before);
        // What was said of a network before the container's start stands.
        let known = record.networks.entry(order.network.clone());
        known.or_insert(order.settings);
        self.keep(record)?;
        if !runs {
            return Ok(Vec::new());
        }
        match self.connect_now(order.network).await {
            Ok(joined) => {
                self.commit();
                self.tell(joined, "connect");
                Ok(Vec::new())
            }
            Err(error) => {
                self.keep(Record::clone(&before))?;
                Err(Failure::Start(error))
            }
        }
    }

    /// Joins a network; the state has it then.
    async fn connect_now(&mut self, name: String) -> Result<Option<JoinedNetwork>, StartError> {
        let (engine, record) = (Arc::clone(&self.engine), Arc::clone(&self.record));
        let (network, directory) = (self.state.network.clone(), self.container.directory.clone());
        let connecting = tokio::task::spawn_blocking(move || {
            let after = network::connect(&engine, &record, &network, &name)?;
            network::files_after(&engine, &record, &directory, &network, &after);
            Ok(after)
        });
        let after: NetworkState = connecting
            .await
            .unwrap_or(Err(StartError::Fault(FaultError::Closing)))?;
        self.state.network = after;
        Ok(self.state.network.endpoints.last().cloned())
    }

    pub(super) async fn disconnect(&mut self, order: DisconnectOrder) -> Answer {
        let not_connected = || {
            Failure::Network(NetworkError::NotConnected {
                container: self.container.id.clone(),
                // dockerd's two sentences.
                network: if self.state.status.has_process() {
                    format!("network {}", order.network)
                } else {
                    format!("the network {}", order.network)
                },
            })
        };
        let on_it = |joined: &&JoinedNetwork| joined.network_id == order.network_id;
        let joined = self.state.network.endpoints.iter().find(on_it).cloned();
        let mut record = Record::clone(&self.record);
        let is_wanted = record.networks.remove(&order.network).is_some();
        if !is_wanted && joined.is_none() {
            return Err(not_connected());
        }
        self.keep(record)?;
        if joined.is_some() && self.state.status.has_process() {
            let (engine, record) = (Arc::clone(&self.engine), Arc::clone(&self.record));
            let network = self.state.network.clone();
            let directory = self.container.directory.clone();
            let disconnecting = tokio::task::spawn_blocking(move || {
                let after = network::disconnect(&engine, &record, &network, &order.network_id);
                network::files_after(&engine, &record, &directory, &network, &after);
                after
            });
            if let Ok(after) = disconnecting.await {
                self.state.network = after;
            }
            self.commit();
            self.tell(joined, "disconnect");
        }
        Ok(Vec::new())
    }

    /// Makes the record durable and lets everybody see it.
    fn keep(&mut self, record: Record) -> Result<(), Failure> {
        record
            .write(&self.container.directory)
            .map_err(FaultError::file("cannot write the container's networks"))?;
        self.record = Arc::new(record);
        self.publish();
        Ok(())
    }

    fn tell(&self, joined: Option<JoinedNetwork>, action: &str) {
        let network = NetworkState {
            netns: String::new(),
            endpoints: joined.into_iter().collect(),
        };
        events::networks(&self.engine, &self.record, &network, action);
    }
}
