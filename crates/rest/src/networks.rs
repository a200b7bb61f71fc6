//! Networks.

use lockgate_api::Shape;
use lockgate_api::latest::network as wire;
use lockgate_engine::Network;
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

/// `GET /networks`
pub(crate) fn list(ask: &Ask) -> Result<Reply, Failure> {
    let networks = ask.engine.networks();
    let mut found = networks.list(&ask.filters(FILTERS)?)?;
    if ask.version().before(28) {
        // Old lists show who is on a network.
        for network in &mut found {
            *network = networks.inspect(network.id.as_str())?;
        }
    }
    let mut lines: Vec<wire::Network> = found.into_iter().map(encode).collect();
    lines.shape(ask.version());
    Ok(reply::json(&lines))
}

const FILTERS: &[&str] = &["dangling", "driver", "id", "label", "name", "scope", "type"];

/// `GET /networks/{id}`
pub(crate) fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    Ok(reply::json(&encode(
        ask.engine.networks().inspect(ask.name())?,
    )))
}

/// `DELETE /networks/{id}`
pub(crate) fn remove(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine.networks().remove(ask.name())?;
    Ok(reply::no_content())
}

/// `POST /networks/prune`
pub(crate) fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let gone = ask
        .engine
        .networks()
        .prune(&ask.filters(&["label", "label!", "until"])?)?;
    let networks_deleted = Some(gone).filter(|gone| !gone.is_empty());
    Ok(reply::json(&wire::PruneReport { networks_deleted }))
}

fn encode(from: Network) -> wire::Network {
    let pools = from.ipam.config.map(|pools| {
        let pool = |from: lockgate_engine::IpamPool| wire::IpamConfig {
            subnet: from.subnet,
            gateway: from.gateway,
            ..wire::IpamConfig::default()
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
