//! `--network`, `--add-host`, `--dns`, and what goes with them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lockgate_types::network::{EndpointIpamConfig, EndpointSettings, NetworkingConfig};

use super::env::to_map;
use crate::args::RunArgs;

/// One `--network` value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Network {
    target: String,
    aliases: Vec<String>,
    driver_opts: Vec<String>,
    ip: String,
    ip6: String,
    link_local: Vec<String>,
    mac: String,
    priority: i64,
}

/// Checks `--network` when it is read.
pub(crate) fn check(text: &str) -> Result<String, String> {
    parse(text).map(|_network| text.to_owned())
}

/// Checks `--add-host`; both `name:ip` and `name=ip` are meant.
pub(crate) fn check_host(text: &str) -> Result<String, String> {
    let pair = text.split_once('=').or_else(|| text.split_once(':'));
    let Some((name, address)) = pair.filter(|(name, _)| !name.is_empty()) else {
        return Err(format!("bad format for add-host: {text:?}"));
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|a| a.strip_suffix(']'))
        .unwrap_or(address);
    if bare != "host-gateway" && bare.parse::<IpAddr>().is_err() {
        return Err(format!("invalid IP address in add-host: {address:?}"));
    }
    Ok(format!("{name}:{bare}"))
}

/// Checks `--dns`.
pub(crate) fn check_address(text: &str) -> Result<String, String> {
    match text.trim().parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(format!("IP address is not correctly formatted: {text}")),
    }
}

/// `name=foo,alias=a,ip=10.0.0.2`, or the bare name.
fn parse(text: &str) -> Result<Network, String> {
    let mut network = Network::default();
    if !text.contains('=') {
        text.clone_into(&mut network.target);
        return Ok(network);
    }
    for field in text.split(',') {
        let pair = field.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| format!("invalid field {field}"))?;
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => value.clone_into(&mut network.target),
            "alias" => network.aliases.push(value.to_owned()),
            "driver-opt" => network.driver_opts.push(value.to_owned()),
            "ip" => value.clone_into(&mut network.ip),
            "ip6" => value.clone_into(&mut network.ip6),
            "mac-address" => value.clone_into(&mut network.mac),
            "link-local-ip" => network.link_local.push(value.to_owned()),
            "gw-priority" => {
                network.priority = value
                    .parse()
                    .map_err(|_error| format!("invalid gw-priority ({value}): invalid syntax"))?;
            }
            other => return Err(format!("invalid field key {other}")),
        }
    }
    if network.target.is_empty() {
        Err("network name is required".to_owned())
    } else {
        Ok(network)
    }
}

/// Networks that a user made, in contrast to those that are always there.
fn is_user_defined(name: &str) -> bool {
    !matches!(name, "" | "default" | "bridge" | "host" | "none" | "nat")
        && !name.starts_with("container:")
}

/// The network mode, and the settings for each network.
pub(super) fn build(args: &RunArgs) -> Result<(String, NetworkingConfig), String> {
    let mut networks = Vec::new();
    for text in args.list("network") {
        networks.push(parse(text)?);
    }
    if networks.is_empty() {
        networks.push(Network {
            target: "default".to_owned(),
            ..Network::default()
        });
    }
    if networks.len() > 1
        && !networks
            .iter()
            .all(|network| is_user_defined(&network.target))
    {
        return Err(
            "conflicting options: cannot attach both user-defined and non-user-defined \
                    network-modes"
                .to_owned(),
        );
    }
    if let Some(first) = networks.first_mut() {
        merge(first, args)?;
    }
    let mode = networks
        .first()
        .map(|network| network.target.clone())
        .unwrap_or_default();
    let mut endpoints = BTreeMap::new();
    for (index, network) in networks.iter().enumerate() {
        let links = if index == 0 { args.list("link") } else { &[] };
        let settings = endpoint(network, links)?;
        // One network that was named and nothing more: the daemon needs no settings for it.
        let is_plain = settings == EndpointSettings::default();
        if is_plain && index == 0 && args.list("network").len() == 1 {
            continue;
        }
        if endpoints
            .insert(network.target.clone(), Some(settings))
            .is_some()
        {
            return Err(format!(
                "network {:?} is specified multiple times",
                network.target
            ));
        }
    }
    Ok((
        mode,
        NetworkingConfig {
            endpoints_config: Some(endpoints),
        },
    ))
}

/// The flags of their own belong to the first network.
fn merge(network: &mut Network, args: &RunArgs) -> Result<(), String> {
    let clash = |flag: &str, per: &str| {
        Err(format!(
            "conflicting options: cannot specify both --{flag} and per-network {per}"
        ))
    };
    let aliases = args.list("network-alias");
    if !aliases.is_empty() {
        if !network.aliases.is_empty() {
            return clash("network-alias", "alias");
        }
        network.aliases = aliases.to_vec();
    }
    let local = args.list("link-local-ip");
    if !local.is_empty() {
        if !network.link_local.is_empty() {
            return clash("link-local-ip", "link-local IP addresses");
        }
        network.link_local = local.to_vec();
    }
    for (flag, per, field) in [
        ("ip", "IPv4 address", &mut network.ip),
        ("ip6", "IPv6 address", &mut network.ip6),
        ("mac-address", "MAC address", &mut network.mac),
    ] {
        let Some(value) = args.given(flag).filter(|value| !value.is_empty()) else {
            continue;
        };
        if !field.is_empty() {
            return clash(flag, per);
        }
        value.clone_into(field);
    }
    if !network.aliases.is_empty() && !is_user_defined(&network.target) {
        return Err(
            "network-scoped aliases are only supported for user-defined networks".to_owned(),
        );
    }
    Ok(())
}

fn endpoint(network: &Network, links: &[String]) -> Result<EndpointSettings, String> {
    let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
    let has_address =
        !(network.ip.is_empty() && network.ip6.is_empty() && network.link_local.is_empty());
    let ipam = EndpointIpamConfig {
        ipv4_address: network.ip.clone(),
        ipv6_address: network.ip6.clone(),
        link_local_ips: list(&network.link_local),
    };
    let links = if is_user_defined(&network.target) {
        list(links)
    } else {
        None
    };
    for option in &network.driver_opts {
        if !option.contains('=') {
            return Err("invalid key/value pair format in driver options".to_owned());
        }
    }
    let driver_opts = to_map(&network.driver_opts);
    Ok(EndpointSettings {
        ipam_config: has_address.then_some(ipam),
        links,
        aliases: list(&network.aliases),
        mac_address: network.mac.clone(),
        driver_opts: (!driver_opts.is_empty()).then_some(driver_opts),
        gw_priority: network.priority,
        ..EndpointSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_name_or_a_list_of_fields() {
        assert_eq!(parse("foo").unwrap().target, "foo");
        let network = parse("name=foo,alias=a,alias=b,ip=10.0.0.2,driver-opt=x=y").unwrap();
        assert_eq!(network.aliases, ["a", "b"]);
        assert_eq!(network.ip, "10.0.0.2");
        assert_eq!(network.driver_opts, ["x=y"]);
        for bad in ["alias=a", "name=foo,bar=1", "name=foo,bar"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_have_a_name_and_an_address() {
        assert_eq!(check_host("a:1.2.3.4").unwrap(), "a:1.2.3.4");
        assert_eq!(check_host("a=[::1]").unwrap(), "a:::1");
        assert_eq!(check_host("a:host-gateway").unwrap(), "a:host-gateway");
        assert_eq!(
            check_host("a").unwrap_err(),
            "bad format for add-host: \"a\""
        );
        assert_eq!(
            check_host("a:b").unwrap_err(),
            "invalid IP address in add-host: \"b\""
        );
    }

    #[test]
    fn only_networks_of_users_have_aliases() {
        for builtin in ["default", "bridge", "host", "none", "container:x"] {
            assert!(!is_user_defined(builtin));
        }
        assert!(is_user_defined("foo"));
    }
}
