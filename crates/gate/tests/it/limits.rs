//! What a client may cost. THREATS: CVE-2026-34040 (bodies around the limit), slowloris, huge heads,
//! half-open connections.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lockgate_gate::Limits;

use crate::authority::Wish;
use crate::door::{Door, Options, eventually};
use crate::raw::{Client, TlsClient};

/// The limit of `POST /containers/create`.
const LIMIT: usize = 4 << 20;

fn with(limits: Limits) -> Door {
    Door::open_with(Options {
        limits,
        ..Options::default()
    })
}

/// A create whose JSON is padded with blanks to exactly `length` bytes.
fn padded(length: usize) -> String {
    let json = "{\"HostConfig\":{\"Privileged\":true}}";
    format!("{}{json}", " ".repeat(length - json.len()))
}

// T: CVE-2026-34040, GHSA-x744-4wpc-v9h2
#[test]
fn a_body_up_to_its_limit_is_judged_whole_and_one_byte_more_is_refused() {
    let door = Door::open();
    for length in [LIMIT - 1, LIMIT] {
        let answer = door.unix().post("/containers/create", &padded(length));
        assert_eq!((answer.status, answer.body.len()), (200, length));
    }
    let served = door.fake.served().len();
    for length in [LIMIT + 1, 64 << 20] {
        let mut client = door.unix();
        client.send(format!(
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ));
        let answer = client.answer();
        assert_eq!(answer.status, 400);
        assert!(
            answer.message().contains("4194304 bytes"),
            "{}",
            answer.message()
        );
    }
    let chunked = door.unix();
    let mut chunked = chunked;
    chunked.send("POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.send(format!(
        "{:x}\r\n{}\r\n0\r\n\r\n",
        LIMIT + 1,
        padded(LIMIT + 1)
    ));
    assert_eq!(chunked.answer().status, 400);
    assert_eq!(door.fake.served().len(), served);
    assert_eq!(door.refused(), "body_too_large");
}

// T: CVE-2026-34040
#[test]
fn every_power_is_recorded_wherever_it_stands_in_the_body() {
    let door = Door::open();
    door.unix().post("/containers/create", &padded(LIMIT));
    let line = door.recorded(|line| line["operation"] == "ContainerCreate");
    assert_eq!(line["powers"], serde_json::json!(["privileged"]));
}

// T: huge-head
#[test]
fn a_head_up_to_its_limit_is_read_and_one_byte_more_is_refused() {
    let limits = Limits {
        head_bytes: 4096,
        ..Limits::default()
    };
    let frame = "GET /_ping HTTP/1.1\r\nHost: x\r\nA: \r\n\r\n".len();
    let door = with(limits);
    for (length, status) in [(4096, 200), (4097, 431), (60_000, 431)] {
        let mut client = door.unix();
        client.send(format!(
            "GET /_ping HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
            "a".repeat(length - frame)
        ));
        assert_eq!(client.answer().status, status, "{length}");
    }
    let mut endless = door.unix();
    endless.send("GET /_ping HTTP/1.1\r\nA: ");
    // The refusal may come while we still send.
    for _ in 0..64 {
        if endless.io.write_all(&[b'a'; 4096]).is_err() {
            break;
        }
    }
    assert_eq!(endless.answer().status, 431);
}

// T: huge-head
#[test]
fn more_fields_than_allowed_are_refused() {
    let door = Door::open();
    for (count, status) in [(99, 200), (100, 431)] {
        let mut client = door.unix();
        let fields = "X: y\r\n".repeat(count);
        client.send(format!("GET /_ping HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        assert_eq!(client.answer().status, status, "{count}");
    }
}

// T: slowloris
#[test]
fn a_slow_head_is_cut_off_however_lively_it_drips() {
    let door = with(Limits {
        head: Duration::from_millis(300),
        ..Limits::default()
    });
    let mut client = door.unix();
    let start = Instant::now();
    client.send("GET /_ping HTTP/1.1\r\nHost: x\r\n");
    while start.elapsed() < Duration::from_secs(5) {
        if client.io.write_all(b"A: b\r\n").is_err() || door.audit().len() == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(door.refused(), "slow_head");
    assert_eq!(client.answer().status, 408);
    assert!(client.is_closed());
    assert!(start.elapsed() < Duration::from_secs(5));
}

// T: slowloris
#[test]
fn a_slow_body_is_cut_off() {
    let door = with(Limits {
        judged_body: Duration::from_millis(200),
        ..Limits::default()
    });
    let mut client = door.unix();
    client.send("POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{");
    assert_eq!(client.answer().status, 408);
    assert_eq!(door.refused(), "slow_body");
    assert!(door.fake.served().is_empty());
}

#[test]
fn an_idle_connection_ends_but_a_busy_one_does_not() {
    let door = with(Limits {
        idle: Duration::from_millis(200),
        drain: Duration::from_secs(1),
        ..Limits::default()
    });
    let mut busy = door.unix();
    busy.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    busy.head();
    let mut idle = door.unix();
    assert_eq!(idle.get("/_ping").status, 200);
    assert!(idle.is_closed());
    for _ in 0..20 {
        busy.chunk();
    }
}

// T: slow-handshake, idle-before-handshake
#[test]
fn a_handshake_that_does_not_move_is_cut_off() {
    let door = with(Limits {
        handshake: Duration::from_millis(200),
        ..Limits::default()
    });
    let mut silent = Client::new(TcpStream::connect(door.address()).unwrap());
    assert!(silent.is_closed());
    assert_eq!(door.refused(), "slow_handshake");
    let mut slow = Client::new(TcpStream::connect(door.address()).unwrap());
    slow.send([0x16, 0x03, 0x01, 0x02]);
    assert!(slow.is_closed());
}

// T: caps-per-client
#[test]
fn the_caps_keep_room_for_the_machines_own_administrator() {
    let door = with(Limits {
        connections: 2,
        per_address: 2,
        drain: Duration::from_secs(1),
        ..Limits::default()
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let first = TlsClient::connect(&door, Some(&leaf)).unwrap();
    let _second = TlsClient::connect(&door, Some(&leaf)).unwrap();
    let mut third = Client::new(TcpStream::connect(door.address()).unwrap());
    assert!(third.is_closed());
    assert_eq!(door.refused(), "too_many_connections");
    assert_eq!(door.unix().get("/_ping").status, 200);
    drop(first);
    eventually("a free place", || {
        let mut again = TlsClient::connect(&door, Some(&leaf)).ok()?;
        (again.get("/_ping").status == 200).then_some(())
    });
}

// T: half-open-handshakes
#[test]
fn half_open_handshakes_have_a_cap_of_their_own() {
    let door = with(Limits {
        handshakes: 8,
        ..Limits::default()
    });
    let mut half: Vec<_> = (0..40)
        .map(|_| Client::new(TcpStream::connect(door.address()).unwrap()))
        .collect();
    // One address has half of them.
    let mut closed = half.split_off(4);
    for client in &mut closed {
        assert!(client.is_closed());
    }
    // Meanwhile another comes in.
    let bob = door.authority.issue(&Wish::client("bob"));
    let mut other = TlsClient::connect_from([127, 0, 0, 2], &door, &bob).unwrap();
    assert_eq!(other.get("/_ping").status, 200);
    drop(half);
    let leaf = door.authority.issue(&Wish::client("alice"));
    eventually("a handshake", || {
        TlsClient::connect(&door, Some(&leaf))
            .ok()
            .map(|mut client| client.get("/_ping"))
    });
}

// T: caps-per-client
#[test]
fn one_identity_cannot_take_all_places() {
    let door = with(Limits {
        per_identity: 1,
        drain: Duration::from_secs(1),
        ..Limits::default()
    });
    let alice = door.authority.issue(&Wish::client("alice"));
    let bob = door.authority.issue(&Wish::client("bob"));
    let mut first = TlsClient::connect(&door, Some(&alice)).unwrap();
    assert_eq!(first.get("/_ping").status, 200);
    let mut second = TlsClient::connect(&door, Some(&alice)).unwrap();
    assert!(second.is_closed());
    let mut other = TlsClient::connect(&door, Some(&bob)).unwrap();
    assert_eq!(other.get("/_ping").status, 200);
}

#[test]
fn running_out_of_descriptors_is_not_the_end() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let door = Door::open();
    let socket = door.dir.path().join("sock");
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(open + 20),
            ..before
        },
    )
    .unwrap();
    let mut clients = Vec::new();
    while let Ok(client) = std::os::unix::net::UnixStream::connect(&socket) {
        clients.push(client);
    }
    // Whatever was accepted, the rest could not be.
    assert!(clients.len() >= 10);
    drop(clients);
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(door.unix().get("/_ping").status, 200);
}
