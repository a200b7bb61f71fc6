//! How a container joins its networks when it starts, and leaves them when it stops.

use std::net::Ipv4Addr;

use lockgate_net::{AttachRequest, Bridge, Endpoint, NetError};
use lockgate_types::random_hex;

use super::ports::requests;
use crate::container::ConfigError;
use crate::container::error::StartError;
use crate::container::record::Record;
use crate::container::state::{JoinedNetwork, NetworkState};
use crate::engine::Inner;

/// What `HostConfig.NetworkMode` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    /// The default bridge.
    Bridge,
    /// The namespace of another container.
    Container(String),
    /// The host's namespace.
    Host,
    /// A namespace with nothing but loopback.
    None,
    /// A network by its name.
    Named(String),
}

/// The mode is malformed.
#[derive(Debug)]
pub(crate) struct ModeError;

impl NetworkMode {
    /// Reads the mode; empty and `default` are the default bridge.
    pub(crate) fn parse(text: &str) -> Result<Self, ModeError> {
        Ok(match text {
            "" | "default" | "bridge" => Self::Bridge,
            "host" => Self::Host,
            "none" => Self::None,
            _ => match text.split_once(':') {
                Some(("container", "")) => return Err(ModeError),
                Some(("container", name)) => Self::Container(name.to_owned()),
                _ => Self::Named(text.to_owned()),
            },
        })
    }
}

/// Gives a container its addresses and ports. Blocks. After a failure nothing of it is left.
pub(crate) fn join(engine: &Inner, record: &Record) -> Result<NetworkState, StartError> {
    let mode = NetworkMode::parse(&record.host_config.network_mode)
        .map_err(|_mode| ConfigError::NetworkMode(record.host_config.network_mode.clone()))?;
    match mode {
        NetworkMode::Bridge => match &engine.bridge {
            Some(bridge) => {
                let request = attach_request(record, "bridge")?;
                let endpoint = bridge
                    .attach(&request)
                    .map_err(|error| refused(record, &error))?;
                Ok(NetworkState {
                    netns: endpoint.netns.to_string_lossy().into_owned(),
                    endpoints: vec![joined(engine, "bridge", Some(endpoint))],
                })
            }
            None => Err(StartError::NoNetwork("bridge".to_owned())),
        },
        NetworkMode::Host => Ok(plain(engine, "host")),
        NetworkMode::None => Ok(plain(engine, "none")),
        NetworkMode::Container(_) => Ok(NetworkState::default()),
        NetworkMode::Named(name) => Err(StartError::NoNetwork(name)),
    }
}

/// Takes everything away again; failures are for the log.
pub(crate) fn leave(engine: &Inner, network: &NetworkState) {
    for joined in &network.endpoints {
        let Some(bridge) = &engine.bridge else {
            continue;
        };
        for error in joined
            .endpoint
            .iter()
            .flat_map(|endpoint| bridge.detach(endpoint))
        {
            tracing::warn!(network = %joined.name, %error, "cannot leave a network cleanly");
        }
    }
}

/// Takes over what running containers hold of the default bridge, and clears what is left of
/// others. To be called once, when the engine opens.
pub(crate) fn restore<'a>(bridge: &Bridge, running: impl Iterator<Item = &'a NetworkState>) {
    let endpoints: Vec<Endpoint> = running
        .flat_map(|state| &state.endpoints)
        .filter_map(|j| j.endpoint.clone())
        .collect();
    for error in bridge.restore(&endpoints) {
        tracing::warn!(%error, "cannot take over a network cleanly");
    }
}

/// The driver of a built-in network.
pub(crate) fn driver(network: &str) -> &'static str {
    match network {
        "host" => "host",
        "none" => "null",
        _ => "bridge",
    }
}

/// A place in a network that gives no addresses.
fn plain(engine: &Inner, name: &str) -> NetworkState {
    NetworkState {
        netns: String::new(),
        endpoints: vec![joined(engine, name, None)],
    }
}

fn joined(engine: &Inner, name: &str, endpoint: Option<Endpoint>) -> JoinedNetwork {
    JoinedNetwork {
        name: name.to_owned(),
        network_id: engine
            .networks
            .id(name)
            .map(ToString::to_string)
            .unwrap_or_default(),
        endpoint_id: random_hex(),
        endpoint,
    }
}

fn attach_request(record: &Record, network: &str) -> Result<AttachRequest, ConfigError> {
    let settings = record.networks.get(network);
    let ip = match settings
        .and_then(|s| s.ipam_config.as_ref())
        .map(|c| c.ipv4_address.as_str())
    {
        None | Some("") => None,
        Some(text) => match text.parse::<Ipv4Addr>() {
            Ok(ip) => Some(ip),
            Err(_) => return Err(ConfigError::EndpointIp(text.to_owned())),
        },
    };
    let mac = match settings.map_or("", |s| s.mac_address.as_str()) {
        "" => match record.config.mac_address.as_str() {
            "" => None,
            text => Some(text.parse().map_err(ConfigError::Mac)?),
        },
        text => Some(text.parse().map_err(ConfigError::Mac)?),
    };
    Ok(AttachRequest {
        container: record.id.clone(),
        ip,
        mac,
        ports: requests(record)?,
    })
}

/// dockerd's sentence about a port that is taken names the endpoint.
fn refused(record: &Record, error: &NetError) -> StartError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    match error {
        NetError::Port(_) | NetError::Firewall(_) => StartError::Network(format!(
            "driver failed programming external connectivity on endpoint {} ({}): {text}",
            record.name, record.id
        )),
        _ => StartError::Network(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_words_containers_or_names() {
        for (text, mode) in [
            ("", NetworkMode::Bridge),
            ("default", NetworkMode::Bridge),
            ("host", NetworkMode::Host),
            ("none", NetworkMode::None),
            ("container:x", NetworkMode::Container("x".to_owned())),
            ("front", NetworkMode::Named("front".to_owned())),
        ] {
            assert_eq!(NetworkMode::parse(text).unwrap(), mode);
        }
        NetworkMode::parse("container:").unwrap_err();
    }
}
