//! The door: who comes in, what is written down, what is refused.

use std::os::unix::fs::PermissionsExt as _;

use lockgate_testkit::{Daemon, DaemonOptions, binary, program, run};
use serde_json::{Value, json};

#[test]
fn writes_a_record_before_each_act_and_its_outcome() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon.docker(&["run", "--rm", "busybox", "true"]).ok();
    let log = std::fs::read_to_string(daemon.path("data/audit.log"))
        .or_else(|_| std::fs::read_to_string(daemon.path("data/audit/audit.jsonl")))
        .unwrap();
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let create = records
        .iter()
        .find(|r| r["operation"] == "ContainerCreate")
        .unwrap();
    assert_eq!(create["decision"], "allow", "{create}");
    assert!(
        create["identity"].to_string().contains('0'),
        "uid 0: {create}"
    );
    let numbers: Vec<u64> = records
        .iter()
        .filter_map(|r| r["sequence"].as_u64())
        .collect();
    assert!(numbers.is_sorted() && !numbers.is_empty());
}

#[test]
fn the_socket_is_for_root_and_its_group_alone() {
    let daemon = Daemon::start();
    let mode = std::fs::metadata(daemon.socket())
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o660);
    let stranger = run(
        program("setpriv")
            .args([
                "--reuid",
                "1000",
                "--regid",
                "1000",
                "--clear-groups",
                "curl",
                "-sS",
                "--unix-socket",
            ])
            .arg(daemon.socket())
            .arg("http://x/_ping"),
        b"",
    );
    assert_ne!(stranger.code(), 0, "{stranger}");
}

#[test]
fn refuses_to_start_twice_on_one_data_root() {
    let daemon = Daemon::start();
    let second = run(
        daemon
            .netns()
            .command(binary("lockgated"))
            .arg("--config-file")
            .arg(daemon.path("daemon.json"))
            .arg("-H")
            .arg(format!("unix://{}", daemon.path("second.sock").display())),
        b"",
    );
    assert_eq!(second.code(), 1, "{second}");
    assert!(
        second.stderr.contains(&daemon.pid().to_string()),
        "names the pid: {second}"
    );
    assert_eq!(
        daemon
            .docker(&["version", "--format", "{{.Server.Os}}"])
            .ok(),
        "linux"
    );
}

#[test]
fn plain_tcp_and_unknown_settings_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("daemon.json");
    let start = |settings: Value, args: &[&str]| {
        let mut settings = settings;
        settings["data-root"] = json!(dir.path().join("data"));
        settings["exec-root"] = json!(dir.path().join("exec"));
        std::fs::write(&config, settings.to_string()).unwrap();
        run(
            program(binary("lockgated"))
                .arg("--config-file")
                .arg(&config)
                .args(args),
            b"",
        )
    };
    let plain = start(json!({}), &["-H", "tcp://127.0.0.1:0"]);
    assert_eq!(plain.code(), 1, "{plain}");
    assert!(
        plain.stderr.contains("tlsverify") && plain.stderr.contains("lockgate ca quick"),
        "{plain}"
    );
    let unknown = start(json!({ "storage-drivers": "overlay2" }), &[]);
    assert_eq!(unknown.code(), 1, "{unknown}");
    assert!(unknown.stderr.contains("storage-drivers"), "{unknown}");
}

#[test]
fn ends_gracefully_and_leaves_no_trace_without_containers() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    daemon.docker(&["run", "--rm", "busybox", "true"]).ok();
    daemon.stop();
    assert!(!daemon.socket().exists(), "the socket is left");
    let links = daemon.netns().run("ip", &["-o", "link"]);
    assert!(!links.contains("lockgate0"), "{links}");
    assert_eq!(daemon.netns().run("nft", &["list", "tables"]), "");
    daemon.spawn();
    assert_eq!(
        daemon
            .docker(&["images", "--format", "{{.Repository}}"])
            .ok(),
        "busybox"
    );
}

#[test]
fn speaks_every_version_it_promises() {
    let daemon = Daemon::start_with(DaemonOptions::default());
    let ping = daemon.api("GET", "/_ping", None);
    assert_eq!((ping.status, ping.text().as_str()), (200, "OK"));
    assert_eq!(ping.headers["api-version"], "1.55");
    for version in ["1.24", "1.41", "1.44", "1.50", "1.53", "1.55"] {
        assert_eq!(
            daemon.api("GET", &format!("/v{version}/info"), None).status,
            200,
            "{version}"
        );
    }
    let new = daemon.api("GET", "/v1.60/info", None);
    assert_eq!(
        new.json()["message"],
        "client version 1.60 is too new. Maximum supported API version is 1.55"
    );
    let page = daemon.api("GET", "/nope", None);
    assert_eq!(
        (page.status, page.text().as_str()),
        (404, "{\"message\":\"page not found\"}\n")
    );
    assert_eq!(daemon.api("GET", "/swarm", None).status, 503);
    let unbuilt = daemon.api("POST", "/build", None);
    assert_eq!(unbuilt.status, 501);
    let message = unbuilt.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("lockgate: ") && message.ends_with(" is not implemented yet"),
        "{message}"
    );
}
