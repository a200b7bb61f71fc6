//! What Prometheus is told.

use std::net::TcpStream;

use crate::authority::Wish;
use crate::door::{Door, Options, eventually};
use crate::exposition::Exposition;
use crate::raw::{Answer, Client, TlsClient};

const POLICY: &str = r#"
[roles.mine]
allow = ["container.read"]
[roles.mine.limits]
streams = 1

[[bindings]]
common_name = "alice"
roles = ["mine"]
"#;

fn scrape(door: &Door) -> Answer {
    let mut client = Client::new(TcpStream::connect(door.metrics).unwrap());
    client.get("/metrics")
}

fn read(door: &Door) -> Exposition {
    Exposition::parse(&scrape(door).text())
}

fn policed() -> Door {
    Door::open_with(Options {
        policy: Some(POLICY),
        ..Options::default()
    })
}

#[test]
fn both_ways_to_the_metrics_give_the_text_format() {
    let door = Door::open();
    assert_eq!(door.unix().get("/_ping").status, 200);
    for answer in [door.unix().get("/metrics"), scrape(&door)] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
        let read = Exposition::parse(&answer.text());
        assert_eq!(read.value("lockgate_build_info{version=\"1.2.3\"}"), 1);
        assert_eq!(read.value("lockgate_containers{state=\"running\"}"), 2);
        assert_eq!(read.types["lockgate_request_duration_seconds"], "histogram");
    }
}

#[test]
fn the_open_address_gives_metrics_and_nothing_else() {
    let door = Door::open();
    for (path, status) in [
        ("/metrics", 200),
        ("/info", 404),
        ("/v1.44/containers/json", 404),
        ("/", 404),
    ] {
        let mut client = Client::new(TcpStream::connect(door.metrics).unwrap());
        assert_eq!(client.get(path).status, status, "{path}");
    }
    let mut client = Client::new(TcpStream::connect(door.metrics).unwrap());
    assert_eq!(client.post("/metrics", "{}").status, 405);
    assert!(door.fake.served().is_empty());
}

#[test]
fn over_the_network_metrics_are_refused_and_that_is_recorded() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let answer = TlsClient::connect(&door, Some(&leaf))
        .unwrap()
        .get("/metrics");
    assert_eq!(answer.status, 403);
    assert!(answer.message().contains("unix socket"));
    assert_eq!(door.refused(), "local_only");
}

#[test]
fn decisions_are_counted_by_verdict_rule_role_and_operation() {
    let door = policed();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut alice = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(alice.get("/containers/json").status, 200);
    assert_eq!(alice.get("/containers/json").status, 200);
    assert_eq!(alice.get("/info").status, 403);
    let read = read(&door);
    let count = |labels: &str| read.value(&format!("lockgate_decisions_total{{{labels}}}"));
    assert_eq!(
        count(r#"decision="allow",operation="ContainerList",role="mine",rule="allow""#),
        2
    );
    assert_eq!(
        count(r#"decision="deny",operation="SystemInfo",role="",rule="none""#),
        1
    );
    let done = r#"lockgate_requests_total{operation="ContainerList",status="2xx"}"#;
    assert_eq!(read.value(done), 2);
    let denied = r#"lockgate_requests_total{operation="SystemInfo",status="4xx"}"#;
    assert_eq!(read.value(denied), 1);
    assert!(read.value(r#"lockgate_audit_records_total{result="written"}"#) >= 5);
}

#[test]
fn connections_handshakes_and_certificates_are_there() {
    let door = Door::open();
    if let Ok(mut stranger) = TlsClient::connect(&door, None) {
        assert!(stranger.is_closed());
    }
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut alice = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(alice.get("/_ping").status, 200);
    eventually("both handshakes", || {
        let read = read(&door);
        let bad = read.value(r#"lockgate_handshakes_total{result="no_certificate"}"#);
        let good = read.value(r#"lockgate_handshakes_total{result="ok"}"#);
        (bad == 1 && good == 1).then_some(())
    });
    let read = read(&door);
    assert_eq!(read.value(r#"lockgate_connections{transport="tls"}"#), 1);
    assert_eq!(
        read.value(r#"lockgate_accepted_connections_total{transport="tls"}"#),
        1
    );
    assert_eq!(
        read.value(r#"lockgate_refusals_total{reason="no_certificate"}"#),
        1
    );
    let now = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap();
    for name in ["server", "authority"] {
        let series = format!("lockgate_certificate_not_after_timestamp_seconds{{name=\"{name}\"}}");
        assert!(read.value(&series) > now, "{name}");
    }
}

#[test]
fn streams_are_counted_while_they_live_and_refused_ones_by_their_limit() {
    let text = POLICY.replace("\"container.read\"", "\"container.read\", \"system.read\"");
    let door = Door::open_with(Options {
        policy: Some(text.leak()),
        ..Options::default()
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut first = TlsClient::connect(&door, Some(&leaf)).unwrap();
    first.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    first.head();
    let live = r#"lockgate_streams{kind="down"}"#;
    assert_eq!(read(&door).value(live), 1);
    let mut second = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(second.get("/events").status, 429);
    assert_eq!(
        read(&door).value(r#"lockgate_limit_refusals_total{limit="streams"}"#),
        1
    );
    drop(first);
    eventually("no stream", || (read(&door).value(live) == 0).then_some(()));
}

#[test]
fn no_caller_can_make_new_series() {
    let door = policed();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let names = |door: &Door| read(door).series().map(str::to_owned).collect::<Vec<_>>();
    let ask = |name: &str| {
        let mut alice = TlsClient::connect(&door, Some(&leaf)).unwrap();
        alice.get(&format!("/containers/{name}/json"));
        alice.get(&format!("/images/{name}/json"));
        alice.get(&format!("/nowhere/{name}"));
    };
    ask("first");
    let before = names(&door);
    (0..20).for_each(|number| ask(&format!("n{number}")));
    assert_eq!(names(&door), before);
}
