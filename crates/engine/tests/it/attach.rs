//! Attached clients.

use lockgate_engine::{AttachQuery, AttachStream};
use lockgate_types::ErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fixture::{Fixture, PATIENCE, read_all, read_until, sh, unframe};

fn all() -> AttachQuery {
    AttachQuery {
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        ..AttachQuery::default()
    }
}

async fn attach(fixture: &Fixture, id: &str, query: AttachQuery) -> AttachStream {
    fixture.containers().attach(id, query).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_attached_before_the_start_misses_nothing() {
    let fixture = Fixture::new().await;
    let id = fixture.create(sh("echo out; echo err >&2")).await;
    let mut stream = attach(
        &fixture,
        &id,
        AttachQuery {
            stdin: false,
            ..all()
        },
    )
    .await;
    // The client is not going to send anything; its output goes on.
    stream.shutdown().await.unwrap();
    fixture.containers().start(&id).await.unwrap();
    assert_eq!(
        unframe(&read_all(&mut stream).await),
        ("out\n".to_owned(), "err\n".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_reaches_the_process_and_its_end_as_well() {
    let fixture = Fixture::new().await;
    let mut request = sh("cat; echo done");
    request.config.open_stdin = true;
    request.config.stdin_once = true;
    let id = fixture.create(request).await;
    let mut stream = attach(&fixture, &id, all()).await;
    fixture.containers().start(&id).await.unwrap();
    stream.write_all(b"hello\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(unframe(&read_all(&mut stream).await).0, "hello\ndone\n");
    assert_eq!(fixture.wait(&id).await.status_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stdin_once_the_end_of_input_ends_the_attachment_alone() {
    let fixture = Fixture::new().await;
    let mut request = sh("while read line; do echo got $line; done");
    request.config.open_stdin = true;
    let id = fixture.run_with(request).await;
    let mut first = attach(&fixture, &id, all()).await;
    first.write_all(b"one\n").await.unwrap();
    read_until(&mut first, "got one").await;
    first.shutdown().await.unwrap();
    assert!(read_all(&mut first).await.is_empty());
    let mut second = attach(&fixture, &id, all()).await;
    second.write_all(b"two\n").await.unwrap();
    read_until(&mut second, "got two").await;
    fixture.remove(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_raw_and_the_detach_keys_detach() {
    let fixture = Fixture::new().await;
    let mut request = sh("stty size; tty; while read line; do echo got $line; done");
    request.config.open_stdin = true;
    request.config.tty = true;
    request.host_config.console_size = [33, 77];
    let id = fixture.create(request).await;
    let mut stream = attach(&fixture, &id, all()).await;
    assert!(stream.is_raw());
    fixture.containers().start(&id).await.unwrap();
    let text = read_until(&mut stream, "/dev/pts").await;
    assert!(text.starts_with("33 77\r\n"), "{text:?}");
    stream.write_all(b"abc\r").await.unwrap();
    read_until(&mut stream, "got abc").await;
    fixture.containers().resize(&id, 10, 20).await.unwrap();
    stream.write_all(&[16, 17]).await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(stream.is_detached());
    assert_eq!(fixture.status(&id).await, "running");
    fixture.remove(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_so_far_comes_first() {
    let fixture = Fixture::new().await;
    let id = fixture.run("echo before").await;
    fixture.wait(&id).await;
    let query = AttachQuery {
        logs: true,
        stream: false,
        stdin: false,
        ..all()
    };
    let mut stream = attach(&fixture, &id, query).await;
    assert_eq!(unframe(&read_all(&mut stream).await).0, "before\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_and_a_removal_end_who_waits() {
    let fixture = Fixture::new().await;
    let id = fixture.create(crate::fixture::command(&["nope"])).await;
    let mut stream = attach(&fixture, &id, all()).await;
    assert!(fixture.containers().start(&id).await.is_err());
    assert!(read_all(&mut stream).await.is_empty());
    let mut stream = attach(&fixture, &id, all()).await;
    fixture.remove(&id).await;
    assert!(read_all(&mut stream).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_container_and_bad_keys_are_refused() {
    let fixture = Fixture::new().await;
    let id = fixture.run("exec sleep 60").await;
    let query = AttachQuery {
        detach_keys: Some("ctrl-".to_owned()),
        ..all()
    };
    let error = fixture.containers().attach(&id, query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    fixture.containers().pause(&id).await.unwrap();
    let error = fixture.containers().attach(&id, all()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("container {id} is paused, unpause the container before attach")
    );
    fixture.remove(&id).await;
}
