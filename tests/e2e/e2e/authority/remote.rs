//! A daemon whose authority is elsewhere, `lockgate ca serve`: its certificate grows old, and nobody notices.

use std::fs;
use std::process::Stdio;

use lockgate_pki::Reason;
use lockgate_testkit::{Daemon, NetNs, binary, eventually};
use serde_json::json;

use super::{Bench, curl, moment, shows};
use crate::identity::Running;

/// Serves the authority of the bench as a process of its own.
fn serve(bench: &Bench, netns: &NetNs) -> Running {
    let mut command = netns.command(binary("lockgate"));
    command
        .args(["ca", "serve", "--no-detect", "--san", "127.0.0.1"])
        .args(["--listen", "127.0.0.1:2378", "--grace", "7"])
        .args(["--advertise", "127.0.0.1:2378", "--ca"])
        .arg(bench.path("ca"))
        .env("LOCKGATE_CA_PASSPHRASE", "correct horse")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let service = Running(command.spawn().unwrap());
    eventually("the authority serves", || {
        fs::read(bench.path("ca/address")).ok()
    });
    service
}

/// A daemon that knows its authority by its address alone.
fn start(bench: &Bench, netns: NetNs) -> Daemon {
    fs::copy(bench.path("ca/crl.pem"), bench.path("server/crl.pem")).unwrap();
    let authority = json!({
        "ca-server": "127.0.0.1:2378",
        "ca-poll": 1,
        "tls-crl": bench.path("server/crl.pem"),
    });
    bench.daemon(netns, &authority)
}

fn stream(bench: &Bench, daemon: &Daemon, words: &[&str]) -> Running {
    let mut command = daemon.netns().command("docker");
    command
        .args(["-H", "tcp://127.0.0.1:2376", "--tlsverify"])
        .args(words)
        .env("DOCKER_CERT_PATH", bench.path("fresh"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    Running(command.spawn().unwrap())
}

fn said(daemon: &Daemon, wanted: &str) {
    eventually("the log says why", || {
        daemon.log().contains(wanted).then_some(())
    });
}

#[test]
fn an_aged_certificate_is_renewed_at_the_authoritys_address_and_nobody_notices() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 0);
    bench.client("fresh", 0);
    let netns = NetNs::new("lgca");
    let _service = serve(&bench, &netns);
    let daemon = start(&bench, netns);
    daemon.load_busybox();
    let boxed = ["run", "-d", "--name", "box", "busybox", "sleep", "600"];
    daemon.docker(&boxed).ok();
    let state = "{{.State.Pid}} {{.State.StartedAt}}";
    let before = daemon.docker(&["inspect", "-f", state, "box"]);
    let mut streams = [
        stream(&bench, &daemon, &["events"]),
        stream(&bench, &daemon, &["exec", "-i", "box", "cat"]),
        stream(&bench, &daemon, &["logs", "-f", "box"]),
    ];
    eventually("the streams run", || {
        let audit = fs::read_to_string(daemon.path("data/audit.log")).ok()?;
        let operations = ["SystemEvents", "ExecStart", "ContainerLogs"];
        let runs = |name: &&str| audit.contains(&format!("\"operation\":\"{name}\""));
        operations.iter().all(runs).then_some(())
    });

    // Two thirds of its time are over; then, ended within the grace.
    for days in [61, 93] {
        bench.server(&bench.path("server"), days);
        let old = bench.served();
        let key = fs::read(bench.path("server/key.pem")).unwrap();
        let fresh = bench.renewed(&daemon);
        assert_ne!(fs::read(bench.path("server/key.pem")).unwrap(), key);
        assert_eq!(fresh.alternative_names(), old.alternative_names());
        shows(&daemon, &fresh);
        curl(&bench, &daemon, "fresh");
        for stream in &mut streams {
            assert!(!stream.is_over(), "{}", daemon.log());
        }
    }
    let after = daemon.docker(&["inspect", "-f", state, "box"]);
    assert_eq!(after.ok(), before.ok(), "the container noticed nothing");
    let journal = fs::read_to_string(bench.path("ca/journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"event\":\"renewed\"").count(), 2);
    daemon.docker(&["rm", "-f", "box"]).ok();
}

#[test]
fn beyond_the_grace_and_when_revoked_the_authority_renews_nothing_and_the_log_says_which() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 99);
    let late = bench.served();
    let netns = NetNs::new("lgca");
    let _service = serve(&bench, &netns);
    let mut daemon = start(&bench, netns);
    said(
        &daemon,
        &format!(
            "our certificate {} (serial {}, until {}) has expired, and its grace is over",
            late.subject, late.serial, late.not_after
        ),
    );
    assert_eq!(bench.served().serial, late.serial);

    // Within the grace, and at two thirds of its time, but revoked.
    for days in [61, 93] {
        daemon.kill();
        bench.server(&bench.path("server"), days);
        let old = bench.served();
        // A list forgets who has ended; within the grace, the authority does not.
        let then = moment(if days > 90 { 30 } else { 0 });
        let revoked = bench
            .directory()
            .revoke(&old.serial, Reason::KeyCompromise, then);
        assert_eq!(revoked.unwrap().len(), 1);
        bench.publish_list();
        fs::copy(bench.path("ca/crl.pem"), bench.path("server/crl.pem")).unwrap();
        daemon.spawn();
        said(
            &daemon,
            &format!(
                "{} (serial {}, until {}) is revoked",
                old.subject, old.serial, old.not_after
            ),
        );
        assert_eq!(bench.served().serial, old.serial);
    }
    let journal = fs::read_to_string(bench.path("ca/journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"event\":\"renewed\"").count(), 0);
}
