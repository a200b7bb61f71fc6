//! `network connect`.

use lockgate_types::network::{EndpointIpamConfig, EndpointSettings};
use serde_json::json;

use super::super::context::Context;
use super::path;
use crate::args::NetworkConnectArgs;
use crate::failure::Outcome;

/// Runs `network connect`.
pub(crate) async fn run(context: &Context, args: &NetworkConnectArgs) -> Outcome {
    let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
    let address = EndpointIpamConfig {
        ipv4_address: args.ip.clone().unwrap_or_default(),
        ipv6_address: args.ip6.clone().unwrap_or_default(),
        link_local_ips: None,
    };
    let settings = EndpointSettings {
        ipam_config: (args.ip.is_some() || args.ip6.is_some()).then_some(address),
        links: list(&args.link),
        aliases: list(&args.alias),
        ..EndpointSettings::default()
    };
    let body = json!({ "Container": args.container, "EndpointConfig": settings });
    context
        .client
        .post(path(&args.network, "connect"))
        .json(&body)?
        .act()
        .await?;
    Ok(0)
}
