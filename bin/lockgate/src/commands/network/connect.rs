//! `network connect`.

use lockgate_types::network::{EndpointIpamConfig, EndpointSettings};
use serde_json::{Value, json};

use super::super::context::Context;
use super::path;
use crate::args::NetworkConnectArgs;
use crate::failure::Outcome;
use crate::spec::env::to_map;

/// Runs `network connect`.
pub(crate) async fn run(context: &Context, args: &NetworkConnectArgs) -> Outcome {
    let body = body(args);
    context
        .client
        .post(path(&args.network, "connect"))
        .json(&body)?
        .act()
        .await?;
    Ok(0)
}

/// The body of the call.
pub(in crate::commands) fn body(args: &NetworkConnectArgs) -> Value {
    let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
    let address = EndpointIpamConfig {
        ipv4_address: args.ip.clone().unwrap_or_default(),
        ipv6_address: args.ip6.clone().unwrap_or_default(),
        link_local_ips: list(&args.link_local_ip),
    };
    let settings = EndpointSettings {
        ipam_config: (args.ip.is_some() || args.ip6.is_some() || !args.link_local_ip.is_empty())
            .then_some(address),
        links: list(&args.link),
        aliases: list(&args.alias),
        driver_opts: (!args.driver_opt.is_empty()).then(|| to_map(&args.driver_opt)),
        gw_priority: args.gw_priority.unwrap_or(0),
        ..EndpointSettings::default()
    };
    json!({ "Container": args.container, "EndpointConfig": settings })
}
