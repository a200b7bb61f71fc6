//! A role for a time, a role learnt by watching, and what the daemon counts meanwhile.

use std::fs;
use std::process::Stdio;

use lockgate_testkit::{Daemon, DaemonOptions, eventually, program, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::ownership::{ALICE, BOB, House};

#[test]
fn a_role_is_lent_by_root_alone_seen_in_the_list_and_over_in_time() {
    let house = House::open();
    house
        .docker(BOB, "create --pull never --name his busybox")
        .ok();
    let sees = || house.docker(ALICE, "ps -aq").ok() != "";
    assert!(!sees());
    let asked = json!({"Who": "uid=2001", "Role": "admin", "Seconds": 3600});
    let (status, said) = house.api(ALICE, "POST", "/lockgate/elevations", Some(&asked));
    assert_eq!(status, 403, "{said}");
    let who = format!("uid={ALICE}");
    let lend = |time: &str| {
        house
            .daemon
            .lockgate(&["elevate", &who, "admin", "--for", time])
    };
    lend("25h").failed_with(1, "24");
    house
        .daemon
        .lockgate(&["elevate", &who, "chef", "--for", "1m"])
        .failed_with(1, "chef");

    let lent = lend("1h");
    let told = format!("{who} has the role admin until ");
    assert!(lent.ok().starts_with(&told), "{lent}");
    assert!(sees(), "the role holds at once");
    let list = house.daemon.lockgate(&["elevate", "--list"]);
    let row = list.ok().lines().nth(1).unwrap();
    assert!(row.contains(&who) && row.contains("admin"), "{list}");
    let id = row.split_whitespace().next().unwrap();
    house.daemon.lockgate(&["elevate", "--end", id]).ok();
    assert!(!sees(), "taken back");

    // A second may be over before the first call comes, on a busy machine.
    let used = ["2s", "4s", "8s", "16s"].iter().filter(|time| {
        lend(time).ok();
        sees()
    });
    assert_eq!(used.take(1).count(), 1, "never seen while it was lent");
    eventually("the time is over", || {
        let audit = fs::read_to_string(house.daemon.path("data/audit.log")).unwrap();
        let count = |word| audit.matches(word).count();
        let begun = count("\"elevated\"");
        (begun >= 2 && count("\"elevation_ended\"") == begun).then_some(())
    });
    assert!(!sees(), "over");
}

#[test]
fn what_an_identity_does_becomes_a_role_that_allows_that_and_no_more() {
    let house = House::open();
    let mut learn = house.daemon.lockgate_command();
    let learning = learn
        .args(["policy", "learn", "--identity", "uid=2001", "--for", "5m"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the daemon is watched", || {
        let audit = fs::read_to_string(house.daemon.path("data/audit.log")).unwrap();
        audit.contains("\"DoorObserve\"").then_some(())
    });
    house
        .docker(ALICE, "run --rm -m 64m -p 127.0.0.1:8123:80 busybox true")
        .ok();
    house.docker(BOB, "exec never true");
    let pid = Pid::from_child(&learning);
    kill_process(pid, Signal::INT).unwrap();
    let output = learning.wait_with_output().unwrap();
    assert!(output.status.success());
    let role = String::from_utf8(output.stdout).unwrap();
    assert!(!role.contains("ContainerExec"), "that was bob:\n{role}");

    // The daemon that has the role instead of the tenant's.
    let learnt = format!("{role}\n[[bindings]]\nuid = 2101\nroles = [\"2001\"]\n");
    let again = House::open_with(&learnt);
    again
        .docker(2101, "run --rm -m 64m -p 127.0.0.1:8123:80 busybox true")
        .ok();
    for beyond in [
        "run --rm -m 64m -p 127.0.0.1:8124:80 busybox true",
        "run --rm -m 65m -p 127.0.0.1:8123:80 busybox true",
        "run --rm -m 64m --privileged busybox true",
        "volume ls",
    ] {
        let said = again.docker(2101, beyond);
        assert_ne!(said.code(), 0, "{said}\n{role}");
        assert!(said.stderr.contains("denied"), "{said}\n{role}");
    }
}

#[test]
fn metrics_count_what_was_asked_on_the_socket_and_on_an_address_of_their_own() {
    let daemon = Daemon::start_with(DaemonOptions {
        args: vec!["--metrics-addr=127.0.0.1:9323".to_owned()],
        config: None,
    });
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "busybox", "sleep", "600"])
        .ok();
    let mut near = program("curl");
    near.args(["-sf", "--unix-socket"])
        .arg(daemon.socket())
        .arg("http://x/metrics");
    let mut far = daemon.netns().command("curl");
    far.args(["-sf", "http://127.0.0.1:9323/metrics"]);
    for command in [&mut near, &mut far] {
        let ended = run(command, b"");
        let text = ended.ok();
        for line in [
            "lockgate_containers{state=\"running\"} 1",
            "lockgate_requests_total{operation=\"ContainerStart\",status=\"2xx\"} 1",
            "lockgate_request_duration_seconds_count{operation=\"ContainerStart\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
    let mut other = daemon.netns().command("curl");
    let said = run(
        other
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}"])
            .arg("http://127.0.0.1:9323/version"),
        b"",
    );
    assert_eq!(said.ok(), "404", "no other route is served there");
}
