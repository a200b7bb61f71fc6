//! `network create`.

use serde_json::{Value, json};

use super::super::context::Context;
use super::super::view::View;
use crate::args::NetworkCreateArgs;
use crate::failure::Outcome;
use crate::output::Output;
use crate::spec::env::to_map;

/// Runs `network create`.
pub(crate) async fn run(context: &Context, args: &NetworkCreateArgs, out: &mut Output) -> Outcome {
    let body = body(args);
    let answer: Value = context
        .client
        .post("/networks/create")
        .json(&body)?
        .fetch()
        .await?;
    let answer = View::new(&answer);
    let warning = answer.text("Warning");
    if !warning.is_empty() {
        out.note(format!("WARNING: {warning}"))?;
    }
    out.line(answer.text("Id"))?;
    Ok(0)
}

/// The body of the call.
pub(in crate::commands) fn body(args: &NetworkCreateArgs) -> Value {
    let subnets = args.subnet.iter().enumerate().map(|(index, subnet)| {
        let mut entry = json!({ "Subnet": subnet });
        let parts = [
            ("Gateway", args.gateway.get(index)),
            ("IPRange", args.ip_range.get(index)),
        ];
        for (key, value) in parts {
            if let (Some(object), Some(value)) = (entry.as_object_mut(), value) {
                object.insert(key.to_owned(), value.as_str().into());
            }
        }
        entry
    });
    json!({
        "Name": args.network,
        "Driver": args.driver,
        "Scope": args.scope.as_deref().unwrap_or(""),
        "EnableIPv4": args.ipv4,
        "EnableIPv6": args.ipv6.then_some(true),
        "IPAM": { "Driver": args.ipam_driver, "Options": to_map(&args.ipam_opt), "Config": subnets.collect::<Vec<_>>() },
        "Internal": args.internal,
        "Attachable": args.attachable,
        "Ingress": args.ingress,
        "ConfigOnly": args.config_only,
        "ConfigFrom": args.config_from.as_ref().map(|network| json!({ "Network": network })),
        "Options": to_map(&args.opt),
        "Labels": to_map(&args.label),
    })
}
