//! Removing networks, one or all that nobody uses.

use std::sync::Arc;

use lockgate_types::Timestamp;

use super::create::tell;
use super::custom::{self, Custom, NetworkRecord};
use super::{NetworkError, Networks, catalog};
use crate::engine::Inner;
use crate::filter::Filters;

impl Networks {
    /// Removes a network that no running container is on; the built-in ones stay.
    pub async fn remove(&self, text: &str) -> Result<(), NetworkError> {
        let network = catalog::find(self.all(), text)?;
        let Some(custom) = self.inner.networks.get(network.id.as_str()) else {
            return Err(NetworkError::Predefined(network.name));
        };
        let inner = Arc::clone(&self.inner);
        super::blocking(move || remove(&inner, &custom)).await
    }

    /// Removes the networks that users made and no running container is on; tells their names.
    pub async fn prune(&self, filters: Filters) -> Result<Vec<String>, NetworkError> {
        filters.check_keys(&["label", "label!", "until"])?;
        let until = filters.until(Timestamp::now())?;
        let inner = Arc::clone(&self.inner);
        super::blocking(move || {
            let mut gone = Vec::new();
            for custom in inner.networks.all() {
                let record = &custom.record;
                let wanted = filters.matches_labels(Some(&record.labels))
                    && until.is_none_or(|until| record.created < until);
                if wanted && remove(&inner, &custom).is_ok() {
                    gone.push(record.name.clone());
                }
            }
            Ok(gone)
        })
        .await
    }
}

fn remove(engine: &Inner, custom: &Custom) -> Result<(), NetworkError> {
    let record = &custom.record;
    let mut removed = custom.lock();
    if *removed {
        return Err(NetworkError::NotFound(record.name.clone()));
    }
    if custom
        .bridge
        .as_ref()
        .is_some_and(lockgate_net::Bridge::is_in_use)
    {
        let endpoints = members(engine, record);
        let network = record.name.clone();
        return Err(NetworkError::InUse { network, endpoints });
    }
    let networks = &engine.networks;
    let directory = record.directory(&networks.defaults);
    NetworkRecord::forget(&directory).map_err(|error| NetworkError::Failed(error.to_string()))?;
    *removed = true;
    networks.remove(&record.id);
    for error in custom.bridge.iter().flat_map(lockgate_net::Bridge::close) {
        tracing::warn!(network = %record.name, %error, "cannot take a network down cleanly");
    }
    custom::discard(&record.id, &networks.defaults);
    tell(engine, record, "destroy");
    Ok(())
}

fn members(engine: &Inner, record: &NetworkRecord) -> String {
    let mut members: Vec<String> = Vec::new();
    for container in engine.registry.all() {
        let facts = container.facts();
        for joined in &facts.state.network.endpoints {
            if joined.network_id == record.id.as_str() {
                let short: String = joined.endpoint_id.chars().take(12).collect();
                members.push(format!("name:\"{}\" id:\"{short}\"", facts.record.name));
            }
        }
    }
    members.sort();
    members.join(", ")
}
