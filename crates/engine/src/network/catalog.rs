//! Which networks there are, and finding one.

use std::collections::BTreeMap;

use lockgate_net::BridgeConfig;
use lockgate_types::{ContainerId, NetworkId};

use super::custom::NetworkRecord;
use super::view::{ConfigReference, Ipam, IpamPool, Member, Network};
use super::{Builtin, NetworkError};
use crate::filter::{FilterError, Filters};

/// All networks without their members, in a stable order.
pub(super) fn all(ids: &Builtin, bridge: Option<&BridgeConfig>) -> Vec<Network> {
    let mut networks = Vec::with_capacity(3);
    if let Some(config) = bridge {
        networks.push(Network {
            ipam: ipam(Some(vec![IpamPool {
                subnet: config.subnet.to_string(),
                gateway: config.gateway.to_string(),
                ..IpamPool::default()
            }])),
            options: bridge_options(config),
            ..plain(ids, "bridge", &ids.bridge)
        });
    }
    networks.push(plain(ids, "host", &ids.host));
    networks.push(plain(ids, "none", &ids.none));
    networks
}

/// The network that `text` means: its id, its name, or a prefix of one id.
pub(super) fn find(networks: Vec<Network>, text: &str) -> Result<Network, NetworkError> {
    let exact = |network: &&Network| network.id.as_str() == text || network.name == text;
    if let Some(network) = networks.iter().find(exact) {
        return Ok(network.clone());
    }
    let mut matches: Vec<Network> = networks
        .into_iter()
        .filter(|network| !text.is_empty() && network.id.as_str().starts_with(text))
        .collect();
    match (matches.pop(), matches.len()) {
        (Some(network), 0) => Ok(network),
        (Some(_), others) => Err(NetworkError::Ambiguous(text.to_owned(), others + 1)),
        (None, _) => Err(NetworkError::NotFound(text.to_owned())),
    }
}

/// A network that a user made, as it is shown.
pub(super) fn custom(record: &NetworkRecord) -> Network {
    Network {
        name: record.name.clone(),
        id: record.id.clone(),
        created: record.created,
        scope: "local",
        driver: "bridge",
        enable_ipv4: true,
        enable_ipv6: false,
        ipam: Ipam {
            driver: "default",
            options: record.ipam_options.clone(),
            config: Some(vec![record.shown.clone()]),
        },
        internal: record.internal,
        attachable: record.attachable,
        ingress: false,
        config_from: ConfigReference::default(),
        config_only: false,
        containers: BTreeMap::new(),
        options: record.options.clone(),
        labels: record.labels.clone(),
    }
}

/// Keeps what all filters let through. A network of a user dangles while no container is on it.
pub(super) fn filter(
    mut networks: Vec<Network>,
    filters: &Filters,
    is_used: impl Fn(&Network) -> bool,
) -> Result<Vec<Network>, FilterError> {
    filters.check_keys(&FILTERS)?;
    let dangling = filters.boolean("dangling").map_err(|_values| {
        FilterError::Text(
            "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")"
                .to_owned(),
        )
    })?;
    let wants = wanted_types(filters)?;
    networks.retain(|network| {
        let is_builtin = BUILT_IN.contains(&network.name.as_str());
        dangling.is_none_or(|dangling| dangling == (!is_builtin && !is_used(network)))
            && wants.includes(is_builtin)
            && filters.matches_exactly("driver", network.driver)
            && filters.matches_exactly("scope", network.scope)
            && filters.matches_pattern("name", &network.name)
            && filters.matches_pattern("id", network.id.as_str())
            && filters.matches_labels(Some(&network.labels))
    });
    Ok(networks)
}

/// What the filter `type` lets through.
#[derive(Clone, Copy)]
struct Types {
    builtin: bool,
    custom: bool,
}

impl Types {
    fn includes(self, is_builtin: bool) -> bool {
        if is_builtin {
            self.builtin
        } else {
            self.custom
        }
    }
}

fn wanted_types(filters: &Filters) -> Result<Types, FilterError> {
    if !filters.contains("type") {
        return Ok(Types {
            builtin: true,
            custom: true,
        });
    }
    let mut wanted = Types {
        builtin: false,
        custom: false,
    };
    for value in filters.values("type") {
        match value {
            "builtin" => wanted.builtin = true,
            "custom" => wanted.custom = true,
            _ => {
                let text = format!("invalid filter: 'type'='{value}'");
                return Err(FilterError::Text(text));
            }
        }
    }
    Ok(wanted)
}

fn plain(ids: &Builtin, name: &str, id: &NetworkId) -> Network {
    Network {
        name: name.to_owned(),
        id: id.clone(),
        created: ids.created,
        scope: "local",
        driver: super::driver(name),
        enable_ipv4: true,
        enable_ipv6: false,
        ipam: ipam(None),
        internal: false,
        attachable: false,
        ingress: false,
        config_from: ConfigReference::default(),
        config_only: false,
        containers: BTreeMap::<ContainerId, Member>::new(),
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

fn ipam(config: Option<Vec<IpamPool>>) -> Ipam {
    Ipam {
        driver: "default",
        options: None,
        config,
    }
}

/// Tools read these to learn about the default bridge.
fn bridge_options(config: &BridgeConfig) -> BTreeMap<String, String> {
    let options = [
        ("bridge.default_bridge", "true".to_owned()),
        ("bridge.enable_icc", config.icc.to_string()),
        ("bridge.enable_ip_masquerade", config.ip_masq.to_string()),
        (
            "bridge.host_binding_ipv4",
            config.default_host_ip.to_string(),
        ),
        ("bridge.name", config.name.clone()),
        ("driver.mtu", config.mtu.to_string()),
    ];
    options
        .map(|(key, value)| (format!("com.docker.network.{key}"), value))
        .into()
}

/// Networks that are always there.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];
const FILTERS: [&str; 7] = ["dangling", "driver", "id", "label", "name", "scope", "type"];

#[cfg(test)]
mod tests {
    use super::*;
    use lockgate_types::Timestamp;

    fn networks() -> Vec<Network> {
        let id = |digit: &str| NetworkId::parse(&digit.repeat(64)).unwrap();
        let mut none = "a".repeat(63);
        none.push('b');
        let ids = Builtin {
            bridge: id("a"),
            host: id("c"),
            none: NetworkId::parse(&none).unwrap(),
            created: Timestamp::from_unix_nanos(1),
        };
        let bridge = BridgeConfig {
            name: "lockgate0".into(),
            subnet: "172.17.0.0/16".parse().unwrap(),
            gateway: "172.17.0.1".parse().unwrap(),
            mtu: 1500,
            icc: true,
            ip_masq: true,
            default_host_ip: "0.0.0.0".parse().unwrap(),
            table: "lockgate".into(),
            state_dir: "/s".into(),
            netns_dir: "/n".into(),
            bounds: lockgate_net::Bounds::default(),
        };
        all(&ids, Some(&bridge))
    }

    fn names(filters: &[(&str, &str)]) -> Result<Vec<String>, FilterError> {
        let filters: Filters = filters.iter().copied().collect();
        Ok(filter(networks(), &filters, |_network| false)?
            .into_iter()
            .map(|network| network.name)
            .collect())
    }

    #[test]
    fn networks_are_found_by_name_id_and_unique_prefix() {
        assert_eq!(find(networks(), "host").unwrap().driver, "host");
        assert_eq!(find(networks(), &"a".repeat(64)).unwrap().name, "bridge");
        assert_eq!(find(networks(), "cc").unwrap().name, "host");
        assert_eq!(
            find(networks(), "aa").unwrap_err().to_string(),
            "network aa is ambiguous (2 matches found on ID prefix)"
        );
        for missing in ["", "nope", "d"] {
            let error = find(networks(), missing).unwrap_err();
            assert_eq!(error.to_string(), format!("network {missing} not found"));
        }
    }

    #[test]
    fn filters_let_through_what_matches_all_of_them() {
        assert_eq!(names(&[]).unwrap(), ["bridge", "host", "none"]);
        assert_eq!(names(&[("driver", "null")]).unwrap(), ["none"]);
        assert_eq!(names(&[("name", "o")]).unwrap(), ["host", "none"]);
        assert_eq!(
            names(&[("name", "o"), ("driver", "host")]).unwrap(),
            ["host"]
        );
        assert_eq!(names(&[("id", "cccc")]).unwrap(), ["host"]);
        assert_eq!(names(&[("type", "builtin")]).unwrap().len(), 3);
        assert_eq!(
            names(&[("type", "builtin"), ("type", "custom")])
                .unwrap()
                .len(),
            3
        );
        for nothing in [
            ("type", "custom"),
            ("dangling", "true"),
            ("scope", "swarm"),
            ("label", "a"),
        ] {
            assert!(names(&[nothing]).unwrap().is_empty(), "{nothing:?}");
        }
        assert_eq!(names(&[("dangling", "false")]).unwrap().len(), 3);
        assert_eq!(
            names(&[("type", "x")]).unwrap_err().to_string(),
            "invalid filter: 'type'='x'"
        );
        assert_eq!(
            names(&[("bad", "x")]).unwrap_err().to_string(),
            "invalid filter 'bad'"
        );
    }

    #[test]
    fn the_default_bridge_is_described_in_dockers_shape() {
        let bridge = serde_json::to_value(&networks()[0]).unwrap();
        assert_eq!(bridge["IPAM"]["Config"][0]["Subnet"], "172.17.0.0/16");
        assert_eq!(bridge["IPAM"]["Options"], serde_json::Value::Null);
        assert_eq!(
            bridge["Options"]["com.docker.network.bridge.name"],
            "lockgate0"
        );
        assert_eq!(bridge["Options"]["com.docker.network.driver.mtu"], "1500");
        assert_eq!(bridge["EnableIPv4"], true);
        assert_eq!(bridge["ConfigFrom"]["Network"], "");
        let host = serde_json::to_value(&networks()[1]).unwrap();
        assert_eq!(host["IPAM"]["Config"], serde_json::Value::Null);
        assert_eq!(host["Options"], serde_json::json!({}));
    }
}
