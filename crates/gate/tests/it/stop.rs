//! The end of the daemon.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::door::{Door, eventually};

#[test]
fn requests_are_finished_and_streams_are_ended() {
    let mut door = Door::open();
    let mut idle = door.unix();
    idle.get("/_ping");
    let mut events = door.unix();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.head();
    let mut attached = door.unix();
    attached.send("POST /containers/idle/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    attached.head();
    let mut slow = door.unix();
    slow.send("POST /containers/a/stop HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually("all of them", || {
        (door.fake.served().len() == 4).then_some(())
    });

    let begun = Instant::now();
    door.begin_stop();
    events.rest();
    attached.rest();
    assert!(idle.is_closed());
    eventually("no new connections", || {
        UnixStream::connect(door.dir.path().join("sock"))
            .is_err()
            .then_some(())
    });
    door.fake.release.notify_one();
    let answer = slow.answer();
    assert_eq!(
        (answer.status, answer.headers["connection"].as_str()),
        (204, "close")
    );
    door.join();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "not the grace period"
    );
    assert!(!door.dir.path().join("sock").exists());
}

#[test]
fn what_does_not_finish_is_cut_off_after_the_grace_period() {
    let mut door = Door::open();
    let mut stuck = door.unix();
    stuck.send("POST /containers/a/stop HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually("the request", || {
        (!door.fake.served().is_empty()).then_some(())
    });
    let begun = Instant::now();
    door.begin_stop();
    door.join();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(stuck.is_closed());
}
