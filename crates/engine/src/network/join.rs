//! How a container joins its networks when it starts, and leaves them when it stops.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lockgate_net::{AttachRequest, Bridge, Endpoint, NetError, Place, netns};
use lockgate_types::network::EndpointSettings;
use lockgate_types::{ContainerId, random_hex};

use super::custom::Custom;
use super::ports::requests;
use super::{NetworkMode, endpoint};
use crate::container::ConfigError;
use crate::container::error::StartError;
use crate::container::record::Record;
use crate::container::state::{JoinedNetwork, NetworkState};
use crate::engine::Inner;

/// Gives a container its addresses and ports, in a namespace that is made for it, or in that of its first
/// process. Blocks. After a failure nothing of it is left.
pub(crate) fn join(
    engine: &Arc<Inner>,
    record: &Record,
    process: Option<i32>,
) -> Result<NetworkState, StartError> {
    let mode = NetworkMode::parse(&record.host_config.network_mode)
        .map_err(|_mode| ConfigError::NetworkMode)?;
    if record.config.network_disabled && !matches!(mode, NetworkMode::Container(_)) {
        // A namespace of its own with nothing in it.
        return Ok(NetworkState::default());
    }
    match mode {
        NetworkMode::Bridge => join_all(engine, record, "bridge", process),
        NetworkMode::Named(name) => join_all(engine, record, &name, process),
        NetworkMode::Host => Ok(plain(engine, "host")),
        NetworkMode::None => Ok(plain(engine, "none")),
        NetworkMode::Container(_) => Ok(NetworkState::default()),
    }
}

/// Digits of an id. One that is gone is nobody's name.
const WHOLE_ID: usize = 64;

/// One network that a container is to be on.
struct Planned {
    name: String,
    /// `None` is the default bridge.
    custom: Option<Arc<Custom>>,
    settings: EndpointSettings,
}

fn join_all(
    engine: &Arc<Inner>,
    record: &Record,
    main: &str,
    process: Option<i32>,
) -> Result<NetworkState, StartError> {
    let mut planned = plan(engine, record, main)?;
    if let Some(first) = planned.first_mut().filter(|_| process.is_some())
        && first.settings.mac_address.is_empty()
    {
        let mac = &record.config.mac_address;
        first.settings.mac_address.clone_from(mac);
    }
    let way_out = way_out(&planned);
    let mut network = NetworkState::default();
    if let Some(pid) = process {
        let path = engine.networks.defaults.netns_dir.join(record.id.as_str());
        netns::adopt(&path, pid).map_err(|error| {
            StartError::Network(format!("cannot name the network namespace: {error}"))
        })?;
        network.netns = path.to_string_lossy().into_owned();
    }
    let outcome = planned.iter().enumerate().try_for_each(|(index, one)| {
        let place = Place {
            link: format!("eth{index}"),
            joins: index > 0 || process.is_some(),
            default_route: way_out == Some(index),
        };
        let joined = attach(engine, record, one, place)?;
        if let Some(endpoint) = &joined.endpoint {
            network.netns = endpoint.netns.to_string_lossy().into_owned();
        }
        network.endpoints.push(joined);
        Ok(())
    });
    let named = outcome.and_then(|()| {
        let serving = engine.name_servers.update(engine, record, &network);
        serving.map_err(|error| refused(record, &error))
    });
    match named {
        Ok(()) => Ok(network),
        Err(error) => {
            leave(engine, &record.id, &network);
            Err(error)
        }
    }
}

/// The networks in the order of the container's links: that of its mode, then by name.
fn plan(engine: &Inner, record: &Record, main: &str) -> Result<Vec<Planned>, StartError> {
    let mut wanted: Vec<(&str, EndpointSettings)> = record
        .networks
        .iter()
        .map(|(name, settings)| (name.as_str(), settings.clone()))
        .collect();
    if wanted.len() > 1 && wanted.iter().any(|(name, _)| *name == "none") {
        return Err(StartError::PrivateNetwork);
    }
    if wanted.is_empty() {
        wanted.push((main, EndpointSettings::default()));
    }
    let custom = engine.networks.find(main);
    let main = custom
        .as_ref()
        .map_or(main, |custom| custom.record.name.as_str());
    wanted.sort_by_key(|(name, _)| *name != main);
    wanted
        .into_iter()
        .map(|(name, settings)| planned(engine, name, settings))
        .collect()
}

fn planned(engine: &Inner, name: &str, settings: EndpointSettings) -> Result<Planned, StartError> {
    if name == "bridge" {
        return Ok(Planned {
            name: name.to_owned(),
            custom: None,
            settings,
        });
    }
    // The network that was meant, if that is known: its name may be another's by now.
    let custom = match settings.network_id.as_str() {
        "" => engine.networks.find(name),
        id if id.len() == WHOLE_ID => engine.networks.get(id),
        id => engine.networks.find(id),
    };
    let custom = custom.ok_or_else(|| StartError::NoNetwork(name.to_owned()))?;
    Ok(Planned {
        name: custom.record.name.clone(),
        custom: Some(custom),
        settings,
    })
}

/// The network with the default route and the published ports: the one of the highest priority
/// that leads anywhere, then the first by name.
fn way_out(planned: &[Planned]) -> Option<usize> {
    let leads_out = |one: &Planned| one.custom.as_ref().is_none_or(|c| !c.record.internal);
    let candidates = planned.iter().enumerate().filter(|(_, one)| leads_out(one));
    candidates
        .min_by_key(|(_, one)| (-one.settings.gw_priority, one.name.clone()))
        .map(|(index, _)| index)
}

fn attach(
    engine: &Inner,
    record: &Record,
    planned: &Planned,
    place: Place,
) -> Result<JoinedNetwork, StartError> {
    let request = attach_request(record, &planned.settings, place)?;
    let attached = with_bridge(engine, planned.custom.as_deref(), |bridge| {
        bridge.attach(&request)
    });
    match attached {
        Some(Ok(endpoint)) => Ok(joined(engine, &planned.name, Some(endpoint))),
        Some(Err(error)) => Err(refused(record, &error)),
        None => Err(StartError::NoNetwork(planned.name.clone())),
    }
}

/// Does something with a network's bridge, which stays meanwhile; `None` if there is none.
fn with_bridge<T>(
    engine: &Inner,
    custom: Option<&Custom>,
    act: impl FnOnce(&Bridge) -> T,
) -> Option<T> {
    match custom {
        Some(custom) => {
            let (bridge, _stays) = custom.bridge()?;
            Some(act(bridge))
        }
        None => engine.bridge.as_ref().map(act),
    }
}

/// Puts a running container on one more network. Blocks.
pub(crate) fn connect(
    engine: &Arc<Inner>,
    record: &Record,
    network: &NetworkState,
    name: &str,
) -> Result<NetworkState, StartError> {
    let settings = record.networks.get(name).cloned().unwrap_or_default();
    let planned = planned(engine, name, settings)?;
    let has_ports = network.endpoints.iter().any(|joined| {
        joined
            .endpoint
            .as_ref()
            .is_some_and(|e| !e.ports.is_empty())
    });
    let mut after = network.clone();
    let is_way_out = has_way_out(record, network, &planned);
    let place = Place {
        link: free_link(network),
        joins: true,
        default_route: is_way_out && !has_ports,
    };
    let joined = attach(engine, record, &planned, place)?;
    after.endpoints.push(joined);
    let settled = settle(engine, record, network, &after);
    if let Err(error) = settled {
        disconnect_one(engine, after.endpoints.last());
        return Err(error);
    }
    Ok(after)
}

fn has_way_out(record: &Record, network: &NetworkState, new: &Planned) -> bool {
    let internal = new.custom.as_ref().is_some_and(|c| c.record.internal);
    let new = (-new.settings.gw_priority, new.name.as_str());
    !internal && gateway(record, network).is_none_or(|(rank, _)| new < rank)
}

/// Takes a running container off a network. Blocks.
pub(crate) fn disconnect(
    engine: &Arc<Inner>,
    record: &Record,
    network: &NetworkState,
    network_id: &str,
) -> NetworkState {
    let mut after = network.clone();
    let position = after
        .endpoints
        .iter()
        .position(|joined| joined.network_id == network_id);
    if let Some(position) = position {
        let gone = after.endpoints.remove(position);
        disconnect_one(engine, Some(&gone));
        if let Err(error) = settle(engine, record, network, &after) {
            tracing::warn!(container = %record.id, %error, "after leaving a network");
        }
    }
    after
}

fn disconnect_one(engine: &Inner, joined: Option<&JoinedNetwork>) {
    let Some((joined, endpoint)) = joined.and_then(|j| Some((j, j.endpoint.as_ref()?))) else {
        return;
    };
    let custom = engine.networks.get(&joined.network_id);
    let failures = with_bridge(engine, custom.as_deref(), |bridge| {
        bridge.disconnect(endpoint)
    });
    for error in failures.into_iter().flatten() {
        tracing::warn!(network = %joined.name, %error, "cannot leave a network cleanly");
    }
}

/// Routes and names follow where the container is.
fn settle(
    engine: &Arc<Inner>,
    record: &Record,
    before: &NetworkState,
    after: &NetworkState,
) -> Result<(), StartError> {
    let (old, new) = (gateway(record, before), gateway(record, after));
    let (old, new) = (old.map(|(_, ip)| ip), new.map(|(_, ip)| ip));
    netns::set_default_route(Path::new(&after.netns), new, old)
        .map_err(|error| StartError::Network(format!("cannot set the default route: {error}")))?;
    let serving = engine.name_servers.update(engine, record, after);
    serving.map_err(|error| refused(record, &error))
}

/// The endpoint with the default route: its rank and its gateway.
fn gateway<'a>(
    record: &Record,
    network: &'a NetworkState,
) -> Option<((i64, &'a str), std::net::Ipv4Addr)> {
    let ranked = network.endpoints.iter().filter_map(|joined| {
        let endpoint = joined.endpoint.as_ref().filter(|e| !e.internal)?;
        let priority = record
            .networks
            .get(&joined.name)
            .map_or(0, |s| s.gw_priority);
        Some(((-priority, joined.name.as_str()), endpoint.gateway))
    });
    ranked.min_by_key(|(rank, _)| *rank)
}

/// The lowest link name that is free.
fn free_link(network: &NetworkState) -> String {
    let used: BTreeSet<&str> = network
        .endpoints
        .iter()
        .filter_map(|joined| Some(joined.endpoint.as_ref()?.link.as_str()))
        .collect();
    let mut names = (0..).map(|index| format!("eth{index}"));
    names
        .find(|name| !used.contains(name.as_str()))
        .unwrap_or_default()
}

/// Takes everything away again; failures are for the log.
pub(crate) fn leave(engine: &Inner, container: &ContainerId, network: &NetworkState) {
    engine.name_servers.end(container);
    for joined in &network.endpoints {
        disconnect_one(engine, Some(joined));
    }
    if !network.netns.is_empty()
        && let Err(error) = netns::remove(Path::new(&network.netns))
    {
        tracing::warn!(%container, %error, "cannot remove a network namespace");
    }
}

/// Takes over what running containers hold of the networks, and clears what is left of others.
/// To be called once, when the engine opens.
pub(crate) fn restore(engine: &Arc<Inner>, running: &[(&Record, &NetworkState)]) {
    let mut by_network: BTreeMap<&str, Vec<Endpoint>> = BTreeMap::new();
    for joined in running.iter().flat_map(|(_, state)| &state.endpoints) {
        if let Some(endpoint) = &joined.endpoint {
            let network = by_network.entry(joined.network_id.as_str()).or_default();
            network.push(endpoint.clone());
        }
    }
    let mut adopt = |bridge: &Bridge, id: &str| {
        for error in bridge.restore(&by_network.remove(id).unwrap_or_default()) {
            tracing::warn!(%error, "cannot take over a network cleanly");
        }
    };
    if let Some(bridge) = &engine.bridge {
        adopt(bridge, engine.networks.builtin.bridge.as_str());
    }
    for custom in engine.networks.all() {
        if let Some(bridge) = &custom.bridge {
            adopt(bridge, custom.record.id.as_str());
        }
    }
    if let Err(error) = engine.networks.shared.sweep_ports() {
        tracing::warn!(%error, "cannot give up ports of containers that are gone");
    }
    let kept: BTreeSet<ContainerId> = running
        .iter()
        .map(|(record, _)| record.id.clone())
        .collect();
    for error in netns::remove_strays(&engine.networks.defaults.netns_dir, &kept) {
        tracing::warn!(%error, "cannot remove a stray network namespace");
    }
    for (record, state) in running {
        if let Err(error) = engine.name_servers.update(engine, record, state) {
            tracing::error!(container = %record.id, %error, "the container has no name server");
        }
    }
}

/// The driver of a network.
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
            .map(|id| id.to_string())
            .unwrap_or_default(),
        endpoint_id: random_hex(),
        endpoint,
    }
}

fn attach_request(
    record: &Record,
    settings: &EndpointSettings,
    place: Place,
) -> Result<AttachRequest, ConfigError> {
    let mac = match settings.mac_address.as_str() {
        "" if !place.joins => record.config.mac_address.as_str(),
        text => text,
    };
    let mac = match mac {
        "" => None,
        text => Some(text.parse().map_err(ConfigError::Mac)?),
    };
    let ports = if place.default_route {
        requests(record)?
    } else {
        Vec::new()
    };
    Ok(AttachRequest {
        container: record.id.clone(),
        ip: endpoint::address(settings).map_err(|text| ConfigError::EndpointIp(text.to_owned()))?,
        mac,
        ports,
        place,
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
