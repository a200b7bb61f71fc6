//! What one identity may have of the door, and that others do not feel it.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::door::{Door, Options, eventually};
use crate::raw::TlsClient;

const POLICY: &str = r#"
[roles.small]
allow = ["*"]
powers = true
[roles.small.limits]
requests_per_second = 40
streams = 6
execs = 1
builds = 2
body_bytes = "64k"

[[bindings]]
common_name = "noisy"
roles = ["small"]

[[bindings]]
common_name = "quiet"
roles = ["admin"]

[[bindings]]
common_name = "other"
roles = ["admin"]
"#;

fn open() -> Door {
    Door::open_with(Options {
        policy: Some(POLICY),
        ..Options::default()
    })
}

fn begin(client: &mut TlsClient, target: &str, framing: &str, body: &str) {
    client.send(format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}"
    ));
}

const CHUNKED: &str = "Transfer-Encoding: chunked";

#[test]
fn builds_at_one_time_are_limited_and_their_places_come_back() {
    let door = open();
    let mut open_builds: Vec<TlsClient> = (0..2).map(|_| TlsClient::of(&door, "noisy")).collect();
    for build in &mut open_builds {
        begin(build, "/build", CHUNKED, "3\r\nabc\r\n");
    }
    eventually("two builds", || {
        (door.fake.served().len() == 2).then_some(())
    });
    let mut third = TlsClient::of(&door, "noisy");
    begin(&mut third, "/build", CHUNKED, "0\r\n\r\n");
    let refused = third.answer();
    assert_eq!(refused.status, 429);
    assert!(
        refused.message().contains("too many builds"),
        "{}",
        refused.message()
    );
    // Somebody else builds on.
    let mut other = TlsClient::of(&door, "quiet");
    begin(&mut other, "/build", CHUNKED, "0\r\n\r\n");
    assert_eq!(other.answer().status, 200);
    open_builds[0].send("0\r\n\r\n");
    assert_eq!(open_builds[0].answer().status, 200);
    eventually("a free place", || {
        let mut again = TlsClient::of(&door, "noisy");
        begin(&mut again, "/build", CHUNKED, "0\r\n\r\n");
        (again.answer().status == 200).then_some(())
    });
}

#[test]
fn bodies_of_one_identity_are_limited_together_declared_or_not() {
    let door = open();
    let limit = 64 * 1024;
    let mut whole = TlsClient::of(&door, "noisy");
    begin(
        &mut whole,
        "/images/load",
        &format!("Content-Length: {}", limit + 1),
        "",
    );
    let refused = whole.answer();
    assert_eq!(refused.status, 429);
    assert!(
        refused.message().contains("65536 bytes"),
        "{}",
        refused.message()
    );

    let mut half = TlsClient::of(&door, "noisy");
    begin(
        &mut half,
        "/images/load",
        &format!("Content-Length: {}", limit / 2),
        "a",
    );
    eventually("a body on its way", || {
        (!door.fake.served().is_empty()).then_some(())
    });
    let mut rest = TlsClient::of(&door, "noisy");
    begin(
        &mut rest,
        "/images/load",
        &format!("Content-Length: {}", limit / 2 + 1),
        "",
    );
    assert_eq!(rest.answer().status, 429);

    // One that does not say how long it is breaks off where the limit is.
    let mut endless = TlsClient::of(&door, "noisy");
    begin(&mut endless, "/images/load", CHUNKED, "");
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    for _ in 0..16 {
        if endless.io.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let answer = endless.answer();
    assert!(answer.text().contains("Bodies(65536)"), "{}", answer.text());

    let mut other = TlsClient::of(&door, "quiet");
    let body = "x".repeat(limit + 1);
    begin(
        &mut other,
        "/images/load",
        &format!("Content-Length: {}", body.len()),
        &body,
    );
    assert_eq!(other.answer().text(), format!("Ok({})", body.len()));
    drop(half);
    eventually("free bytes", || {
        let mut again = TlsClient::of(&door, "noisy");
        let body = "x".repeat(limit);
        begin(
            &mut again,
            "/images/load",
            &format!("Content-Length: {limit}"),
            &body,
        );
        (again.answer().status == 200).then_some(())
    });
}

// T: limits-leak
/// Frees what is held in each way that a stream can end, and a limit still is what it was.
#[test]
fn no_way_to_end_a_stream_keeps_its_place() {
    let door = open();
    let exec = |client: &mut TlsClient, id: &str| {
        let target = format!("/exec/{id}/start");
        let framing = "Content-Type: application/json\r\nContent-Length: 2";
        begin(client, &target, framing, "{}");
    };
    let is_let_in = |ask: &dyn Fn(&mut TlsClient)| {
        let mut client = TlsClient::of(&door, "noisy");
        ask(&mut client);
        let status = client.head().status;
        (status != 429).then_some(client)
    };
    let let_in = |ask: &dyn Fn(&mut TlsClient)| eventually("a place", || is_let_in(ask));
    for round in 0..40 {
        // The client goes away, the stream ends by itself, it panics, it was never one.
        let kinds: [&dyn Fn(&mut TlsClient); 7] = [
            &|it| exec(it, "chat"),
            &|it| exec(it, "say"),
            &|it| exec(it, "panic"),
            &|it| it.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"),
            &|it| it.send("GET /containers/web/export HTTP/1.1\r\nHost: x\r\n\r\n"),
            &|it| {
                it.send("POST /containers/missing/attach HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
            },
            &|it| begin(it, "/build", CHUNKED, "3\r\nabc\r\n0\r\n\r\n"),
        ];
        drop(let_in(kinds[round % kinds.len()]));
    }
    // A reload that gives nobody the power any more, while all places are taken.
    let streams: Vec<_> = (0..6)
        .map(|_| {
            let_in(&|it| {
                it.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
            })
        })
        .collect();
    let events = |it: &mut TlsClient| it.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(is_let_in(&events).is_none(), "six of six are taken");
    door.reload_policy(&POLICY.replace("\"noisy\"", "\"nobody\""));
    door.reload_policy(POLICY);
    drop(streams);
    let again: Vec<_> = (0..6).map(|_| let_in(&events)).collect();
    eventually("the seventh is refused", || {
        is_let_in(&events).is_none().then_some(())
    });
    drop(again);
}

// T: audit-flood
/// Who is refused costs no more than who is let in: what makes no sense is counted too, and refusals are not
/// recorded without end.
#[test]
fn nonsense_counts_and_refusals_cannot_push_the_record_out() {
    let door = open();
    let mut client = TlsClient::of(&door, "noisy");
    let begun = Instant::now();
    let (mut unknown, mut refused) = (0, 0);
    while begun.elapsed() < Duration::from_millis(2500) {
        match client.get("/no/such/path").status {
            404 => unknown += 1,
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!((40..=200).contains(&unknown), "{unknown} of 40 in a second");
    assert!(refused > 400, "{refused}");
    let recorded = door.audit();
    let recorded = recorded.iter().filter(|line| line["event"] == "refused");
    assert!(recorded.count() <= 4 * 101, "a hundred in a second");
    // The next one says how many there were.
    std::thread::sleep(Duration::from_millis(1100));
    client.get("/no/such/path");
    let flood = door.recorded(|line| line["reason"] == "flood");
    assert_eq!(flood["identity"]["common_name"], "noisy");
    let detail = flood["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("were not recorded"), "{detail}");
}

// T: limits-leak
/// What is read before it is judged costs memory, though its caller may do nothing at all.
#[test]
fn bodies_that_wait_to_be_judged_have_a_bound_for_each_identity_and_give_it_back() {
    let ask = |door: &Door, framing: &str| {
        let mut client = TlsClient::of(door, "quiet");
        let framing = format!("Content-Type: application/json\r\n{framing}");
        begin(&mut client, "/containers/create", &framing, "");
        client
    };
    let create = |door: &Door, name: &str| {
        TlsClient::of(door, name)
            .post("/containers/create", "{}")
            .status
    };
    for framing in ["Content-Length: 4194304", CHUNKED] {
        // Of its own: what the last ones had may come back one by one.
        let door = open();
        let waiting: Vec<_> = (0..64).map(|_| ask(&door, framing)).collect();
        eventually("no room", || (create(&door, "quiet") == 429).then_some(()));
        assert_eq!(ask(&door, framing).head().status, 429);
        assert_eq!(create(&door, "other"), 200);
        drop(waiting);
        eventually("room", || (create(&door, "quiet") == 200).then_some(()));
    }
    let door = open();
    // One that was read takes what it is, not what it might have been.
    let mut streams: Vec<_> = (0..300).map(|_| TlsClient::of(&door, "quiet")).collect();
    for stream in &mut streams {
        let framing = format!("Content-Type: application/json\r\n{CHUNKED}");
        begin(stream, "/exec/chat/start", &framing, "2\r\n{}\r\n0\r\n\r\n");
        assert_ne!(stream.head().status, 429);
    }
}

/// A limit that is set while somebody has streams counts those.
#[test]
fn streams_from_before_a_limit_count() {
    const OPEN: &str = "[roles.small]\nallow = [\"*\"]\n[[bindings]]\ncommon_name = \"noisy\"\nroles = [\"small\"]\n";
    let door = Door::open_with(Options {
        policy: Some(OPEN),
        ..Options::default()
    });
    let events = |client: &mut TlsClient| {
        client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        client.head().status
    };
    let mut held: Vec<_> = (0..3).map(|_| TlsClient::of(&door, "noisy")).collect();
    assert!(held.iter_mut().all(|client| events(client) == 200));
    door.reload_policy(&format!("{OPEN}[roles.small.limits]\nstreams = 3\n"));
    assert_eq!(events(&mut TlsClient::of(&door, "noisy")), 429);
    held.pop();
    eventually("a place", || {
        (events(&mut TlsClient::of(&door, "noisy")) == 200).then_some(())
    });
}

/// Does as much as it can until told to stop; says how often it was refused.
fn flood(door: &Door, kind: usize, stop: &AtomicBool, refused: &AtomicU32) {
    let mut held = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut client = TlsClient::of(door, "noisy");
        match kind % 4 {
            0 => client.send("GET /info HTTP/1.1\r\nHost: x\r\n\r\n"),
            1 => client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"),
            2 => begin(&mut client, "/images/load", "Content-Length: 40000", "x"),
            _ => begin(
                &mut client,
                "/exec/idle/start",
                "Content-Type: application/json\r\nContent-Length: 2",
                "{}",
            ),
        }
        if kind % 4 == 2 && held.len() < 2 {
            held.push(client);
            continue;
        }
        // Half a body that is let in waits until the door loses patience.
        if !client.is_answered() {
            continue;
        }
        if client.head().status == 429 {
            refused.fetch_add(1, Ordering::Relaxed);
        } else if held.len() < 4 {
            held.push(client);
        }
    }
}

#[test]
fn who_floods_the_door_does_not_slow_down_others() {
    let door = open();
    let (stop, refused) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let mut latencies = Vec::new();
    std::thread::scope(|scope| {
        for kind in 0..8 {
            let (door, stop, refused) = (&door, &stop, &refused);
            scope.spawn(move || flood(door, kind, stop, refused));
        }
        let mut quiet = TlsClient::of(&door, "quiet");
        eventually("a refusal", || {
            (refused.load(Ordering::Relaxed) > 20).then_some(())
        });
        for _ in 0..100 {
            let begun = Instant::now();
            assert_eq!(quiet.get("/info").status, 200);
            latencies.push(begun.elapsed());
        }
        let mut streams: Vec<_> = (0..8).map(|_| TlsClient::of(&door, "quiet")).collect();
        for stream in &mut streams {
            stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(stream.head().status, 200);
        }
        stop.store(true, Ordering::Relaxed);
    });
    latencies.sort();
    // Eight threads shake hands on two processors at the same time.
    assert!(latencies[50] < Duration::from_millis(250), "{latencies:?}");
    assert!(latencies[99] < Duration::from_secs(2), "{latencies:?}");
}
