//! Which networks there are, and finding one.

use std::collections::BTreeMap;

use lockgate_net::BridgeConfig;
use lockgate_types::{ContainerId, ErrorKind, NetworkId};

use super::Builtin;
use super::view::{ConfigReference, Ipam, IpamPool, Member, Network};
use crate::filter::{FilterError, Filters};

/// Why an operation on a network failed; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No name or id is like that.
    #[error("network {0} not found")]
    NotFound(String),
    /// Several ids begin like that.
    #[error("network {0} is ambiguous ({1} matches found on ID prefix)")]
    Ambiguous(String, usize),
    /// The built-in networks stay.
    #[error("{0} is a pre-defined network and cannot be removed")]
    Predefined(String),
    /// A network of that name exists.
    #[error("network with name {0} already exists")]
    Exists(String),
    /// The names of the built-in networks are taken.
    #[error("operation is not permitted on predefined {0} network ")]
    NotOnPredefined(String),
    /// Not built.
    #[error("{0} is not supported by this engine: the networks are bridge, host and none")]
    Unsupported(&'static str),
    /// A filter cannot be applied.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl NetworkError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Ambiguous(..) => ErrorKind::InvalidInput,
            Self::Predefined(_) | Self::NotOnPredefined(_) => ErrorKind::Denied,
            Self::Exists(_) => ErrorKind::Conflict,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Filter(error) => error.kind(),
        }
    }
}

/// All networks without their members, in a stable order.
pub(super) fn all(ids: &Builtin, bridge: Option<&BridgeConfig>) -> Vec<Network> {
    let mut networks = Vec::with_capacity(3);
    if let Some(config) = bridge {
        networks.push(Network {
            ipam: ipam(Some(vec![IpamPool {
                subnet: config.subnet.to_string(),
                gateway: config.gateway.to_string(),
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

/// Keeps what all filters let through. Every network here is built in, so none dangles.
pub(super) fn filter(
    mut networks: Vec<Network>,
    filters: &Filters,
) -> Result<Vec<Network>, FilterError> {
    filters.check_keys(&FILTERS)?;
    let dangling = filters.boolean("dangling")?.unwrap_or(false);
    let builtin = wants_builtin(filters)?;
    networks.retain(|network| {
        !dangling
            && builtin
            && filters.matches_exactly("driver", network.driver)
            && filters.matches_exactly("scope", network.scope)
            && filters.matches_pattern("name", &network.name)
            && filters.matches_pattern("id", network.id.as_str())
            && filters.matches_labels(Some(&network.labels))
    });
    Ok(networks)
}

fn wants_builtin(filters: &Filters) -> Result<bool, FilterError> {
    let mut wanted = true;
    for value in filters.values("type") {
        wanted = match value {
            "builtin" => true,
            "custom" => filters.values("type").any(|other| other == "builtin"),
            _ => return Err(FilterError::value("type", value)),
        };
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
        };
        all(&ids, Some(&bridge))
    }

    fn names(filters: &[(&str, &str)]) -> Result<Vec<String>, FilterError> {
        let filters: Filters = filters.iter().copied().collect();
        Ok(filter(networks(), &filters)?
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
            "invalid filter 'type=x'"
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
