//! What a container learns of those it links to: lines in its hosts file, and variables.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::container::config_error::ConfigError;
use crate::container::create::by_alias;
use crate::container::handle::Container;
use crate::container::record::Record;
use crate::engine::Inner;
use crate::network::parse_port;

/// The links of a container that starts, all of them to containers that run.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// `address name alias id` without the address of its own.
    pub(super) hosts: Vec<(Ipv4Addr, Vec<String>)>,
    /// `ALIAS_PORT=…` and its like.
    pub(super) environment: Vec<String>,
}

impl Links {
    pub(super) fn find(engine: &Inner, record: &Record) -> Result<Self, ConfigError> {
        let mut links = Self::default();
        if record.host_config.network_mode != "bridge" {
            return Ok(links);
        }
        for (alias, target) in by_alias(&record.host_config) {
            let container = engine
                .registry
                .find(target)
                .map_err(|_error| ConfigError::NoLinked(target.to_owned()))?;
            links.add(record, &container, alias)?;
        }
        Ok(links)
    }

    fn add(
        &mut self,
        owner: &Record,
        container: &Arc<Container>,
        alias: &str,
    ) -> Result<(), ConfigError> {
        let facts = container.facts();
        if !facts.state.status.has_process() {
            return Err(ConfigError::LinkStopped {
                target: facts.record.name.to_string(),
                owner: owner.name.to_string(),
                alias: alias.to_owned(),
            });
        }
        let joined = facts.state.network.endpoints.iter();
        let address = joined
            .filter(|joined| joined.name == "bridge")
            .find_map(|joined| joined.endpoint.as_ref())
            .map(|endpoint| endpoint.ip)
            .ok_or_else(|| ConfigError::LinkNetwork(container.id.to_string()))?;
        let mut names = vec![alias.to_owned(), facts.record.config.hostname.clone()];
        let name = facts.record.name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
        self.hosts.push((address, names));
        self.environment
            .extend(environment(owner, &facts.record, alias, address));
        Ok(())
    }
}

/// Docker's variables of one link, which programs of that time look for.
fn environment(owner: &Record, target: &Record, alias: &str, address: Ipv4Addr) -> Vec<String> {
    let prefix = alias.to_ascii_uppercase().replace('-', "_");
    let mut ports: Vec<(u16, String)> = target
        .config
        .exposed_ports
        .iter()
        .flat_map(|ports| ports.keys())
        .filter_map(|text| parse_port(text).ok())
        .map(|(port, protocol)| (port, protocol.to_string()))
        .collect();
    // TCP before UDP, then by number: the first one is the link's main port.
    ports.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
    let mut all = vec![format!("{prefix}_NAME=/{}/{alias}", owner.name)];
    if let Some((port, protocol)) = ports.first() {
        all.push(format!("{prefix}_PORT={protocol}://{address}:{port}"));
    }
    for (port, protocol) in &ports {
        let name = format!("{prefix}_PORT_{port}_{}", protocol.to_uppercase());
        all.extend([
            format!("{name}={protocol}://{address}:{port}"),
            format!("{name}_ADDR={address}"),
            format!("{name}_PORT={port}"),
            format!("{name}_PROTO={protocol}"),
        ]);
    }
    let own = target.config.env.iter().flatten();
    all.extend(
        own.filter(|entry| !entry.starts_with("HOME=") && !entry.starts_with("PATH="))
            .filter(|entry| entry.contains('='))
            .map(|entry| format!("{prefix}_ENV_{entry}")),
    );
    all
}
