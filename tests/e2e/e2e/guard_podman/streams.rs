//! Streams of both kinds.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockgate_testkit::{eventually, request};
use serde_json::{Value, json};

use super::{Before, Stream};
use crate::guard::Follower;
use crate::guard_memory::Memory;

const SCRIPT: &str = "echo out; cat; echo end";
/// Whether there is a terminal, and whether the client asks with `Upgrade`.
const FORMS: [(bool, bool); 4] = [(false, true), (false, false), (true, true), (true, false)];

/// What is said at both ends of a stream. The end of input is a letter with a terminal, and half of the
/// connection without.
fn conversation(mut stream: Stream, tty: bool) -> String {
    stream.until(if tty { "out\r\n" } else { "out\n" });
    stream.say(if tty { "hello\n\x04" } else { "hello\n" });
    stream.end(!tty)
}

#[test]
fn attach_is_the_same_before_podman_with_terminal_and_without_in_both_forms() {
    let before = Before::podman();
    let target = "/v1.41/containers/box/attach?stream=1&stdin=1&stdout=1&stderr=1";
    for (tty, upgrade) in FORMS {
        let [direct, door] = before.sides().map(|side| {
            before.box_that(&side, if tty { &["-it"] } else { &["-i"] }, SCRIPT);
            let stream = Stream::open(&side, target, upgrade, "");
            before.docker(&side, &["start", "box"]).ok();
            let said = conversation(stream, tty);
            before.remove(&side);
            said
        });
        assert!(door.contains("hello") && door.contains("end"), "{door:?}");
        assert_eq!(direct, door, "terminal: {tty}, Upgrade: {upgrade}");
    }
}

#[test]
fn exec_is_the_same_before_podman_with_terminal_and_without_in_both_forms() {
    let before = Before::podman();
    let [podman, door] = before.sides();
    before.box_that(&podman, &[], "sleep 1000");
    before.docker(&podman, &["start", "box"]).ok();
    for (tty, upgrade) in FORMS {
        let [direct, door] = [&podman, &door].map(|side| {
            let script = format!("{SCRIPT}; exit 7");
            let exec = json!({"AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "Tty": tty, "Cmd": ["sh", "-c", script]});
            let made = request(side, "POST", "/v1.41/containers/box/exec", Some(&exec.to_string()));
            let id = made.json()["Id"].as_str().unwrap().to_owned();
            let start = json!({"Detach": false, "Tty": tty}).to_string();
            let target = format!("/v1.41/exec/{id}/start");
            let said = conversation(Stream::open(side, &target, upgrade, &start), tty);
            let code = eventually("the exec has ended", || {
                let told = request(side, "GET", &format!("/v1.41/exec/{id}/json"), None).json();
                (told["Running"] == false).then(|| told["ExitCode"].clone())
            });
            assert_eq!(code, 7, "{said}");
            said
        });
        assert!(door.contains("hello") && door.contains("end"), "{door:?}");
        assert_eq!(direct, door, "terminal: {tty}, Upgrade: {upgrade}");
    }
    before.remove(&podman);
}

#[test]
fn logs_events_statistics_and_waits_flow_while_things_happen_in_podman() {
    let before = Before::podman();
    let [podman, door] = before.sides();
    let follow = |args: &[&str]| {
        let mut command = before.command(&door);
        command.args(args);
        Follower::start(command)
    };
    let mut events = follow(&["events", "--format={{.Action}}", "--filter=container=box"]);
    before.box_that(&podman, &["-i"], "echo one; read x; echo two");
    before.docker(&podman, &["start", "box"]).ok();
    events.until("start");
    let mut logs = follow(&["logs", "--follow", "box"]);
    logs.until("one");
    let mut statistics = UnixStream::connect(&door).unwrap();
    let ask = "GET /v1.41/containers/box/stats?stream=1 HTTP/1.1\r\nHost: d\r\n\r\n";
    statistics.write_all(ask.as_bytes()).unwrap();
    let mut wait = follow(&["wait", "box"]);
    let mut seen = Vec::new();
    while String::from_utf8_lossy(&seen).matches("\"read\":").count() < 2 {
        let mut piece = [0; 4096];
        let count = statistics.read(&mut piece).unwrap();
        assert!(count > 0, "the statistics ended");
        seen.extend(&piece[..count]);
    }
    let target = "/v1.41/containers/box/attach?stream=1&stdin=1";
    let mut input = Stream::open(&podman, target, true, "");
    input.say("x\n");
    logs.until("two");
    wait.until("0");
    assert!(logs.child.wait().unwrap().success());
    events.until("die");
    before.remove(&podman);
    events.until("remove");
    events.child.kill().unwrap();
}

#[test]
fn a_client_that_reads_slowly_slows_podman_and_not_the_door() {
    const WANTED: usize = 24 << 20;
    let before = Before::podman();
    let [podman, door] = before.sides();
    before.box_that(
        &podman,
        &["--log-driver=none"],
        &format!("head -c {WANTED} /dev/zero"),
    );
    let memory = Memory::of(before.door.pid());
    let target = "/v1.41/containers/box/attach?stream=1&stdout=1";
    let stream = Stream::open(&door, target, true, "");
    before.docker(&podman, &["start", "box"]).ok();
    // Who does not read holds up who writes: the container cannot end.
    std::thread::sleep(Duration::from_secs(2));
    let state = request(&podman, "GET", "/v1.41/containers/box/json", None).json();
    assert_eq!(state["State"]["Running"], Value::Bool(true));
    memory.grew_by_less_than(8 << 10);
    let said = stream.end(false);
    assert!(said.len() > WANTED, "{} bytes came", said.len());
    before.remove(&podman);
}
