//! The audit trail as the door writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;

use serde_json::Value;

use crate::door::{Door, Options, eventually};
use crate::exposition::Exposition;
use crate::raw::{Client, TlsClient};

#[test]
fn every_call_has_two_lines_and_a_number_each() {
    let door = Door::open();
    let secret = "hunter2";
    door.unix().post(
        "/containers/create?name=web",
        &format!("{{\"Env\":[\"P={secret}\"]}}"),
    );
    door.unix().get("/containers/web/json?token=hunter2");
    let text = std::fs::read_to_string(door.dir.path().join("audit.log")).unwrap();
    assert!(!text.contains(secret), "{text}");
    door.recorded(|line| line["sequence"] == 5);
    let lines = door.audit();
    let numbers: Vec<_> = lines
        .iter()
        .map(|line| line["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let (decision, end) = (&lines[1], &lines[2]);
    assert_eq!(decision["event"], "decision");
    assert_eq!(decision["decision"], "allow");
    assert_eq!(decision["role"], "admin");
    assert_eq!(decision["identity"]["uid"], 0);
    assert_eq!(decision["operation"], "ContainerCreate");
    assert_eq!(end["call"], decision["call"]);
    assert_eq!(
        (&end["outcome"], &end["status"]),
        (&"done".into(), &200.into())
    );
    assert_eq!(lines[3]["target"], "web");
}

// T: policy-failure
#[test]
fn without_a_record_nothing_is_changed() {
    let door = Door::open_with(Options {
        audit: Some("/dev/full"),
        ..Options::default()
    });
    let answer = door.unix().post("/containers/create", "{}");
    assert_eq!(answer.status, 503);
    assert!(
        answer.message().contains("audit log"),
        "{}",
        answer.message()
    );
    assert_eq!(door.unix().get("/info").status, 200);
    assert_eq!(door.fake.served(), ["SystemInfo"]);
}

/// A request of some kind, which may be given up at any moment.
fn ask(door: &Door, kind: usize) {
    let mut client = door.unix();
    match kind % 9 {
        0 => assert_eq!(client.get("/info").status, 200),
        1 => assert_eq!(client.post("/containers/create?name=a", "{}").status, 200),
        2 => assert_eq!(client.get("/containers/panic/json").status, 500),
        3 => assert_eq!(client.post("/containers/panic/kill", "").status, 500),
        4 => {
            client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
            client.head();
        }
        5 => client.send("GET /containers/web/export HTTP/1.1\r\nHost: x\r\n\r\n"),
        6 => {
            client.send("POST /exec/chat/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
            client.head();
        }
        7 => client.send("POST /build HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        _ => client.send("POST /exec/panic/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
    }
}

#[test]
fn a_crowd_of_calls_has_one_decision_and_one_end_each_in_order_and_the_counters_agree() {
    let door = Door::open_with(Options {
        policy: Some(
            "[[bindings]]\nroles = [\"admin\"]\nuid = 0\n[[bindings]]\nroles = [\"admin\"]\ncommon_name = \"alice\"\n",
        ),
        ..Options::default()
    });
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let door = &door;
            scope.spawn(move || (0..180).for_each(|number| ask(door, worker + number)));
        }
    });
    // Some are revoked in the middle of their streams.
    let mut streams: Vec<_> = (0..5).map(|_| TlsClient::of(&door, "alice")).collect();
    for stream in &mut streams {
        stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.head();
    }
    door.reload_policy("[[bindings]]\nroles = [\"admin\"]\nuid = 0\n");
    let of = |lines: &[Value], event: &str| -> Vec<Value> {
        let wanted = lines.iter().filter(|line| line["event"] == event);
        wanted.cloned().collect()
    };
    let lines = eventually("an end of each", || {
        let lines = door.audit();
        (of(&lines, "decision").len() == of(&lines, "end").len()).then_some(lines)
    });
    let numbers = lines.iter().map(|line| line["sequence"].as_u64().unwrap());
    assert!(numbers.zip(1..).all(|(found, expected)| found == expected));
    let mut open = BTreeSet::new();
    let mut outcomes = BTreeMap::<&str, u32>::new();
    for line in &lines {
        let call = line["call"].as_str().unwrap_or_default();
        match line["event"].as_str().unwrap() {
            "decision" => assert!(open.insert(call), "{line}"),
            "end" => {
                assert!(open.remove(call), "{line}");
                *outcomes
                    .entry(line["outcome"].as_str().unwrap())
                    .or_default() += 1;
            }
            _ => {}
        }
    }
    assert_eq!(outcomes["revoked"], 5, "{outcomes:?}");
    assert!(outcomes["panicked"] >= 320, "{outcomes:?}");
    assert!(outcomes["aborted"] > 300, "{outcomes:?}");
    // What was counted is what was recorded.
    let mut quiet = Client::new(TcpStream::connect(door.metrics).unwrap());
    let text = quiet.get("/metrics").text();
    let metrics = Exposition::parse(&text);
    let sum = |family: &str| -> u64 {
        let series: Vec<String> = metrics.series().map(str::to_owned).collect();
        let of_family = series
            .iter()
            .filter(|name| name.split('{').next() == Some(family));
        of_family.map(|name| metrics.value(name)).sum()
    };
    assert_eq!(
        sum("lockgate_decisions_total"),
        of(&lines, "decision").len() as u64
    );
    assert_eq!(sum("lockgate_streams"), 0);
    assert_eq!(sum("lockgate_connections"), 0);
    assert_eq!(
        metrics.value("lockgate_audit_records_total{result=\"written\"}"),
        lines.len() as u64
    );
    let answered = of(&lines, "end")
        .iter()
        .filter(|end| end["status"].is_u64())
        .count();
    assert_eq!(sum("lockgate_requests_total"), answered as u64);
    assert_eq!(
        sum("lockgate_request_duration_seconds_count"),
        answered as u64
    );
}

/// What a caller may choose, and where it must not come out.
#[test]
fn no_secret_of_a_request_is_in_the_record_or_in_the_metrics() {
    let door = Door::open();
    let secret = "hunter2";
    let mut client = door.unix();
    for target in [
        "/images/create?fromSrc=http://user:hunter2@registry.example/image.tar&repo=a",
        "/build?remote=https://user:hunter2@git.example/repo.git&buildargs=%7B%22TOKEN%22%3A%22hunter2%22%7D",
        "/build?t=registry.example/a:b&labels=%7B%22a%22%3A%22hunter2%22%7D",
        "/images/registry.example/a/push?tag=hunter2",
        "/no/such?token=hunter2",
        "/v9.99/info?token=hunter2",
    ] {
        client = door.unix();
        client.send(format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nX-Registry-Auth: {secret}\r\nX-Registry-Config: {secret}\r\nAuthorization: Basic {secret}\r\nTraceparent: {secret}\r\nTracestate: {secret}\r\nUser-Agent: {secret}\r\nContent-Length: 0\r\n\r\n"
        ));
        client.answer();
    }
    drop(client);
    let body = format!("{{\"username\":\"u\",\"password\":\"{secret}\"}}");
    door.unix().post("/auth", &body);
    door.unix()
        .post("/swarm/join", &format!("{{\"JoinToken\":\"{secret}\"}}"));
    let text = std::fs::read_to_string(door.dir.path().join("audit.log")).unwrap();
    assert!(text.lines().count() > 10);
    assert!(!text.contains(secret), "{text}");
    let mut open = Client::new(TcpStream::connect(door.metrics).unwrap());
    let metrics = open.get("/metrics").text();
    assert!(!metrics.contains(secret), "{metrics}");
}

/// The answer quotes what makes no sense; whoever reads the record is somebody else.
#[test]
fn what_makes_no_sense_is_recorded_without_a_word_of_its_body_headers_or_query() {
    const SECRET: &str = "hunter2";
    let door = Door::open();
    let mut recorded = 0;
    for (head, body) in [
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            r#"{"Env":"hunter2"}"#,
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            r#"{"Env":{"hunter2":1}}"#,
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            r#"{"HostConfig":{"Binds":"hunter2"}}"#,
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            r#"{"HostConfig":{"Privileged":"hunter2"}}"#,
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            r#"{"Labels":{"hunter2":"a","hunter2":"b"}}"#,
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: application/json",
            "hunter2",
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: hunter2",
            "{}",
        ),
        (
            "POST /containers/create HTTP/1.1\r\nContent-Type: ;hunter2",
            "{}",
        ),
        ("GET //info?token=hunter2 HTTP/1.1", ""),
        ("GET /v1.50/../info?token=hunter2 HTTP/1.1", ""),
        ("GET http://user:hunter2@host/no/such HTTP/1.1", ""),
        ("CONNECT hunter2:443 HTTP/1.1", ""),
        ("GET /no/such?a=hunter2#hunter2 HTTP/1.1", ""),
        (
            "GET /no/such HTTP/1.1\r\nCookie: hunter2\r\nX-Forwarded-For: hunter2\r\nForwarded: for=hunter2\r\nX-Real-IP: hunter2",
            "",
        ),
        ("GET /info HTTP/1.1\r\nhunter2\x01: hunter2", ""),
    ] {
        let mut client = door.unix();
        let length = body.len();
        client.send(format!(
            "{head}\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let status = client.answer().status;
        assert!(status >= 300, "{head} was answered {status}");
        recorded += 1;
    }
    let refused = |line: &&Value| line["event"] == "refused";
    let lines = eventually("a record of each", || {
        let lines = door.audit();
        (lines.iter().filter(refused).count() == recorded).then_some(lines)
    });
    for line in lines {
        assert!(!line.to_string().contains(SECRET), "{line}");
    }
}

// T: audit-flood
#[test]
fn a_name_without_end_does_not_fill_the_record() {
    let door = Door::open();
    let name = "%01".repeat(20_000);
    let answer = door.unix().get(&format!("/containers/{name}/json"));
    assert_ne!(answer.status, 431, "{}", answer.text());
    let line = door.recorded(|line| line["event"] == "decision" || line["event"] == "refused");
    assert!(
        line.to_string().len() < 16 * 1024,
        "{} bytes",
        line.to_string().len()
    );
    if let Some(target) = line["target"].as_str() {
        assert!(target.contains("20000 bytes, SHA-256"), "{target}");
    }
}
