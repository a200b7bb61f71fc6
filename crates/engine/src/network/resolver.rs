//! The `hosts` and `resolv.conf` files of containers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use lockgate_net::{DnsSettings, ExtraHost, HostName};

use super::NetworkMode;
use crate::config::EngineConfig;
use crate::container::record::Record;
use crate::container::state::NetworkState;

/// The text of `/etc/hosts`: loopback, what the user adds, the container's own address. In the
/// host's namespace it is the host's file and what the user adds.
///
/// `gateway` is what `host-gateway` stands for.
pub(crate) fn hosts_file(
    record: &Record,
    network: &NetworkState,
    gateway: Option<String>,
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
    lockgate_net::hosts(own, name, &extra, gateway)
}

/// The text of `/etc/resolv.conf`: what the container says, else the engine, else the host.
///
/// `shared` says that the container is in the host's namespace, where every name server of the
/// host can be reached.
pub(crate) fn resolv_conf(
    record: &Record,
    config: &EngineConfig,
    host: &str,
    shared: bool,
) -> String {
    let own = &record.host_config;
    let chosen = |own: &Option<Vec<String>>, engine: &[String]| match own {
        Some(list) if !list.is_empty() => list.clone(),
        _ => engine.to_vec(),
    };
    let settings = DnsSettings {
        servers: chosen(&own.dns, &config.dns),
        search: chosen(&own.dns_search, &config.dns_search),
        options: chosen(&own.dns_options, &config.dns_options),
    };
    if shared {
        lockgate_net::resolv_conf_of_host(host, &settings)
    } else {
        lockgate_net::resolv_conf(host, &settings)
    }
}
