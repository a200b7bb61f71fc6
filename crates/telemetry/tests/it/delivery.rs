//! What is delivered, and that nobody waits for it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_access::{AuditConfig, AuditLog, Outlet, Sink};
use lockgate_gate::Tracer;
use lockgate_telemetry::{Endpoint, Telemetry};

use crate::collector::{Collector, eventually};

fn lost(telemetry: &Telemetry) -> u64 {
    telemetry.lost().iter().map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_the_audit_file_comes_to_the_collector_as_it_stands() {
    let collector = Collector::start(&[200]);
    let telemetry = Arc::new(Telemetry::start(&collector.endpoint(), "1.2.3"));
    let dir = tempfile::tempdir().unwrap();
    let mut config = AuditConfig::new(&dir.path().join("audit.log"));
    config.sinks.push(Sink::outlet(Arc::clone(&telemetry) as _));
    let log = AuditLog::open_with(config).unwrap();
    log.close();
    drop(log);
    telemetry.close().await;
    let file = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert!(
        lines.len() >= 2 && lines[0].contains("\"event\":\"start\""),
        "{file}"
    );
    assert_eq!(collector.lines(), lines);
    assert_eq!(lost(&telemetry), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_busy_gets_the_batch_again() {
    let collector = Collector::start(&[503, 429, 200]);
    let telemetry = Telemetry::start(&collector.endpoint(), "1");
    telemetry.send("{\"event\":\"start\"}");
    eventually("the line", || (collector.lines().len() == 1).then_some(())).await;
    assert_eq!(lost(&telemetry), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_refuses_is_lost_and_what_comes_after_is_not() {
    let collector = Collector::start(&[400, 200]);
    let telemetry = Telemetry::start(&collector.endpoint(), "1");
    telemetry.send("{\"n\":1}");
    eventually("the loss", || (lost(&telemetry) == 1).then_some(())).await;
    telemetry.send("{\"n\":2}");
    eventually("the next", || {
        (collector.lines() == ["{\"n\":2}"]).then_some(())
    })
    .await;
}

/// Hands in more than fits, and says how long that took.
fn flood(telemetry: &Telemetry) -> Duration {
    let begun = Instant::now();
    for _ in 0..20_000 {
        telemetry.send("{\"event\":\"end\"}");
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_collector_holds_nobody_up_and_what_is_lost_is_counted() {
    // One that refuses connections, and one that takes them and never says a word.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [gone, silent.local_addr().unwrap()] {
        let endpoint: Endpoint = format!("http://{address}").parse().unwrap();
        let telemetry = Telemetry::start(&endpoint, "1");
        let took = flood(&telemetry);
        assert!(took < Duration::from_secs(5), "{took:?}");
        // The queue and one batch hold the rest.
        assert!(
            lost(&telemetry) >= 20_000 - 4096 - 1024,
            "{}",
            lost(&telemetry)
        );
        let begun = Instant::now();
        telemetry.close().await;
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
