//! Streams through the guard, and their ends.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockgate_testkit::eventually;

use crate::guard::Guarded;
use crate::guard_memory::resident;
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
        (resident(guarded.door.pid()) > 0).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let held = resident(guarded.door.pid());
    assert!(held < 48 * 1024, "the door holds {held} KiB");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert!(all.len() > WANTED, "{} bytes came", all.len());
    guarded.docker(&["rm", "--force", "much"]).ok();
}
