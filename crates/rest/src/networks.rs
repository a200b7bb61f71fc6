//! Networks.

use http::StatusCode;
use lockgate_api::Shape;
use lockgate_api::latest::network as wire;
use lockgate_engine::{CreateNetwork, IpamPool, Network};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::objects::is_common;
use crate::pin;
use crate::reply;

/// `GET /networks`
pub(crate) fn list(ask: &Ask) -> Result<Reply, Failure> {
    let networks = ask.engine.networks();
    let mut found = networks.list(&ask.filters()?)?;
    if ask.version().before(28) {
        // Old lists show who is on a network.
        for network in &mut found {
            *network = networks.inspect(network.id.as_str())?;
        }
    }
    found.retain(|network| is_common(&network.name) || ask.sees(Some(&network.labels)));
    for network in &mut found {
        hide_members(ask, network);
    }
    let mut lines: Vec<wire::Network> = found.into_iter().map(encode).collect();
    lines.shape(ask.version());
    Ok(reply::json(&lines))
}

/// `GET /networks/{id}`
pub(crate) fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    let mut network = ask.engine.networks().inspect(ask.name())?;
    hide_members(ask, &mut network);
    Ok(reply::json(&encode(network)))
}

/// Who else is on a network is not everybody's business.
fn hide_members(ask: &Ask, network: &mut Network) {
    if ask.is_scoped() {
        let containers = ask.engine.containers();
        network.containers.retain(|id, _| {
            let asked = containers.asked(id.as_str());
            asked.is_ok_and(|asked| ask.sees(Some(&asked.labels)))
        });
    }
}

/// `POST /networks/create`
pub(crate) async fn create(ask: &Ask) -> Result<Reply, Failure> {
    let wire: wire::CreateRequest = ask.json()?;
    let ipam = wire.ipam.unwrap_or_default();
    let pool = |from: wire::IpamConfig| IpamPool {
        subnet: from.subnet,
        ip_range: from.ip_range,
        gateway: from.gateway,
        auxiliary_addresses: from.auxiliary_addresses,
    };
    let request = CreateNetwork {
        name: wire.name,
        driver: wire.driver,
        scope: wire.scope,
        enable_ipv4: wire.enable_ipv4,
        enable_ipv6: wire.enable_ipv6,
        ipam_driver: ipam.driver,
        ipam_options: ipam.options,
        ipam_config: ipam.config.into_iter().flatten().map(pool).collect(),
        internal: wire.internal,
        attachable: wire.attachable,
        ingress: wire.ingress,
        config_only: wire.config_only,
        config_from: wire.config_from.unwrap_or_default().network,
        options: wire.options.unwrap_or_default(),
        labels: ask.owned(wire.labels).unwrap_or_default(),
    };
    let id = ask.engine.networks().create(request).await?.to_string();
    let created = wire::CreateResponse {
        id,
        warning: String::new(),
    };
    Ok(reply::created(&created))
}

/// `POST /networks/{id}/connect`
pub(crate) async fn connect(ask: &Ask) -> Result<Reply, Failure> {
    let wire: wire::ConnectRequest = ask.json()?;
    let mut settings = wire.endpoint_config.unwrap_or_default();
    pin::endpoint(ask.meant(), ask.name(), &mut settings)?;
    let container = pin::named(ask.meant(), &wire.container)?;
    let networks = ask.engine.networks();
    networks.connect(ask.name(), &container, settings).await?;
    Ok(reply::empty(StatusCode::OK))
}

/// `POST /networks/{id}/disconnect`
pub(crate) async fn disconnect(ask: &Ask) -> Result<Reply, Failure> {
    let wire: wire::DisconnectRequest = ask.json()?;
    let container = pin::named(ask.meant(), &wire.container)?;
    let networks = ask.engine.networks();
    networks
        .disconnect(ask.name(), &container, wire.force)
        .await?;
    Ok(reply::empty(StatusCode::OK))
}

/// `DELETE /networks/{id}`
pub(crate) async fn remove(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine.networks().remove(ask.name()).await?;
    Ok(reply::no_content())
}

/// `POST /networks/prune`
pub(crate) async fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let filters = ask.filters()?;
    let mut gone = Vec::new();
    for filters in ask.within_scope(&filters) {
        gone.extend(ask.engine.networks().prune(filters).await?);
    }
    let networks_deleted = Some(gone).filter(|gone| !gone.is_empty());
    Ok(reply::json(&wire::PruneReport { networks_deleted }))
}

fn encode(from: Network) -> wire::Network {
    let pools = from.ipam.config.map(|pools| {
        let pool = |from: IpamPool| wire::IpamConfig {
            subnet: from.subnet,
            ip_range: from.ip_range,
            gateway: from.gateway,
            auxiliary_addresses: from.auxiliary_addresses,
        };
        pools.into_iter().map(pool).collect()
    });
    let containers = from.containers.into_iter().map(|(id, member)| {
        let resource = wire::EndpointResource {
            name: member.name,
            endpoint_id: member.endpoint_id,
            mac_address: member.mac_address,
            ipv4_address: member.ipv4_address,
            ipv6_address: member.ipv6_address,
        };
        (id.to_string(), resource)
    });
    wire::Network {
        name: from.name,
        id: from.id.to_string(),
        created: from.created,
        scope: from.scope.to_owned(),
        driver: from.driver.to_owned(),
        enable_ipv4: from.enable_ipv4,
        enable_ipv6: from.enable_ipv6,
        ipam: wire::Ipam {
            driver: from.ipam.driver.to_owned(),
            options: from.ipam.options,
            config: pools,
        },
        internal: from.internal,
        attachable: from.attachable,
        ingress: from.ingress,
        config_from: wire::ConfigReference {
            network: from.config_from.network,
        },
        config_only: from.config_only,
        containers: Some(containers.collect()),
        options: Some(from.options),
        labels: Some(from.labels),
    }
}
