//! A daemon that is restarted again and again behind the guard, under load and with streams of each kind open.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lockgate_testkit::{Daemon, DaemonOptions, eventually};

use crate::clients::guarded::stock;
use crate::guard::{Follower, Guarded};
use crate::guard_hostile::{OK, Script, converse};
use crate::guard_leaving::STREAMS;
use crate::guard_memory::resident;

/// Restarts; what the first ones take is the door's for good.
const ROUNDS: usize = 50;
const FIRST: usize = 10;
/// Clients of each kind of stream in each round.
const EACH: usize = 2;

/// Something that answers like a daemon, and can be switched off in the middle.
struct Mortal {
    socket: PathBuf,
    script: Arc<Script>,
    /// Ends of connections, closed with it.
    open: Arc<Mutex<Vec<UnixStream>>>,
    /// Streams that were begun.
    begun: Arc<AtomicUsize>,
    life: Option<JoinHandle<()>>,
}

impl Mortal {
    fn new(socket: PathBuf) -> Self {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let script: Script = Box::new(move |head, stream| {
            if head.starts_with("GET /containers/json") {
                let list = format!("{OK}Content-Length: 2\r\n\r\n[]");
                return stream.write_all(list.as_bytes()).is_ok();
            }
            let target = head.split(' ').nth(1).unwrap();
            if ["/json", "/version", "/_ping"]
                .iter()
                .any(|end| target.ends_with(end))
            {
                let nothing = format!("{OK}Content-Length: 2\r\n\r\n{{}}");
                return stream.write_all(nothing.as_bytes()).is_ok();
            }
            let answer = if head.contains("silent") {
                String::new()
            } else if head.to_ascii_lowercase().contains("upgrade: ") {
                "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello"
                    .to_owned()
            } else {
                format!("{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            };
            drop(stream.write_all(answer.as_bytes()));
            count.fetch_add(1, Ordering::SeqCst);
            // Until the daemon ends.
            drop(std::io::copy(stream, &mut std::io::sink()));
            false
        });
        let (script, open) = (Arc::new(script), Arc::default());
        Self {
            socket,
            script,
            open,
            begun,
            life: None,
        }
    }

    fn begin(&mut self) {
        self.begun.store(0, Ordering::SeqCst);
        let listener = UnixListener::bind(&self.socket).unwrap();
        let (script, open) = (Arc::clone(&self.script), Arc::clone(&self.open));
        self.life = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut first = [0];
                // A word that no client says ends it.
                if rustix::net::recv(&stream, &mut first, rustix::net::RecvFlags::PEEK).is_ok()
                    && first == *b"!"
                {
                    return;
                }
                open.lock().unwrap().push(stream.try_clone().unwrap());
                let script = Arc::clone(&script);
                thread::spawn(move || converse(stream, &script));
            }
        }));
    }

    fn end(&mut self) {
        UnixStream::connect(&self.socket)
            .unwrap()
            .write_all(b"!")
            .unwrap();
        fs::remove_file(&self.socket).unwrap();
        self.life.take().unwrap().join().unwrap();
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn open(door: &Daemon, stream: &str) -> UnixStream {
    let mut socket = UnixStream::connect(door.socket()).unwrap();
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    let request = stream.replace("GO", "HTTP/1.1\r\nHost: d\r\nConnection: close\r\n");
    let request = match request.matches("Connection: ").count() {
        1 => request,
        _ => request.replace("Connection: close\r\n", ""),
    };
    socket.write_all(request.as_bytes()).unwrap();
    socket
}

/// Files of its own that the door opens when it first needs them, and keeps: random numbers, who owns which exec.
const ONCE: usize = 4;

fn descriptors(door: &Daemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", door.pid()))
        .unwrap()
        .count()
}

/// Asks for a list all the time; each answer is one or says why not.
fn load(door: &Daemon, stop: &AtomicBool) -> [usize; 2] {
    let mut counts = [0; 2];
    while !stop.load(Ordering::SeqCst) {
        let answer = door.api("GET", "/containers/json", None);
        match answer.status {
            200 => counts[0] += 1,
            502 => counts[1] += 1,
            other => panic!("{other}: {}", answer.text()),
        }
        assert!(answer.status == 200 || answer.text().contains("the daemon behind this door"));
    }
    counts
}

/// Ends the load, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// One life of the daemon: all streams are open when it ends, and all end with it.
fn life(door: &Daemon, mortal: &mut Mortal) {
    mortal.begin();
    assert_eq!(door.api("GET", "/containers/json", None).status, 200);
    let clients: Vec<(&str, UnixStream)> = STREAMS
        .iter()
        .flat_map(|stream| (0..EACH).map(|_| (*stream, open(door, stream))))
        .collect();
    eventually("all are served", || {
        (mortal.begun.load(Ordering::SeqCst) == clients.len()).then_some(())
    });
    mortal.end();
    for (stream, mut client) in clients {
        let mut said = Vec::new();
        // A reset is an end as well.
        if let Err(error) = client.read_to_end(&mut said) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{stream}"
            );
        }
        let said = String::from_utf8_lossy(&said);
        let wanted = if stream.contains("silent") {
            " 502 "
        } else {
            "hello"
        };
        assert!(said.contains(wanted), "{stream}: {said}");
        assert!(
            !said.ends_with("\r\n0\r\n\r\n"),
            "{stream}: an end that nobody said: {said}"
        );
    }
    let away = door.api("GET", "/containers/json", None);
    assert_eq!(away.status, 502, "{}", away.text());
}

#[test]
fn fifty_restarts_under_load_leave_nothing_behind_in_the_door() {
    let dir = tempfile::tempdir().unwrap();
    let mut mortal = Mortal::new(dir.path().join("daemon.sock"));
    let door = Daemon::start_with(DaemonOptions {
        args: vec![format!("--guard=unix://{}", mortal.socket.display())],
        config: None,
    });
    let idle = descriptors(&door);
    let mut settled = 0;
    let stop = AtomicBool::new(false);
    let counts = thread::scope(|scope| {
        let loads: Vec<_> = (0..2).map(|_| scope.spawn(|| load(&door, &stop))).collect();
        let stop = Stop(&stop);
        for round in 0..ROUNDS {
            life(&door, &mut mortal);
            if round == FIRST {
                settled = resident(door.pid());
            }
        }
        drop(stop);
        loads
            .into_iter()
            .map(|load| load.join().unwrap())
            .fold([0; 2], |sum, more| [sum[0] + more[0], sum[1] + more[1]])
    });
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
    eventually("the door holds nothing of them", || {
        // Connections that it keeps are looked at when there is a request.
        assert_eq!(door.api("GET", "/containers/json", None).status, 502);
        (descriptors(&door) <= idle + ONCE).then_some(())
    });
    let now = resident(door.pid());
    assert!(now < settled + (4 << 10), "{settled} KiB became {now} KiB");
    mortal.begin();
    assert_eq!(door.api("GET", "/containers/json", None).status, 200);
    // At the end of the test somebody asks what is left.
    mortal.end();
}

#[test]
fn a_dockerd_that_is_restarted_ends_streams_of_each_kind_and_is_found_again() {
    let behind = stock();
    let guard = format!("--guard=unix://{}", behind.socket().display());
    let door = Daemon::start_with(DaemonOptions {
        args: vec![guard],
        config: None,
    });
    let mut guarded = Guarded::of(door, behind);
    guarded.door.load_busybox();
    guarded.sleeper("kk", &["--stop-signal=SIGKILL"]);
    let mut after = Vec::new();
    for _ in 0..3 {
        let streams = [
            &["logs", "--follow", "kk"][..],
            &["attach", "--no-stdin", "kk"],
            &["exec", "kk", "sh", "-c", "echo in; sleep 1000"],
            &["events", "--since=10m", "--format={{.Action}}"],
            &["wait", "kk"],
        ];
        let mut streams = streams.map(|args| {
            let mut command = guarded.door.docker_command();
            command.args(args);
            (args[0], Follower::start(command))
        });
        for (name, stream) in &mut streams {
            match *name {
                "exec" => stream.until("in"),
                // dockerd forgets its events when it ends.
                "events" => stream.until_line(|line| line.starts_with("exec_start")),
                _ => {}
            }
        }
        // Its client would wait for another daemon.
        let mut statistics = open(&guarded.door, "GET /containers/kk/stats GO\r\n");
        statistics.read_exact(&mut [0; 12]).unwrap();
        guarded.behind.stop();
        statistics.read_to_end(&mut Vec::new()).unwrap();
        for (_, stream) in &mut streams {
            stream.child.wait().unwrap();
        }
        let away = guarded.door.api("GET", "/containers/json", None);
        assert_eq!(away.status, 502, "{}", away.text());
        guarded.behind.spawn();
        guarded.docker(&["start", "kk"]).ok();
        let back = guarded.docker(&["exec", "kk", "echo", "here"]);
        assert_eq!(back.ok(), "here");
        after.push(descriptors(&guarded.door));
    }
    assert!(after[2] <= after[0] + 1, "{after:?}");
    guarded.docker(&["rm", "--force", "kk"]).ok();
}
