//! Commands about networks, volumes and the daemon itself.

use super::request::{Request, each, get, post};
use crate::args::{NetworkVerb, SystemPruneArgs, SystemVerb, Verb, VolumeVerb};
use crate::client::call_path;
use crate::commands::{network, volume};
use crate::failure::Failure;

/// The requests of a command; `None` for one that asks nothing.
pub(super) fn requests(verb: &Verb) -> Result<Option<Vec<Request>>, Failure> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are this program's own, or looked for elsewhere"
    )]
    Ok(Some(match verb {
        Verb::Events(_) => vec![get("/events")],
        Verb::Info(_) => vec![get("/info")],
        Verb::Version(_) => vec![get("/version")],
        Verb::System(group) => match &group.verb {
            SystemVerb::Df(_) => vec![get("/system/df")],
            SystemVerb::Events(_) => vec![get("/events")],
            SystemVerb::Info(_) => vec![get("/info")],
            SystemVerb::Prune(args) => prune(args),
            SystemVerb::DialStdio => return Ok(None),
        },
        Verb::Inspect(args) => match args.kind.as_deref() {
            Some("network") => each("GET", "networks", "", &args.names),
            Some("volume") => each("GET", "volumes", "", &args.names),
            _ => return Ok(None),
        },
        Verb::Network(group) => of_networks(&group.verb)?,
        Verb::Volume(group) => of_volumes(&group.verb)?,
        _ => return Ok(None),
    }))
}

fn of_networks(verb: &NetworkVerb) -> Result<Vec<Request>, Failure> {
    let at = |name: &str, end: &str| post(format!("/networks/{}/{end}", call_path(name)));
    Ok(match verb {
        NetworkVerb::Connect(args) => {
            vec![at(&args.network, "connect").json(&network::connect::body(args))?]
        }
        NetworkVerb::Create(args) => {
            vec![post("/networks/create").json(&network::create::body(args))?]
        }
        NetworkVerb::Disconnect(args) => {
            vec![at(&args.network, "disconnect").json(&network::disconnect::body(args))?]
        }
        NetworkVerb::Inspect(args) => each("GET", "networks", "", &args.names),
        NetworkVerb::Ls(_) => vec![get("/networks")],
        NetworkVerb::Prune(_) => vec![post("/networks/prune")],
        NetworkVerb::Rm(args) => each("DELETE", "networks", "", &args.networks),
    })
}

fn of_volumes(verb: &VolumeVerb) -> Result<Vec<Request>, Failure> {
    Ok(match verb {
        VolumeVerb::Create(args) => {
            vec![post("/volumes/create").json(&volume::create::body(args)?)?]
        }
        VolumeVerb::Inspect(args) => each("GET", "volumes", "", &args.names),
        VolumeVerb::Ls(_) => vec![get("/volumes")],
        VolumeVerb::Prune(_) => vec![post("/volumes/prune")],
        VolumeVerb::Rm(args) => each("DELETE", "volumes", "", &args.volumes),
    })
}

fn prune(args: &SystemPruneArgs) -> Vec<Request> {
    let volumes = args.volumes.then_some("/volumes/prune");
    let first = ["/containers/prune", "/networks/prune"].into_iter();
    let last = ["/images/prune", "/build/prune"];
    first.chain(volumes).chain(last).map(post).collect()
}
