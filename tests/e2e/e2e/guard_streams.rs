//! Streams through the guard, and their ends.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockgate_testkit::eventually;

use crate::guard::{Follower, Guarded};
use crate::websocket::{ALL, Socket};

#[test]
fn a_websocket_passes_both_ways() {
    let guarded = Guarded::with_busybox();
    let script = "echo out; exec cat";
    guarded
        .docker(&[
            "run",
            "-di",
            "--network=none",
            "--name",
            "ws",
            "busybox",
            "sh",
            "-c",
            script,
        ])
        .ok();
    let mut socket = Socket::attach_at("1.41", &guarded.door, "ws", &format!("logs=1&{ALL}"));
    socket.output("out\n");
    socket.send(0x82, b"whole\n");
    socket.output("whole\n");
    let answer = guarded
        .door
        .api("GET", "/containers/ws/attach/ws?stream=1", None);
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(
        answer.text().contains("not websocket protocol"),
        "{}",
        answer.text()
    );
    guarded.docker(&["rm", "--force", "ws"]).ok();
}

#[test]
fn a_client_that_reads_slowly_slows_the_container_and_not_the_door() {
    const WANTED: usize = 64 * 1024 * 1024;
    let guarded = Guarded::with_busybox();
    let script = format!("head -c {WANTED} /dev/zero");
    guarded
        .docker(&[
            "create",
            "--network=none",
            "--name",
            "much",
            "busybox",
            "sh",
            "-c",
            &script,
        ])
        .ok();
    let mut stream = UnixStream::connect(guarded.door.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    stream
        .write_all(b"POST /containers/much/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        .unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 101");
    guarded.docker(&["start", "much"]).ok();
    // Nobody reads: what is on the way must stay bounded.
    eventually("the stream is full", || {
        (in_memory(guarded.door.pid()) > 0).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let held = in_memory(guarded.door.pid());
    assert!(held < 48 * 1024, "the door holds {held} KiB");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert!(all.len() > WANTED, "{} bytes came", all.len());
    guarded.docker(&["rm", "--force", "much"]).ok();
}

/// The resident memory of a process, in KiB.
fn in_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_daemon_that_is_restarted_ends_streams_and_is_found_again() {
    let mut guarded = Guarded::with_busybox();
    guarded.sleeper("kk", &[]);
    let mut logs = guarded.door.docker_command();
    logs.args(["logs", "--follow", "kk"]);
    let mut logs = Follower::start(logs);
    let mut events = guarded.door.docker_command();
    // What was before is told first, so it is known when the stream is open.
    events.args(["events", "--since=10m", "--format", "{{.Action}}"]);
    let mut events = Follower::start(events);
    events.until("start");
    guarded.behind.stop();
    logs.child.wait().unwrap();
    events.child.wait().unwrap();
    let away = guarded.door.api("GET", "/containers/json", None);
    assert_eq!(away.status, 502, "{}", away.text());
    assert!(away.text().contains("cannot be reached"), "{}", away.text());
    guarded.behind.spawn();
    let back = guarded.docker(&["inspect", "--format", "{{.Name}}", "kk"]);
    assert_eq!(back.ok(), "/kk");
    guarded.docker(&["rm", "--force", "kk"]).ok();
}
