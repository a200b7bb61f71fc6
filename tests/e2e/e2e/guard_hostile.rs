//! A guard before something that is no daemon.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use lockgate_testkit::{Daemon, DaemonOptions, HttpResponse, eventually};

/// What a connection is told when a request's head has come; `false` ends it.
pub(crate) type Script = Box<dyn Fn(&str, &mut UnixStream) -> bool + Send + Sync>;

/// Something that listens where the daemon should, and the door before it.
pub(crate) struct Hostile {
    pub(crate) door: Daemon,
    /// Connections to it that have not ended.
    pub(crate) open: Arc<AtomicUsize>,
    _dir: tempfile::TempDir,
}

impl Hostile {
    pub(crate) fn that(
        answers: impl Fn(&str, &mut UnixStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::with(&[], answers)
    }

    /// The same, the door with more arguments.
    pub(crate) fn with(
        args: &[&str],
        answers: impl Fn(&str, &mut UnixStream) -> bool + Send + Sync + 'static,
    ) -> Self {
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
        let mut all = vec![format!("--guard=unix://{}", socket.display())];
        all.extend(args.iter().map(ToString::to_string));
        let door = Daemon::start_with(DaemonOptions {
            args: all,
            config: None,
        });
        Self {
            door,
            open,
            _dir: dir,
        }
    }

    /// Sends this and nothing more.
    pub(crate) fn send(&self, request: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.door.socket()).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// All that is answered to a `GET`, as it comes.
    pub(crate) fn raw(&self, target: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        let mut answer = Vec::new();
        self.send(&request).read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn list(&self) -> HttpResponse {
        self.door.api("GET", "/containers/json", None)
    }

    pub(crate) fn descriptors(&self) -> usize {
        let all = fs::read_dir(format!("/proc/{}/fd", self.door.pid()));
        all.unwrap().count()
    }
}

/// Reads heads, whose bodies are of no interest, and answers them.
pub(crate) fn converse(mut stream: UnixStream, script: &Script) {
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

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\n";

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
