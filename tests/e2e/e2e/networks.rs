//! Networks that users make: names, addresses, isolation, several at once.

use lockgate_testkit::{Daemon, DaemonOptions, Ended, eventually};
use serde_json::{Value, json};

/// A daemon whose host knows no name server, which it learns at once.
fn daemon() -> Daemon {
    let daemon = Daemon::start_with(DaemonOptions {
        config: Some(json!({ "dns": ["127.0.0.1"] })),
        ..DaemonOptions::default()
    });
    daemon.load_busybox();
    daemon
}

#[track_caller]
fn post(daemon: &Daemon, target: &str, body: &Value, status: u16) -> Value {
    let response = daemon.api("POST", target, Some(&body.to_string()));
    assert_eq!(response.status, status, "{target} {body}: {response:?}");
    if response.body.is_empty() {
        Value::Null
    } else {
        response.json()
    }
}

fn sleeper(daemon: &Daemon, name: &str, more: &[&str]) {
    let mut args = vec!["run", "-d", "--name", name];
    args.extend(more);
    args.extend(["busybox", "sleep", "600"]);
    daemon.docker(&args).ok();
}

fn exec(daemon: &Daemon, name: &str, script: &str) -> Ended {
    daemon.docker(&["exec", name, "sh", "-c", script])
}

#[test]
fn containers_find_each_other_by_name_and_alias_and_nobody_else() {
    let daemon = daemon();
    daemon.docker(&["network", "create", "front"]).ok();
    daemon.docker(&["network", "create", "back"]).ok();
    sleeper(
        &daemon,
        "web",
        &[
            "--network",
            "front",
            "--network-alias",
            "www",
            "--hostname",
            "webhost",
        ],
    );
    sleeper(&daemon, "db", &["--network", "back"]);
    sleeper(&daemon, "client", &["--network", "front"]);
    for name in ["web", "www", "webhost", "WEB", "web.front"] {
        exec(&daemon, "client", &format!("ping -c 1 -W 5 {name}")).ok();
    }
    let stranger = exec(&daemon, "client", "ping -c 1 -W 1 db");
    assert_ne!(stranger.code(), 0, "{stranger}");
    let address = |name: &str, network: &str| {
        let shown = daemon
            .api("GET", &format!("/containers/{name}/json"), None)
            .json();
        let ip = shown["NetworkSettings"]["Networks"][network]["IPAddress"].clone();
        ip.as_str().unwrap().to_owned()
    };
    let db = address("db", "back");
    let isolated = exec(&daemon, "client", &format!("ping -c 1 -W 1 {db}"));
    assert_ne!(isolated.code(), 0, "networks are apart: {isolated}");

    daemon
        .docker(&["network", "connect", "--alias", "sql", "front", "db"])
        .ok();
    exec(&daemon, "client", "ping -c 1 -W 5 sql").ok();
    exec(&daemon, "db", "ping -c 1 -W 5 web").ok();
    let links = exec(&daemon, "db", "ip -o -4 address");
    assert!(
        links.ok().contains("eth0") && links.stdout.contains("eth1"),
        "{links}"
    );
    daemon
        .docker(&["network", "disconnect", "front", "db"])
        .ok();
    let gone = exec(&daemon, "client", "ping -c 1 -W 1 sql");
    assert_ne!(gone.code(), 0, "{gone}");
    let links = exec(&daemon, "db", "ip -o -4 address; ip route");
    assert!(
        links.ok().contains("default via") && !links.stdout.contains("eth1"),
        "{links}"
    );
}

#[test]
fn port_53_stays_free_for_servers_of_names() {
    let daemon = daemon();
    daemon.docker(&["network", "create", "names"]).ok();
    sleeper(&daemon, "server", &["--network", "names"]);
    exec(
        &daemon,
        "server",
        "(echo mine | nc -l -p 53) & while ! nc -w 1 127.0.0.1 53 </dev/null; do :; done",
    )
    .ok();
    exec(&daemon, "server", "ping -c 1 -W 5 server").ok();
}

#[test]
fn names_outlive_the_daemon_and_come_back_with_it() {
    let mut daemon = daemon();
    daemon
        .docker(&["network", "create", "--subnet", "10.44.0.0/24", "kept"])
        .ok();
    sleeper(&daemon, "aa", &["--network", "kept", "--ip", "10.44.0.9"]);
    sleeper(&daemon, "bb", &["--network", "kept"]);
    daemon.kill();
    daemon.spawn();
    eventually("the name server is back", || {
        (exec(&daemon, "bb", "ping -c 1 -W 2 aa").code() == 0).then_some(())
    });
    let network = daemon.api("GET", "/networks/kept", None).json();
    assert_eq!(network["Containers"].as_object().unwrap().len(), 2);
    let refused = daemon.api("DELETE", "/networks/kept", None);
    assert_eq!(refused.status, 403, "{refused:?}");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("network kept has active endpoints (name:\"aa\" id:\""),
        "{message}"
    );
    daemon.docker(&["rm", "-f", "aa", "bb"]).ok();
    daemon.docker(&["network", "rm", "kept"]).ok();
    let links = daemon.netns().run("ip", &["-o", "link"]);
    assert!(!links.contains("br-"), "{links}");
    let tables = daemon.netns().run("nft", &["list", "tables"]);
    assert_eq!(tables.lines().count(), 1, "{tables}");
}

#[test]
fn an_internal_network_leads_nowhere() {
    let daemon = daemon();
    daemon
        .docker(&["network", "create", "--internal", "vault"])
        .ok();
    daemon.docker(&["network", "create", "open"]).ok();
    sleeper(&daemon, "inside", &["--network", "vault"]);
    sleeper(&daemon, "other", &["--network", "open"]);
    let route = exec(&daemon, "inside", "ip route");
    assert!(!route.ok().contains("default"), "{route}");
    // Even with a route of its own making.
    let shown = daemon.api("GET", "/networks/open", None).json();
    let gateway = shown["IPAM"]["Config"][0]["Gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let out = daemon.docker(&[
        "run", "--rm", "--cap-add", "NET_ADMIN", "--network", "vault", "busybox", "sh", "-c",
        &format!("ip route add default via $(ip -o -4 address show eth0 | cut -d' ' -f7 | cut -d. -f1-3).1; ping -c 1 -W 1 {}", gateway.replace(".1", ".2")),
    ]);
    assert_ne!(out.code(), 0, "{out}");
    daemon
        .docker(&["network", "connect", "open", "inside"])
        .ok();
    exec(
        &daemon,
        "inside",
        "ping -c 1 -W 5 other && ip route | grep default",
    )
    .ok();
}

#[test]
fn addresses_are_the_users_within_the_networks_bounds() {
    let daemon = daemon();
    let config = json!([{ "Subnet": "10.45.0.0/24", "IPRange": "10.45.0.128/30", "Gateway": "10.45.0.254",
        "AuxiliaryAddresses": { "router": "10.45.0.129" } }]);
    let body = json!({ "Name": "plan", "IPAM": { "Config": config }, "Labels": { "a": "b" },
        "Options": { "com.docker.network.driver.mtu": "1400", "com.docker.network.bridge.name": "plan0" } });
    post(&daemon, "/networks/create", &body, 201);
    let shown = daemon.api("GET", "/networks/plan", None).json();
    assert_eq!(shown["IPAM"]["Config"], config);
    assert!(daemon.netns().run("ip", &["-o", "link"]).contains("plan0"));
    sleeper(&daemon, "one", &["--network", "plan"]);
    let seen = exec(
        &daemon,
        "one",
        "ip -o address show eth0; ip -o link show eth0; ip route",
    );
    for part in ["10.45.0.128/24", "mtu 1400", "default via 10.45.0.254"] {
        assert!(seen.ok().contains(part), "{seen}");
    }
    let taken = daemon.docker(&[
        "run",
        "--rm",
        "--network",
        "plan",
        "--ip",
        "10.45.0.128",
        "busybox",
        "true",
    ]);
    assert!(taken.stderr.contains("Address already in use"), "{taken}");
    for (name, status, words, config) in [
        (
            "plan",
            409,
            "network with name plan already exists",
            json!([]),
        ),
        (
            "p2",
            403,
            "Pool overlaps with other one",
            json!([{ "Subnet": "10.45.0.0/25" }]),
        ),
        (
            "p3",
            400,
            "it should be 10.46.0.0/24",
            json!([{ "Subnet": "10.46.0.1/24" }]),
        ),
        (
            "p4",
            400,
            "doesn't contain this address",
            json!([{ "Subnet": "10.46.0.0/24", "Gateway": "10.47.0.1" }]),
        ),
        ("", 400, "name is empty", json!([])),
        (
            "host",
            403,
            "not permitted on predefined host network",
            json!([]),
        ),
    ] {
        let body = json!({ "Name": name, "IPAM": { "Config": config } });
        let answer = post(&daemon, "/networks/create", &body, status);
        assert!(
            answer["message"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    daemon.docker(&["rm", "-f", "one"]).ok();
    let pruned = daemon.api(
        "POST",
        "/networks/prune?filters=%7B%22label%22:%5B%22a=b%22%5D%7D",
        None,
    );
    assert_eq!(pruned.json()["NetworksDeleted"], json!(["plan"]));
    assert!(!daemon.netns().run("ip", &["-o", "link"]).contains("plan0"));
}

#[test]
fn a_stopped_container_joins_all_its_networks_when_it_starts() {
    let daemon = daemon();
    for name in ["n1", "n2"] {
        daemon.docker(&["network", "create", name]).ok();
    }
    daemon
        .docker(&[
            "create",
            "--name",
            "late",
            "--network",
            "n2",
            "busybox",
            "sleep",
            "60",
        ])
        .ok();
    daemon
        .docker(&["network", "connect", "--alias", "other", "n1", "late"])
        .ok();
    daemon.docker(&["start", "late"]).ok();
    let shown = daemon.api("GET", "/containers/late/json", None).json();
    let networks = shown["NetworkSettings"]["Networks"].as_object().unwrap();
    assert_eq!(networks.keys().collect::<Vec<_>>(), ["n1", "n2"]);
    let names = networks["n1"]["DNSNames"].as_array().unwrap();
    assert_eq!(names[..2], [json!("late"), json!("other")]);
    let again = post(
        &daemon,
        "/networks/n1/connect",
        &json!({ "Container": "late" }),
        403,
    );
    assert_eq!(
        again["message"],
        "endpoint with name late already exists in network n1"
    );
    let never = post(
        &daemon,
        "/networks/bridge/disconnect",
        &json!({ "Container": "late" }),
        500,
    );
    assert!(
        never["message"]
            .as_str()
            .unwrap()
            .ends_with("is not connected to network bridge"),
        "{never}"
    );
    post(
        &daemon,
        "/networks/host/connect",
        &json!({ "Container": "late" }),
        400,
    );
    post(
        &daemon,
        "/networks/n1/connect",
        &json!({ "Container": "nope" }),
        404,
    );
}
