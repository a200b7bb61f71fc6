//! Container logs.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lockgate_engine::LogQuery;
use lockgate_types::ErrorKind;

use crate::fixture::{Fixture, PATIENCE, sh, unframe};

fn both() -> LogQuery {
    LogQuery {
        stdout: true,
        stderr: true,
        ..LogQuery::default()
    }
}

async fn collect(fixture: &Fixture, id: &str, query: LogQuery) -> (String, String) {
    let mut stream = fixture.containers().logs(id, query).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap() {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    unframe(&bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_told_apart_and_selected() {
    let fixture = Fixture::new().await;
    let id = fixture.run("echo out; echo err >&2; printf last").await;
    fixture.wait(&id).await;
    let (out, err) = collect(&fixture, &id, both()).await;
    assert_eq!((out.as_str(), err.as_str()), ("out\nlast", "err\n"));
    let only = LogQuery {
        stdout: false,
        ..both()
    };
    assert_eq!(collect(&fixture, &id, only).await.0, "");
    let none = LogQuery {
        stdout: false,
        stderr: false,
        ..both()
    };
    let error = fixture.containers().logs(&id, none).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Bad parameters: you must choose at least one stream"
    );
    let tail = LogQuery {
        tail: Some(1),
        ..both()
    };
    assert_eq!(collect(&fixture, &id, tail).await.0, "last");
}

#[tokio::test(flavor = "multi_thread")]
async fn following_delivers_every_line_and_ends_with_the_container() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run("for i in 1 2 3 4 5; do echo $i; sleep 0.05; done")
        .await;
    let query = LogQuery {
        follow: true,
        ..both()
    };
    assert_eq!(collect(&fixture, &id, query).await.0, "1\n2\n3\n4\n5\n");
    assert_eq!(fixture.status(&id).await, "exited");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_keeps_the_newest_lines_and_following_survives_it() {
    let fixture = Fixture::new().await;
    let mut request = sh("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo end");
    let options = [("max-size", "20k"), ("max-file", "2")];
    let log = &mut request.host_config.log_config;
    "json-file".clone_into(&mut log.kind);
    log.config = Some(options.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let id = fixture.run_with(request).await;
    fixture.wait(&id).await;
    let (out, _) = collect(&fixture, &id, both()).await;
    assert!(
        out.ends_with("line 1999\nend\n"),
        "{}",
        &out[out.len().saturating_sub(50)..]
    );
    assert!(!out.contains("line 0\n"));
    let lines: Vec<&str> = out.lines().collect();
    let first: usize = lines[0].strip_prefix("line ").unwrap().parse().unwrap();
    for (offset, line) in lines[..lines.len() - 1].iter().enumerate() {
        assert_eq!(*line, format!("line {}", first + offset));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_keeps_nothing_has_no_logs() {
    let fixture = Fixture::new().await;
    let mut request = sh("echo x");
    "none".clone_into(&mut request.host_config.log_config.kind);
    let id = fixture.run_with(request).await;
    fixture.wait(&id).await;
    let error = fixture.containers().logs(&id, both()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "configured logging driver does not support reading"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_thousand_lines_are_read_at_once() {
    let fixture = Fixture::new().await;
    let id = fixture.create(sh("true")).await;
    let path = fixture.inspect(&id).await.log_path;
    let mut text = String::new();
    for number in 0..300_000 {
        writeln!(text, "{{\"log\":\"line number {number} of a busy container\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T22:54:06.630087572Z\"}}").unwrap();
    }
    std::fs::write(path, text).unwrap();
    let begin = Instant::now();
    let mut stream = fixture.containers().logs(&id, both()).await.unwrap();
    let mut total = 0;
    while let Some(chunk) = stream.next().await {
        total += chunk.unwrap().len();
    }
    let time = begin.elapsed();
    assert!(total > 300_000 * 30);
    println!("300k lines in {time:?}");
    let budget = if cfg!(debug_assertions) { 5000 } else { 200 };
    assert!(time < Duration::from_millis(budget), "{time:?}");
}
