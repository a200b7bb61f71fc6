//! Commands of which the operation alone is judged, whatever their options are: swarms, plugins, and builders that
//! are spoken to past the API. And those that cannot be told of.

use super::request::Request;
use crate::failure::Failure;

/// Words, and what they ask.
type Line = (&'static str, &'static [(&'static str, &'static str)]);

const BUILDKIT: &[(&str, &str)] = &[("POST", "/session"), ("POST", "/grpc")];

#[rustfmt::skip]
const TABLE: &[Line] = &[
    ("buildx bake", BUILDKIT),
    ("buildx build", BUILDKIT),
    ("config create", &[("POST", "/configs/create")]),
    ("config inspect", &[("GET", "/configs/x")]),
    ("config ls", &[("GET", "/configs")]),
    ("config rm", &[("DELETE", "/configs/x")]),
    ("node demote", &[("GET", "/nodes/x"), ("POST", "/nodes/x/update")]),
    ("node inspect", &[("GET", "/nodes/x")]),
    ("node ls", &[("GET", "/nodes")]),
    ("node promote", &[("GET", "/nodes/x"), ("POST", "/nodes/x/update")]),
    ("node ps", &[("GET", "/nodes/x"), ("GET", "/tasks")]),
    ("node rm", &[("DELETE", "/nodes/x")]),
    ("node update", &[("GET", "/nodes/x"), ("POST", "/nodes/x/update")]),
    ("plugin create", &[("POST", "/plugins/create")]),
    ("plugin disable", &[("POST", "/plugins/x/disable")]),
    ("plugin enable", &[("POST", "/plugins/x/enable")]),
    ("plugin inspect", &[("GET", "/plugins/x/json")]),
    ("plugin install", &[("GET", "/plugins/privileges"), ("POST", "/plugins/pull"), ("POST", "/plugins/x/enable")]),
    ("plugin ls", &[("GET", "/plugins")]),
    ("plugin push", &[("POST", "/plugins/x/push")]),
    ("plugin rm", &[("DELETE", "/plugins/x")]),
    ("plugin set", &[("POST", "/plugins/x/set")]),
    ("plugin upgrade", &[("GET", "/plugins/x/json"), ("GET", "/plugins/privileges"), ("POST", "/plugins/x/upgrade")]),
    ("secret create", &[("POST", "/secrets/create")]),
    ("secret inspect", &[("GET", "/secrets/x")]),
    ("secret ls", &[("GET", "/secrets")]),
    ("secret rm", &[("DELETE", "/secrets/x")]),
    ("service create", &[("POST", "/services/create")]),
    ("service inspect", &[("GET", "/services/x")]),
    ("service logs", &[("GET", "/services/x"), ("GET", "/services/x/logs")]),
    ("service ls", &[("GET", "/services")]),
    ("service ps", &[("GET", "/services"), ("GET", "/tasks")]),
    ("service rm", &[("DELETE", "/services/x")]),
    ("service rollback", &[("GET", "/services/x"), ("POST", "/services/x/update")]),
    ("service scale", &[("GET", "/services/x"), ("POST", "/services/x/update")]),
    ("service update", &[("GET", "/services/x"), ("POST", "/services/x/update")]),
    ("swarm ca", &[("GET", "/swarm")]),
    ("swarm init", &[("POST", "/swarm/init")]),
    ("swarm join", &[("POST", "/swarm/join"), ("GET", "/info")]),
    ("swarm join-token", &[("GET", "/swarm")]),
    ("swarm leave", &[("POST", "/swarm/leave")]),
    ("swarm unlock", &[("GET", "/info"), ("POST", "/swarm/unlock")]),
    ("swarm unlock-key", &[("GET", "/swarm/unlockkey")]),
    ("swarm update", &[("GET", "/swarm"), ("POST", "/swarm/update")]),
];

/// What says in its files what it asks, or comes to more than one builder.
const UNTOLD: [(&str, &str); 3] = [
    (
        "compose",
        "what it asks is in its files; write the `docker run` of its services",
    ),
    (
        "stack",
        "what it asks is in its files; write the `docker service …` of its services",
    ),
    (
        "buildx",
        "which builder it asks is this machine's setting; `buildx build` and `buildx bake` are told of",
    ),
];

/// What asks no daemon, or a registry alone.
const NOTHING: [&str; 5] = ["completion", "context", "logout", "manifest", "trust"];

/// The requests of a command; `None` for one that is not here.
pub(super) fn requests(words: &[String]) -> Result<Option<Vec<Request>>, Failure> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let verb = match word(2) {
        "list" => "ls",
        "remove" => "rm",
        verb => verb,
    };
    let typed = format!("{} {verb}", word(1));
    if let Some((_, requests)) = TABLE.iter().find(|(line, _)| *line == typed) {
        let each = requests.iter();
        return Ok(Some(
            each.map(|(method, target)| Request::new(method, *target))
                .collect(),
        ));
    }
    if NOTHING.contains(&word(1)) {
        return Ok(Some(Vec::new()));
    }
    match UNTOLD.iter().find(|(name, _)| *name == word(1)) {
        Some((name, hint)) => {
            let failure = Failure::new(format!(
                "what `docker {name}` asks of a daemon cannot be told from its words"
            ));
            Err(failure.hint(*hint))
        }
        None => Ok(None),
    }
}
