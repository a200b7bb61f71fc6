//! Items of the CIS Docker Benchmark (1.6.0) that the doctor's facts answer: TLS and what is said
//! in `daemon.json` (section 2), owners and modes of files (section 3).

use serde::Serialize;

use super::daemon::{Daemon, FOLDERS, Kind};
use super::world::World;

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// What it is about is not on this machine.
    Absent,
    Fail,
    Pass,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    /// Its number in the benchmark.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
}

/// All items, by number.
pub(crate) fn items(world: &World, daemons: &[Daemon]) -> Vec<Item> {
    let dockerd = daemons.iter().find(|daemon| daemon.kind == Kind::Dockerd);
    let mut items = dockerd.map(settings).unwrap_or_default();
    items.extend(files(world, dockerd));
    items
}

fn settings(daemon: &Daemon) -> Vec<Item> {
    let s = &daemon.settings;
    let path = daemon.path.display();
    let tcp = !daemon.tcp().is_empty();
    let without = s.list("insecure-registries").is_empty();
    let level = s.text("log-level").unwrap_or("info") == "info" && !s.is_on("debug");
    let rows = [
        (
            "2.2",
            "containers on the default bridge cannot reach each other",
            s.is_off("icc"),
            "\"icc\": false",
        ),
        (
            "2.3",
            "the log level is info",
            level,
            "\"log-level\": \"info\"",
        ),
        (
            "2.4",
            "dockerd may set up iptables",
            !s.is_off("iptables"),
            "\"iptables\": true",
        ),
        (
            "2.5",
            "no registry is insecure",
            without,
            "\"insecure-registries\": []",
        ),
        (
            "2.7",
            "TCP is behind mutual TLS",
            !tcp || s.is_on("tlsverify"),
            "\"tlsverify\": true",
        ),
        (
            "2.12",
            "an authorization plugin judges requests",
            !s.list("authorization-plugins").is_empty(),
            "\"authorization-plugins\": [...]",
        ),
        (
            "2.14",
            "containers gain no privileges",
            s.is_on("no-new-privileges"),
            "\"no-new-privileges\": true",
        ),
        (
            "2.15",
            "containers outlive the daemon",
            s.is_on("live-restore"),
            "\"live-restore\": true",
        ),
        (
            "2.16",
            "the userland proxy is off",
            s.is_off("userland-proxy"),
            "\"userland-proxy\": false",
        ),
        (
            "2.18",
            "no experimental features",
            !s.is_on("experimental"),
            "\"experimental\": false",
        ),
    ];
    let item = |(id, title, good, line): (&'static str, &str, bool, &str)| Item {
        id,
        title: title.to_owned(),
        verdict: if good { Verdict::Pass } else { Verdict::Fail },
        fix: (!good).then(|| format!("editor {path}   # {line}")),
    };
    rows.into_iter().map(item).collect()
}

/// A file: the items of its owner and of its mode, and what they must be.
struct Row {
    owner: &'static str,
    mode: &'static str,
    path: String,
    group: &'static str,
    most: u32,
}

fn row(owner: &'static str, mode: &'static str, path: impl Into<String>, most: u32) -> Row {
    Row {
        owner,
        mode,
        path: path.into(),
        group: "root",
        most,
    }
}

fn files(world: &World, dockerd: Option<&Daemon>) -> Vec<Item> {
    let unit = |name: &str| {
        let paths = FOLDERS.iter().map(|folder| format!("{folder}/{name}"));
        let found = paths.into_iter().find(|path| world.look(path).is_some());
        found.unwrap_or_else(|| format!("/lib/systemd/system/{name}"))
    };
    let tls = |key: &str, name: &str| {
        let said = dockerd.and_then(|daemon| daemon.settings.text(key));
        said.map_or_else(|| format!("/root/.docker/{name}"), str::to_owned)
    };
    let registries = world
        .names("/etc/docker/certs.d")
        .into_iter()
        .flat_map(|registry| {
            let folder = format!("/etc/docker/certs.d/{registry}");
            let names = world.names(&folder).into_iter();
            names.map(move |name| row("3.7", "3.8", format!("{folder}/{name}"), 0o444))
        });
    let mut rows = vec![
        row("3.1", "3.2", unit("docker.service"), 0o644),
        row("3.3", "3.4", unit("docker.socket"), 0o644),
        row("3.5", "3.6", "/etc/docker", 0o755),
    ];
    rows.extend(registries);
    rows.extend([
        row("3.9", "3.10", tls("tlscacert", "ca.pem"), 0o444),
        row("3.11", "3.12", tls("tlscert", "cert.pem"), 0o444),
        row("3.13", "3.14", tls("tlskey", "key.pem"), 0o400),
        Row {
            group: "docker",
            ..row("3.15", "3.16", "/run/docker.sock", 0o660)
        },
        row("3.17", "3.18", "/etc/docker/daemon.json", 0o644),
        row("3.19", "3.20", "/etc/default/docker", 0o644),
        row("3.22", "3.21", "/etc/sysconfig/docker", 0o644),
        row("3.23", "3.24", "/run/containerd/containerd.sock", 0o660),
    ]);
    rows.iter().flat_map(|row| of_file(world, row)).collect()
}

fn of_file(world: &World, row: &Row) -> [Item; 2] {
    let (look, shown) = (world.look(&row.path), world.path(&row.path));
    let shown = shown.display();
    let gid = if row.group == "root" {
        Some(0)
    } else {
        world.group(row.group)
    };
    let owned = look.map(|look| look.uid == 0 && Some(look.gid) == gid);
    let closed = look.map(|look| look.mode | row.most == row.most);
    let group = row.group;
    let item = |id, title: String, good: Option<bool>, fix: String| Item {
        id,
        title,
        verdict: match good {
            None => Verdict::Absent,
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Fail,
        },
        fix: (good == Some(false)).then_some(fix),
    };
    [
        item(
            row.owner,
            format!("{shown} belongs to root:{group}"),
            owned,
            format!("chown root:{group} {shown}"),
        ),
        item(
            row.mode,
            format!("{shown} has mode {:o} or stricter", row.most),
            closed,
            format!("chmod {:o} {shown}", row.most),
        ),
    ]
}
