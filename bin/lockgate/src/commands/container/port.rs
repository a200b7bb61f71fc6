//! `port`.

use super::super::context::Context;
use super::super::view::View;
use super::inspect;
use crate::args::PortArgs;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs `port`.
pub(crate) async fn run(context: &Context, args: &PortArgs, out: &mut Output) -> Outcome {
    let container = inspect(context, &args.container).await?;
    let ports = View::new(&container).at("NetworkSettings").at("Ports");
    if let Some(wanted) = &args.port {
        let typed = wanted;
        let wanted = if wanted.contains('/') {
            wanted.clone()
        } else {
            format!("{wanted}/tcp")
        };
        let bindings: Vec<String> = ports
            .members()
            .filter(|(port, _)| *port == wanted)
            .flat_map(|(_, list)| hosts(list))
            .collect();
        if bindings.is_empty() {
            let name = &args.container;
            return Err(Failure::new(format!(
                "Error: No public port '{typed}' published for {name}"
            )));
        }
        for binding in bindings {
            out.line(binding)?;
        }
        return Ok(0);
    }
    let mut lines: Vec<(u32, String)> = Vec::new();
    for (port, list) in ports.members() {
        let number = port
            .split('/')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        lines.extend(hosts(list).map(|host| (number, format!("{port} -> {host}"))));
    }
    lines.sort();
    for (_, line) in lines {
        out.line(line)?;
    }
    Ok(0)
}

fn hosts(bindings: View<'_>) -> impl Iterator<Item = String> + use<'_> {
    bindings
        .items()
        .map(|binding| join(binding.text("HostIp"), binding.text("HostPort")))
}

fn join(address: &str, port: &str) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}
