//! What inspect and list tell about a container's networks.

use std::collections::BTreeMap;

use lockgate_net::Endpoint;
use lockgate_types::Timestamp;
use lockgate_types::network::EndpointSettings;

use super::{Known, names_of, port_map};
use crate::container::NetworkSettings;
use crate::container::record::Record;
use crate::container::state::RunState;

/// The whole `NetworkSettings` of inspect. The fields outside `Networks` speak of the default
/// bridge alone.
pub(crate) fn settings(ids: &Known, record: &Record, state: &RunState) -> NetworkSettings {
    let network = &state.network;
    let mut settings = NetworkSettings {
        ports: port_map(record, network),
        networks: endpoints(ids, record, state),
        ..NetworkSettings::default()
    };
    if !network.endpoints.is_empty() {
        // A sandbox is a container's own, so its id can be the container's.
        record.id.as_str().clone_into(&mut settings.sandbox_id);
        settings.sandbox_key = sandbox_key(state);
    }
    if let Some(bridge) = settings.networks.get("bridge") {
        settings.endpoint_id.clone_from(&bridge.endpoint_id);
        settings.gateway.clone_from(&bridge.gateway);
        settings.ip_address.clone_from(&bridge.ip_address);
        settings.ip_prefix_len = bridge.ip_prefix_len;
        settings.mac_address.clone_from(&bridge.mac_address);
    }
    settings
}

/// The networks that a container is in, or is to join when it starts.
pub(crate) fn endpoints(
    ids: &Known,
    record: &Record,
    state: &RunState,
) -> BTreeMap<String, EndpointSettings> {
    let mut all = record.networks.clone();
    for (name, settings) in &mut all {
        // A container that has not run yet is not known to its networks.
        if state.started_at != Timestamp::ZERO
            && let Some(id) = ids.id(name)
        {
            id.as_str().clone_into(&mut settings.network_id);
            if ids.builtin.id(name).is_none() {
                settings.dns_names = Some(names_of(record, name));
            }
        }
    }
    for joined in &state.network.endpoints {
        let settings = all.entry(joined.name.clone()).or_default();
        settings.network_id.clone_from(&joined.network_id);
        settings.endpoint_id.clone_from(&joined.endpoint_id);
        if ids.builtin.id(&joined.name).is_none() {
            settings.dns_names = Some(names_of(record, &joined.name));
        }
        if let Some(endpoint) = &joined.endpoint {
            fill(settings, endpoint);
        }
    }
    all
}

fn fill(settings: &mut EndpointSettings, endpoint: &Endpoint) {
    if !endpoint.internal {
        settings.gateway = endpoint.gateway.to_string();
    }
    settings.ip_address = endpoint.ip.to_string();
    settings.ip_prefix_len = endpoint.prefix_len;
    settings.mac_address.clone_from(&endpoint.mac);
}

fn sandbox_key(state: &RunState) -> String {
    let is_host = state
        .network
        .endpoints
        .iter()
        .any(|joined| joined.name == "host");
    match state.network.netns.as_str() {
        "" if is_host => HOST_NAMESPACE.to_owned(),
        // Made by the runtime, and known by its first process only.
        "" => format!("/proc/{}/ns/net", state.pid),
        path => path.to_owned(),
    }
}

/// How a namespace that is the host's own is called.
const HOST_NAMESPACE: &str = "/proc/1/ns/net";
