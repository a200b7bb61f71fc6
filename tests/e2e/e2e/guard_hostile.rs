//! A guard before something that is no daemon, and before clients that leave.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use lockgate_testkit::{Daemon, DaemonOptions, HttpResponse, eventually};

/// What a connection is told when a request's head has come; `false` ends it.
type Script = Box<dyn Fn(&str, &mut UnixStream) -> bool + Send + Sync>;

/// Something that listens where the daemon should, and the door before it.
struct Hostile {
    door: Daemon,
    /// Connections to it that have not ended.
    open: Arc<AtomicUsize>,
    _dir: tempfile::TempDir,
}

impl Hostile {
    fn that(answers: impl Fn(&str, &mut UnixStream) -> bool + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket: PathBuf = dir.path().join("daemon.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let open = Arc::new(AtomicUsize::new(0));
        let (count, script): (_, Arc<Script>) = (Arc::clone(&open), Arc::new(Box::new(answers)));
        // It ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (count, script) = (Arc::clone(&count), Arc::clone(&script));
                thread::spawn(move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    converse(stream.unwrap(), &script);
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        let door = Daemon::start_with(DaemonOptions {
            args: vec![format!("--guard=unix://{}", socket.display())],
            config: None,
        });
        Self {
            door,
            open,
            _dir: dir,
        }
    }

    /// Sends this and nothing more.
    fn send(&self, request: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.door.socket()).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// All that is answered to a `GET`, as it comes.
    fn raw(&self, target: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        self.send(&request).read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn list(&self) -> HttpResponse {
        self.door.api("GET", "/containers/json", None)
    }

    fn descriptors(&self) -> usize {
        let all = fs::read_dir(format!("/proc/{}/fd", self.door.pid()));
        all.unwrap().count()
    }
}

/// Reads heads, whose bodies are of no interest, and answers them.
fn converse(mut stream: UnixStream, script: &Script) {
    let mut seen = Vec::new();
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        seen.push(byte[0]);
        if seen.ends_with(b"\r\n\r\n") {
            if !script(&String::from_utf8_lossy(&seen), &mut stream) {
                return;
            }
            seen.clear();
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

#[test]
fn what_is_no_answer_is_a_clear_502_and_spoils_no_later_call() {
    const BAD: [&str; 14] = [
        "",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Len",
        "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 42 x\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nA: b\rEvil: c\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nEVIL",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nEVIL",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        "ENDLESS",
    ];
    let turn = AtomicUsize::new(0);
    let hostile = Hostile::that(move |_, stream| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        match BAD.get(turn / 2).filter(|_| turn.is_multiple_of(2)) {
            Some(&"ENDLESS") => {
                stream.write_all(OK.as_bytes()).unwrap();
                while stream.write_all(b"Name: value of a field\r\n").is_ok() {}
                false
            }
            Some(bad) => {
                drop(stream.write_all(bad.as_bytes()));
                false
            }
            None => {
                let good = format!("{OK}Content-Length: 4\r\n\r\nGOOD");
                stream.write_all(good.as_bytes()).is_ok()
            }
        }
    });
    for bad in BAD {
        let answer = hostile.list();
        assert_eq!(answer.status, 502, "{bad:?}: {}", answer.text());
        assert!(
            answer.text().contains("the daemon behind this door"),
            "{bad:?}: {}",
            answer.text()
        );
        assert_eq!(hostile.list().text(), "GOOD", "after {bad:?}");
    }
}

#[test]
fn a_body_that_breaks_off_is_its_clients_fault_and_not_the_daemons() {
    let hostile = Hostile::that(|head, stream| {
        if head.starts_with("POST ") {
            // It waits for the rest.
            drop(stream.read_to_end(&mut Vec::new()));
            return false;
        }
        let answer = format!("{OK}Content-Length: 2\r\n\r\nOK");
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let head = "POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: 10\r\n\r\n123";
    let mut stream = hostile.send(head);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("the body of the request broke off"),
        "{answer}"
    );
    eventually("the daemon's connection is closed", || {
        (hostile.open.load(Ordering::SeqCst) == 0).then_some(())
    });
}

#[test]
fn an_answer_that_is_no_stream_rouses_its_client_once() {
    let hostile = Hostile::that(|head, stream| {
        let mut say = |text: &str| stream.write_all(text.as_bytes()).is_ok();
        if head.starts_with("GET /_ping") {
            return say(&format!("{OK}Content-Length: 0\r\n\r\n"));
        }
        let head = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
        let pieces = [head.as_str(), "4\r\n[{},\r\n", "3\r\n{}]\r\n", "0\r\n\r\n"];
        pieces.iter().all(|piece| {
            // Long enough for the door to see each by itself.
            thread::sleep(Duration::from_millis(50));
            say(piece)
        })
    });
    let answer = hostile.raw("/containers/json");
    assert!(
        answer.ends_with("\r\n\r\n7\r\n[{},{}]\r\n0\r\n\r\n"),
        "{answer}"
    );
    let stream = hostile.raw("/containers/c/logs?stdout=1");
    assert!(stream.contains("4\r\n[{},\r\n3\r\n{}]\r\n"), "{stream}");
}

#[test]
fn an_answer_goes_on_as_one_answer_and_what_belongs_to_its_connection_does_not() {
    let hostile = Hostile::that(|head, stream| {
        let long = "Content-Length: 2\r\n\r\nOKHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
        let answer = match head.split(' ').nth(1).unwrap() {
            "/_ping" => format!("{OK}{long}"),
            "/info" => format!(
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OK}Connection: X-Inner\r\nX-Inner: 1\r\nKeep-Alive: 9\r\n\
                 X-Outer: 2\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n2\r\nOK\r\n0\r\nX-End: 3\r\n\r\n"
            ),
            "/version" => "HTTP/1.0 200 OK\r\n\r\nOK".to_owned(),
            "/volumes" => format!("{OK}Content-Length: 9\r\n\r\nhalf"),
            other => panic!("{other}"),
        };
        stream.write_all(answer.as_bytes()).is_ok() && answer.contains("HTTP/1.1 103")
    });
    for _ in 0..3 {
        assert!(hostile.raw("/_ping").ends_with("\r\n\r\nOK"));
    }
    let info = hostile.raw("/info");
    assert!(
        info.contains("X-Outer: 2") && info.ends_with("2\r\nOK\r\n0\r\n\r\n"),
        "{info}"
    );
    for inner in ["X-Inner", "Keep-Alive", "X-End", "Link"] {
        assert!(!info.contains(inner), "{info}");
    }
    let version = hostile.raw("/version");
    assert!(
        version.starts_with(OK) && version.ends_with("2\r\nOK\r\n0\r\n\r\n"),
        "{version}"
    );
    // Nobody takes a half for the whole, and what there was is shown.
    let volumes = hostile.raw("/volumes");
    assert!(
        volumes.contains("Content-Length: 9") && volumes.ends_with("\r\n\r\nhalf"),
        "{volumes}"
    );
}

/// How clients ask for streams of each kind; `GO` stands for the fields of every request.
const STREAMS: [&str; 14] = [
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
