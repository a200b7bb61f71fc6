//! What a container was asked to be, for whoever judges calls on it.

use std::collections::BTreeMap;

use lockgate_runtime::spec::{masked_paths, readonly_paths};
use lockgate_types::ContainerId;
use lockgate_types::container::HostConfig;

use super::Containers;
use super::error::LookupError;

/// A container without what every container has by default.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub id: ContainerId,
    /// The image that it was made from, as it was named.
    pub image: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it was asked to be on the host; defaults that were filled in are taken out again.
    pub host_config: HostConfig,
    /// The volumes that it has, by name.
    pub volumes: Vec<String>,
}

impl Containers {
    /// The container that `text` means, as it was asked for.
    pub fn asked(&self, text: &str) -> Result<Asked, LookupError> {
        let container = self.inner.registry.find(text)?;
        let facts = container.facts();
        let record = &facts.record;
        let volumes = record.mounts.iter().map(|mount| &mount.point);
        let volumes = volumes.filter(|point| !point.driver.is_empty());
        Ok(Asked {
            id: record.id.clone(),
            image: record.config.image.clone(),
            labels: record.config.labels.clone().unwrap_or_default(),
            volumes: volumes.map(|point| point.name.clone()).collect(),
            host_config: without_defaults(
                record.host_config.clone(),
                &self.inner.config.default_runtime,
            ),
        })
    }
}

fn without_defaults(mut host: HostConfig, default_runtime: &str) -> HostConfig {
    if host.runtime == default_runtime {
        host.runtime.clear();
    }
    // With the first version of cgroups there is no other.
    if host.cgroupns_mode == "host" {
        host.cgroupns_mode.clear();
    }
    host.masked_paths.take_if(|paths| *paths == masked_paths());
    host.readonly_paths
        .take_if(|paths| *paths == readonly_paths());
    host
}
