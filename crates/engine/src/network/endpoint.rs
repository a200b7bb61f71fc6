//! What may be asked of a container's place in a network.

use std::net::Ipv4Addr;

use lockgate_types::network::EndpointSettings;

use super::NetworkError;
use super::custom::Custom;

/// The address asked for; the error is what is none.
pub(super) fn address(settings: &EndpointSettings) -> Result<Option<Ipv4Addr>, &str> {
    match settings
        .ipam_config
        .as_ref()
        .map(|c| c.ipv4_address.as_str())
    {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_no_address| text),
    }
}

/// Refuses what the network cannot give; `None` is a built-in one.
pub(crate) fn check(
    network: Option<&Custom>,
    settings: &EndpointSettings,
) -> Result<(), NetworkError> {
    let mut reasons = Vec::new();
    let six = settings
        .ipam_config
        .as_ref()
        .map_or("", |c| c.ipv6_address.as_str());
    if !six.is_empty() {
        return Err(NetworkError::Unsupported("IPv6 on networks".to_owned()));
    }
    let address = address(settings);
    if network.is_none() && !matches!(address, Ok(None)) {
        reasons.push(
            "user specified IP address is supported on user defined networks only".to_owned(),
        );
    }
    if network.is_none() && settings.aliases.as_ref().is_some_and(|a| !a.is_empty()) {
        reasons.push(
            "network-scoped alias is supported only for containers in user defined networks"
                .to_owned(),
        );
    }
    if let Err(text) = address {
        reasons.push(format!("invalid IPv4 address: {text}"));
    }
    let chosen = network.filter(|custom| custom.record.subnet_was_chosen);
    match (address, chosen) {
        (Ok(None), _) => {}
        (Ok(Some(ip)), Some(custom)) if custom.record.subnet.contains(&ip) => {}
        (Ok(Some(ip)), Some(_)) => reasons.push(not_in(&ip.to_string())),
        (Err(text), Some(_)) => reasons.push(not_in(text)),
        (_, None) => reasons.push("user specified IP address is supported only when connecting to networks with user configured subnets".to_owned()),
    }
    if !reasons.is_empty() {
        return Err(NetworkError::Endpoint(reasons));
    }
    let mac = settings.mac_address.as_str();
    if !mac.is_empty() && mac.parse::<lockgate_net::Mac>().is_err() {
        return Err(NetworkError::Mac(mac.to_owned()));
    }
    Ok(())
}

fn not_in(ip: &str) -> String {
    format!("no configured subnet or ip-range contain the IP address {ip}")
}
