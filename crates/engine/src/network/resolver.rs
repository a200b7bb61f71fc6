//! The `hosts` and `resolv.conf` files of containers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use lockgate_net::{DnsSettings, ExtraHost, HostName};

use super::NetworkMode;
use crate::config::EngineConfig;
use crate::container::record::Record;
use crate::container::state::NetworkState;
use crate::engine::Inner;

/// The text of `/etc/hosts`: loopback, what the user adds, the container's own address. In the
/// host's namespace it is the host's file and what the user adds.
///
/// `gateway` is what `host-gateway` stands for.
pub(crate) fn hosts_file(
    record: &Record,
    network: &NetworkState,
    gateway: Option<String>,
    links: &[(Ipv4Addr, Vec<String>)],
) -> String {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let gateway = gateway
        .and_then(|text| text.parse().ok())
        .unwrap_or(loopback);
    // Malformed ones were refused when the container was created.
    let extra: Vec<ExtraHost> = record
        .host_config
        .extra_hosts
        .iter()
        .flatten()
        .filter_map(|text| ExtraHost::parse(text).ok())
        .collect();
    if NetworkMode::parse(&record.host_config.network_mode).is_ok_and(|m| m == NetworkMode::Host) {
        let host = fs::read_to_string("/etc/hosts").unwrap_or_default();
        return lockgate_net::hosts_of_host(&host, &extra, gateway);
    }
    let own = network
        .endpoints
        .iter()
        .find_map(|joined| Some(joined.endpoint.as_ref()?.ip));
    let name = HostName {
        name: &record.config.hostname,
        domain: &record.config.domainname,
    };
    let mut text = lockgate_net::hosts(own, name, &extra, gateway, links);
    let addresses = network
        .endpoints
        .iter()
        .filter_map(|j| Some(j.endpoint.as_ref()?.ip));
    for more in addresses.skip(1) {
        text.push_str(&own_line(record, more));
    }
    text
}

/// How a container finds itself under one of its addresses.
pub(super) fn own_line(record: &Record, ip: Ipv4Addr) -> String {
    let (name, domain) = (&record.config.hostname, &record.config.domainname);
    let full = match domain.as_str() {
        "" => name.clone(),
        domain => format!("{name}.{domain}"),
    };
    match full.split_once('.') {
        Some((short, _)) => format!("{ip}\t{full} {short}\n"),
        None => format!("{ip}\t{full}\n"),
    }
}

/// Whether a container has a name server of ours: if it is on a network of a user.
pub(crate) fn uses_embedded(engine: &Inner, network: &NetworkState) -> bool {
    let mut ids = network.endpoints.iter().map(|joined| &joined.network_id);
    ids.any(|id| engine.networks.get(id).is_some())
}

/// The text of `/etc/resolv.conf`: what the container says, else the engine, else the host.
///
/// `shared` says that the container is in the host's namespace, where every name server of the
/// host can be reached; `embedded` that it has a name server of ours.
pub(crate) fn resolv_conf(
    record: &Record,
    config: &EngineConfig,
    host: &str,
    shared: bool,
    embedded: bool,
) -> String {
    let settings = dns_settings(record, config);
    match (shared, embedded) {
        (true, _) => lockgate_net::resolv_conf_of_host(host, &settings),
        (false, true) => lockgate_net::embedded_resolv_conf(host, &settings).0,
        (false, false) => lockgate_net::resolv_conf(host, &settings),
    }
}

/// The file that names our server, and the servers behind it.
pub(super) fn embedded(
    record: &Record,
    config: &EngineConfig,
    host: &str,
) -> (String, Vec<IpAddr>) {
    lockgate_net::embedded_resolv_conf(host, &dns_settings(record, config))
}

fn dns_settings(record: &Record, config: &EngineConfig) -> DnsSettings {
    let own = &record.host_config;
    let chosen = |own: &Option<Vec<String>>, engine: &[String]| match own {
        Some(list) if !list.is_empty() => list.clone(),
        _ => engine.to_vec(),
    };
    DnsSettings {
        servers: chosen(&own.dns, &config.dns),
        search: chosen(&own.dns_search, &config.dns_search),
        options: chosen(&own.dns_options, &config.dns_options),
    }
}
