//! A guard whose clients leave, or whose daemon does, in the middle of streams of each kind.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use lockgate_testkit::eventually;

use crate::guard_hostile::{Hostile, OK};

/// How clients ask for streams of each kind; `GO` stands for the fields of every request.
pub(crate) const STREAMS: [&str; 14] = [
    "GET /containers/x/logs?follow=1&stdout=1 GO\r\n",
    "GET /events GO\r\n",
    "GET /containers/x/stats GO\r\n",
    "GET /images/x/get GO\r\n",
    "POST /containers/x/wait GO\r\n",
    "POST /images/create?fromImage=x GO\r\n",
    "POST /images/create?fromImage=silent GO\r\n",
    "POST /build GOTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "POST /images/load GOContent-Length: 100000\r\n\r\nabc",
    "POST /containers/x/attach?stream=1&stdout=1 GO\r\n",
    "POST /containers/x/attach?stream=1&stdin=1 GOConnection: Upgrade\r\nUpgrade: tcp\r\n\r\ninput",
    "POST /exec/x/start GOConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "POST /session GOConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "POST /grpc GOConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
];
/// A thousand in all.
const CLIENTS: usize = 72;

#[test]
fn streams_whose_clients_leave_are_let_go() {
    let hostile = Hostile::that(|head, stream| {
        if head.contains("silent") {
            return true;
        }
        // At the end of the test somebody asks what is left.
        let target = head.split(' ').nth(1).unwrap();
        if target.contains("/json") || target.contains("/_ping") {
            let none = format!("{OK}Content-Length: 2\r\n\r\n[]");
            return stream.write_all(none.as_bytes()).is_ok();
        }
        let upgrades = head.to_ascii_lowercase().contains("upgrade: ");
        let answer = if upgrades {
            "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello".to_owned()
        } else {
            format!("{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        };
        drop(stream.write_all(answer.as_bytes()));
        drop(std::io::copy(stream, &mut std::io::sink()));
        // Like a container that goes on after the end of its input, and says nothing: it holds its side
        // until there is nobody on the other.
        while stream.write_all(b"").is_ok() && !is_gone(stream) {
            thread::sleep(Duration::from_millis(20));
        }
        false
    });
    // What the door opens once and keeps is there after the first.
    come_and_go(&hostile, STREAMS[0]);
    let before = hostile.descriptors();
    for stream in STREAMS {
        come_and_go(&hostile, stream);
    }
    eventually("the door holds nothing of them", || {
        (hostile.descriptors() <= before).then_some(())
    });
}

fn come_and_go(hostile: &Hostile, stream: &str) {
    let request = stream.replace("GO", "HTTP/1.1\r\nHost: d\r\n");
    let clients: Vec<UnixStream> = (0..CLIENTS).map(|_| hostile.send(&request)).collect();
    let open = |wanted| (hostile.open.load(Ordering::SeqCst) == wanted).then_some(());
    eventually("all are served", || open(CLIENTS));
    drop(clients);
    let what = format!("the daemon's side of {stream:?} has ended");
    eventually(&what, || open(0));
}

/// Whether both directions of a unix socket are closed.
fn is_gone(stream: &UnixStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut look = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut look, Some(&Timespec::default())).unwrap();
    look[0].revents().contains(PollFlags::HUP)
}
