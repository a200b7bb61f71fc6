//! What is delivered, and that nobody waits for it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_that_wait_do_not_fill_the_memory_and_make_room_when_they_are_gone() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint: Endpoint = format!("http://{}", silent.local_addr().unwrap())
        .parse()
        .unwrap();
    let telemetry = Telemetry::start(&endpoint, "1");
    let line = format!("{{\"event\":\"{}\"}}", "x".repeat(1 << 20));
    for _ in 0..100 {
        telemetry.send(&line);
    }
    assert_eq!(lost(&telemetry), 100 - 7, "8 MiB wait");
    telemetry.close().await;

    let collector = Collector::start(&[200]);
    let telemetry = Telemetry::start(&collector.endpoint(), "1");
    (0..7).for_each(|_| telemetry.send(&line));
    eventually("the lines", || (collector.lines().len() == 7).then_some(())).await;
    assert_eq!(lost(&telemetry), 0);
    // A moment after the collector has them.
    eventually("room", || {
        let before = lost(&telemetry);
        telemetry.send(&line);
        (lost(&telemetry) == before).then_some(())
    })
    .await;
    telemetry.close().await;
    assert_eq!(collector.lines().len(), 8);
}

/// Answers every request with this text, keeps the connection open, and counts.
fn talker(text: &'static str) -> (Endpoint, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut buffer = [0; 16 * 1024];
            if socket.read(&mut buffer).unwrap() > 0 {
                seen.fetch_add(1, Ordering::Relaxed);
                socket.write_all(text.as_bytes()).unwrap();
            }
            open.push(socket);
        }
    });
    (endpoint.parse().unwrap(), count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_without_end_is_one_and_what_was_taken_is_sent_once() {
    let (endpoint, count) = talker("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{");
    let telemetry = Telemetry::start(&endpoint, "1");
    for number in 1..=2 {
        telemetry.send("{\"n\":1}");
        eventually("a request", || {
            (count.load(Ordering::Relaxed) == number).then_some(())
        })
        .await;
    }
    telemetry.close().await;
    assert_eq!((count.load(Ordering::Relaxed), lost(&telemetry)), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_and_ways_elsewhere_are_losses() {
    for text in [
        "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/v1/logs\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (endpoint, count) = talker(text);
        let telemetry = Telemetry::start(&endpoint, "1");
        telemetry.send("{\"n\":1}");
        eventually("the loss", || (lost(&telemetry) == 1).then_some(())).await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
    // What is no HTTP is tried again, and holds nobody up.
    let (endpoint, count) = talker("\0\0\0 this is a mail server\r\n");
    let telemetry = Telemetry::start(&endpoint, "1");
    telemetry.send("{\"n\":1}");
    eventually("another try", || {
        (count.load(Ordering::Relaxed) > 1).then_some(())
    })
    .await;
    let begun = Instant::now();
    telemetry.close().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(lost(&telemetry), 1);
}
