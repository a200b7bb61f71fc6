//! Making a network.
//!
//! Order: check everything, choose addresses, make the bridge and its rules, write `network.json`.
//! What a crash leaves before that write is removed at the next start.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use lockgate_net::Bridge;
use lockgate_types::event::EventKind;
use lockgate_types::{NetworkId, Timestamp};

use super::custom::{self, Custom, NetworkRecord, SCHEMA};
use super::options::BridgeOptions;
use super::view::IpamPool;
use super::{NetworkError, Networks};
use crate::engine::Inner;

/// What a network is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API description")]
pub struct CreateNetwork {
    pub name: String,
    pub driver: String,
    pub scope: String,
    pub enable_ipv4: Option<bool>,
    pub enable_ipv6: Option<bool>,
    pub ipam_driver: String,
    pub ipam_options: Option<BTreeMap<String, String>>,
    pub ipam_config: Vec<IpamPool>,
    pub internal: bool,
    pub attachable: bool,
    pub ingress: bool,
    pub config_only: bool,
    /// The network whose settings are to be taken, empty for none.
    pub config_from: String,
    pub options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

impl Networks {
    /// Makes a network; once answered it is on disk.
    pub async fn create(&self, request: CreateNetwork) -> Result<NetworkId, NetworkError> {
        let inner = Arc::clone(&self.inner);
        super::blocking(move || create(&inner, &request)).await
    }
}

fn create(engine: &Inner, request: &CreateNetwork) -> Result<NetworkId, NetworkError> {
    let networks = &engine.networks;
    check(engine, request)?;
    let options = BridgeOptions::parse(&request.options)?;
    let pool = request.ipam_config.first().map(Pool::parse).transpose()?;
    let _alone = networks.making();
    if networks.named(&request.name).is_some() {
        return Err(NetworkError::Exists(request.name.clone()));
    }
    let record = record(engine, request, pool)?;
    let config = record.bridge_config(&options, &networks.defaults);
    let undo = |error: NetworkError| {
        custom::discard(&record.id, &networks.defaults);
        error
    };
    let bridge = Bridge::open_with(config, networks.shared.clone())
        .map_err(|error| undo(NetworkError::failed(&error)))?;
    let directory = record.directory(&networks.defaults);
    if let Err(error) = record.write(&directory) {
        for failure in bridge.close() {
            tracing::warn!(%failure, "undoing a network");
        }
        return Err(undo(NetworkError::Failed(error.to_string())));
    }
    let id = record.id.clone();
    let custom = Arc::new(Custom::new(record, Some(bridge)));
    networks.insert(Arc::clone(&custom));
    tell(engine, &custom.record, "create");
    Ok(id)
}

/// Publishes `create` or `destroy` of a network.
pub(super) fn tell(engine: &Inner, record: &NetworkRecord, action: &str) {
    let attributes = BTreeMap::from([
        ("name".to_owned(), record.name.clone()),
        ("type".to_owned(), "bridge".to_owned()),
    ]);
    let id = record.id.as_str();
    engine
        .events
        .publish(EventKind::Network, action, id, attributes);
}

fn check(engine: &Inner, request: &CreateNetwork) -> Result<(), NetworkError> {
    let unsupported = |what: &str| Err(NetworkError::Unsupported(what.to_owned()));
    if request.name.is_empty() {
        return Err(NetworkError::NoName);
    }
    if engine.networks.builtin.id(&request.name).is_some() || request.name == "default" {
        return Err(NetworkError::NotOnPredefined(request.name.clone()));
    }
    if request.scope == "swarm" {
        return Err(NetworkError::Swarm);
    }
    if request.ingress {
        return Err(NetworkError::Ingress);
    }
    match request.driver.as_str() {
        "" | "bridge" | "default" => {}
        "host" | "null" => return Err(NetworkError::OneInstance(request.driver.clone())),
        "macvlan" | "ipvlan" | "overlay" => {
            return unsupported(&format!("the network driver {}", request.driver));
        }
        other => return Err(NetworkError::Driver(other.to_owned())),
    }
    if !matches!(request.ipam_driver.as_str(), "" | "default") {
        return Err(NetworkError::Driver(request.ipam_driver.clone()));
    }
    if request.config_only || !request.config_from.is_empty() {
        return unsupported("a network that is the configuration of others");
    }
    let has_six = |pool: &IpamPool| pool.subnet.contains(':');
    if request.enable_ipv6 == Some(true) || request.ipam_config.iter().any(has_six) {
        return unsupported("IPv6 on networks");
    }
    if request.enable_ipv4 == Some(false) {
        return Err(NetworkError::NoAddresses);
    }
    if request.ipam_config.len() > 1 {
        return Err(NetworkError::Subnets);
    }
    Ok(())
}

/// Addresses as the user chose them.
struct Pool {
    subnet: Ipv4Net,
    gateway: Option<Ipv4Addr>,
    ip_range: Option<Ipv4Net>,
}

impl Pool {
    fn parse(pool: &IpamPool) -> Result<Self, NetworkError> {
        let text = &pool.subnet;
        let alone = |reason: String| NetworkError::Config(vec![reason]);
        let subnet: Ipv4Net = text.parse().map_err(|_net| {
            alone(format!(
                "invalid subnet {text}: invalid CIDR block notation"
            ))
        })?;
        let mut reasons = Vec::new();
        if subnet.trunc() != subnet {
            let should = subnet.trunc();
            reasons.push(format!("invalid subnet {text}: it should be {should}"));
        }
        let mut address = |what: &str, text: &str| match text.parse::<Ipv4Addr>() {
            Ok(ip) if subnet.contains(&ip) => Some(ip),
            Ok(_) => {
                reasons.push(format!(
                    "invalid {what}: parent subnet {subnet} doesn't contain this address"
                ));
                None
            }
            Err(_) => {
                reasons.push(format!("invalid {what}: invalid address"));
                None
            }
        };
        let gateway = match pool.gateway.as_str() {
            "" => None,
            text => address(&format!("gateway {text}"), text),
        };
        for (name, text) in pool.auxiliary_addresses.iter().flatten() {
            address(&format!("auxiliary address {name}"), text);
        }
        let ip_range = range(&pool.ip_range, subnet, &mut reasons);
        if !reasons.is_empty() {
            return Err(NetworkError::Config(reasons));
        }
        if subnet.prefix_len() > 30 {
            let reason = format!("invalid subnet {text}: no room for a gateway and a container");
            return Err(alone(reason));
        }
        Ok(Self {
            subnet,
            gateway,
            ip_range,
        })
    }

    /// The user's gateway, or the first address.
    fn gateway(&self) -> Ipv4Addr {
        let first = || Ipv4Addr::from(u32::from(self.subnet.network()).saturating_add(1));
        self.gateway.unwrap_or_else(first)
    }
}

fn range(text: &str, subnet: Ipv4Net, reasons: &mut Vec<String>) -> Option<Ipv4Net> {
    if text.is_empty() {
        return None;
    }
    match text.parse::<Ipv4Net>() {
        Ok(range) if subnet.contains(&range) => return Some(range),
        Ok(_) => reasons.push(format!(
            "invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range"
        )),
        Err(_) => reasons.push(format!(
            "invalid ip-range {text}: invalid CIDR block notation"
        )),
    }
    None
}

fn record(
    engine: &Inner,
    request: &CreateNetwork,
    pool: Option<Pool>,
) -> Result<NetworkRecord, NetworkError> {
    let subnet_was_chosen = pool.is_some();
    let (pool, shown) = match pool {
        Some(pool) => {
            refuse_overlap(engine, pool.subnet)?;
            let shown = request.ipam_config.first().cloned().unwrap_or_default();
            (pool, shown)
        }
        None => chosen()?,
    };
    Ok(NetworkRecord {
        schema: SCHEMA,
        id: NetworkId::random(),
        name: request.name.clone(),
        created: Timestamp::now(),
        internal: request.internal,
        attachable: request.attachable,
        labels: request.labels.clone(),
        options: request.options.clone(),
        ipam_options: request.ipam_options.clone(),
        shown,
        subnet_was_chosen,
        subnet: pool.subnet,
        gateway: pool.gateway(),
        ip_range: pool.ip_range,
    })
}

/// Addresses that nothing on this host has.
fn chosen() -> Result<(Pool, IpamPool), NetworkError> {
    let subnet = lockgate_net::pick_subnet().map_err(|error| NetworkError::failed(&error))?;
    let pool = Pool {
        subnet,
        gateway: None,
        ip_range: None,
    };
    let shown = IpamPool {
        subnet: subnet.to_string(),
        gateway: pool.gateway().to_string(),
        ..IpamPool::default()
    };
    Ok((pool, shown))
}

fn refuse_overlap(engine: &Inner, subnet: Ipv4Net) -> Result<(), NetworkError> {
    let customs = engine.networks.all();
    let mut taken = customs
        .iter()
        .map(|custom| custom.record.subnet)
        .chain(engine.bridge.as_ref().map(|bridge| bridge.config().subnet));
    if taken.any(|other| other.contains(&subnet) || subnet.contains(&other)) {
        return Err(NetworkError::Overlap);
    }
    Ok(())
}
