//! Ports: what a container exposes, what it asks to publish, what it got.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use lockgate_net::{PortRequest, Protocol};
use lockgate_types::network::{PortBinding, PortMap};

use crate::container::ConfigError;
use crate::container::record::Record;
use crate::container::state::NetworkState;

/// Reads `80`, `80/tcp` or `53/udp`.
pub(crate) fn parse_port(text: &str) -> Result<(u16, Protocol), ConfigError> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let invalid = |_error| ConfigError::Port(number.to_owned());
    let number = number.parse::<u16>().map_err(invalid)?;
    let protocol = match protocol.parse() {
        Ok(protocol) => protocol,
        Err(error) => return Err(ConfigError::Protocol(error)),
    };
    Ok((number, protocol))
}

/// The ports that a container asks the network to publish.
pub(super) fn requests(record: &Record) -> Result<Vec<PortRequest>, ConfigError> {
    let mut requests = Vec::new();
    let bindings = record.host_config.port_bindings.iter().flatten();
    for (port, hosts) in bindings {
        let (container_port, proto) = parse_port(port)?;
        for host in hosts.iter().flatten() {
            requests.push(PortRequest {
                container_port,
                proto,
                host_ip: host_ip(host)?,
                host_port: host_port(host)?,
            });
        }
    }
    if record.host_config.publish_all_ports {
        for port in record
            .config
            .exposed_ports
            .iter()
            .flat_map(|ports| ports.keys())
        {
            // An exposed port that cannot be read is one that cannot be published, as in dockerd.
            let Ok((container_port, proto)) = parse_port(port) else {
                continue;
            };
            let known = |r: &PortRequest| r.container_port == container_port && r.proto == proto;
            if !requests.iter().any(known) {
                requests.push(PortRequest {
                    container_port,
                    proto,
                    host_ip: None,
                    host_port: None,
                });
            }
        }
    }
    Ok(requests)
}

/// Refuses a host address or port that cannot be read.
pub(crate) fn check_binding(binding: &PortBinding) -> Result<(), ConfigError> {
    host_ip(binding)?;
    host_port(binding).map(drop)
}

fn host_ip(binding: &PortBinding) -> Result<Option<IpAddr>, ConfigError> {
    match binding.host_ip.as_str() {
        "" | "0.0.0.0" | "::" => Ok(None),
        text => match text.parse() {
            Ok(ip) => Ok(Some(ip)),
            Err(_) => Err(ConfigError::HostIp(text.to_owned())),
        },
    }
}

fn host_port(binding: &PortBinding) -> Result<Option<RangeInclusive<u16>>, ConfigError> {
    let text = binding.host_port.as_str();
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let invalid = || ConfigError::HostPort(text.to_owned());
    let parse = |number: &str| number.parse::<u16>().map_err(|_number| invalid());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = parse(first)?..=parse(last)?;
    if range.is_empty() {
        Err(invalid())
    } else {
        Ok(Some(range))
    }
}

/// What inspect shows under `Ports`: every exposed port, with its host ports if it is published.
pub(crate) fn port_map(record: &Record, network: &NetworkState) -> PortMap {
    let mut map = PortMap::new();
    let endpoints = || {
        network
            .endpoints
            .iter()
            .filter_map(|joined| joined.endpoint.as_ref())
    };
    if endpoints().next().is_none() {
        return map;
    }
    for port in record
        .config
        .exposed_ports
        .iter()
        .flat_map(|ports| ports.keys())
    {
        map.insert(port.clone(), None);
    }
    for published in endpoints().flat_map(|endpoint| &endpoint.ports) {
        let key = format!("{}/{}", published.container_port, published.proto);
        map.entry(key)
            .or_default()
            .get_or_insert_default()
            .push(PortBinding {
                host_ip: published.host_ip.to_string(),
                host_port: published.host_port.to_string(),
            });
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_a_number_and_a_protocol() {
        assert_eq!(parse_port("80").unwrap(), (80, Protocol::Tcp));
        assert_eq!(parse_port("53/udp").unwrap(), (53, Protocol::Udp));
        for bad in ["", "x", "70000", "80/", "80/icmp", "-1"] {
            assert!(parse_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_ports_are_numbers_ranges_or_any() {
        let binding = |text: &str| PortBinding {
            host_port: text.to_owned(),
            ..Default::default()
        };
        assert_eq!(host_port(&binding("")).unwrap(), None);
        assert_eq!(host_port(&binding("8080")).unwrap(), Some(8080..=8080));
        assert_eq!(host_port(&binding("8000-8010")).unwrap(), Some(8000..=8010));
        for bad in ["x", "9-8", "-", "1-"] {
            assert!(host_port(&binding(bad)).is_err(), "{bad}");
        }
    }
}
