//! `lockgate doctor`: what is wrong between a client and a daemon, and the command that mends it.
//!
//! ```text
//! World (files, environment, time) -> checks::client   what this user says        \
//!                                  -> checks::*        each daemon on this machine > Findings -> report
//! Endpoint (what answers)          -> peer             handshakes and one request /
//!                                  -> cis              the benchmark's items, from the same facts
//! ```
//!
//! It changes nothing, and sends nothing but `GET /_ping` and `GET /version`.

mod checks;
pub(crate) mod cis;
pub(crate) mod daemon;
mod finding;
mod peer;
mod world;

pub(crate) use finding::{End, Finding, Findings, Severity};
pub(crate) use world::World;

use crate::client::{Address, Choice, Endpoint};
use crate::config::{self, ConfigFile};
use daemon::{Daemon, Kind};

/// Both daemons, as far as something of them is on that machine.
pub(crate) fn daemons(world: &World) -> Vec<Daemon> {
    let kinds = [Kind::Dockerd, Kind::Lockgated];
    kinds
        .into_iter()
        .filter_map(|kind| Daemon::find(world, kind))
        .collect()
}

/// Looks at both ends. With `files_only` nothing is connected to.
pub(crate) async fn examine(
    world: &World,
    daemons: &[Daemon],
    choice: &Choice,
    folder: &std::path::Path,
    files_only: bool,
) -> Findings {
    let mut found = Findings::default();
    let endpoint = client(world, choice, folder, &mut found);
    let asked = endpoint.as_ref().and_then(local_name);
    for daemon in daemons {
        let pen = &mut found.at(End::Daemon);
        checks::config::check(daemon, pen);
        checks::modes::check(daemon, pen);
        checks::exposure::check(daemon, pen);
        checks::server::check(world, daemon, asked.as_deref(), pen);
        checks::sockets::check(world, daemon, pen);
    }
    if let Some(endpoint) = endpoint.filter(|_| !files_only) {
        peer::check(world, &endpoint, &mut found.at(End::Peer)).await;
    }
    found
}

fn client(
    world: &World,
    choice: &Choice,
    folder: &std::path::Path,
    found: &mut Findings,
) -> Option<Endpoint> {
    let pen = &mut found.at(End::Client);
    let config = match ConfigFile::load(folder.to_owned()) {
        Ok(config) => config,
        Err(reason) => {
            let file = folder.join("config.json");
            pen.error(
                "config-file",
                reason,
                format!("mv {0} {0}.bad", file.display()),
            );
            ConfigFile::default()
        }
    };
    checks::client::variables(world, &config, pen);
    let env = |name: &str| world.env(name).map(str::to_owned);
    match choice.resolve(&env, &config) {
        Ok(endpoint) => {
            checks::client::endpoint(world, &endpoint, pen);
            Some(endpoint)
        }
        Err(failure) => {
            let fix = "lockgate context ls   # or give an address: lockgate doctor tcp://HOST:2376";
            pen.error("no-endpoint", failure.to_string(), fix);
            None
        }
    }
}

/// The name we connect by, if it is this machine that we connect to.
fn local_name(endpoint: &Endpoint) -> Option<String> {
    let Address::Tcp { host, .. } = &endpoint.address else {
        return None;
    };
    let here = lockgate_pki::detect_names().names;
    let name: lockgate_pki::SubjectName = host.parse().ok()?;
    here.contains(&name).then(|| host.clone())
}

/// Where this user's files are.
pub(crate) fn user_folder(flag: Option<&std::path::Path>) -> std::path::PathBuf {
    config::folder(flag)
}
