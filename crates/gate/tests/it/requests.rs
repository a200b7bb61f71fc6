//! Ordinary requests.

use crate::authority::Wish;
use crate::door::{Door, eventually};
use crate::raw::TlsClient;

#[test]
fn every_answer_has_the_headers_of_the_api() {
    let door = Door::open();
    let answer = door.unix().get("/_ping");
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
    assert_eq!(answer.headers["api-version"], "1.55");
    assert_eq!(answer.headers["ostype"], "linux");
    assert_eq!(answer.headers["docker-experimental"], "false");
    assert_eq!(answer.headers["server"], "Lockgate/1.2.3 (linux)");
    assert!(
        answer.head.contains("\r\nApi-Version: 1.55\r\n"),
        "{}",
        answer.head
    );
}

#[test]
fn a_connection_serves_many_requests() {
    let door = Door::open();
    let mut client = door.unix();
    for _ in 0..3 {
        assert_eq!(client.get("/v1.44/version").status, 200);
        assert_eq!(
            client.post("/v1.44/containers/create?name=a", "{}").text(),
            "{}"
        );
    }
    client.send("GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert!(client.is_closed());
}

#[test]
fn what_is_not_found_says_so_without_the_headers_of_the_api() {
    let door = Door::open();
    for (method, path) in [("GET", "/nope"), ("PUT", "/v1.44/info"), ("BREW", "/info")] {
        let mut client = door.unix();
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (404, "{\"message\":\"page not found\"}\n")
        );
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.headers.contains_key("api-version"));
    }
    assert_eq!(door.refused(), "unknown_path");
}

#[test]
fn versions_out_of_range_are_refused_in_the_stock_words() {
    let door = Door::open();
    let new = door.unix().get("/v1.60/info");
    assert_eq!(new.status, 400);
    assert_eq!(
        new.message(),
        "client version 1.60 is too new. Maximum supported API version is 1.55"
    );
    assert_eq!(new.headers["api-version"], "1.55");
    assert!(!new.headers.contains_key("docker-experimental"));
    let old = door.unix().get("/v1.12/info");
    assert_eq!(old.status, 400);
    assert!(old.headers["content-type"].starts_with("text/plain"));
    assert!(old.text().starts_with("client version 1.12 is too old."));
}

#[test]
fn a_path_with_a_cleaner_spelling_is_moved() {
    let door = Door::open();
    let answer = door.unix().get("/v1.44//info");
    assert_eq!(answer.status, 301);
    assert_eq!(answer.headers["location"], "/v1.44/info");
}

#[test]
fn options_are_answered_empty() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("OPTIONS /v1.44/containers/json HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.headers["api-version"], "1.55");
    assert!(door.fake.served().is_empty());
}

#[test]
fn waits_for_a_body_that_waits_for_100_continue() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(
        "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.head().status, 100);
    client.send("{}");
    assert_eq!(client.answer().text(), "{}");
}

#[test]
fn a_panic_is_an_answer_and_not_an_end() {
    let door = Door::open();
    let mut client = door.unix();
    let answer = client.get("/containers/panic/json");
    assert_eq!(answer.status, 500);
    assert!(answer.message().contains("internal error"));
    let answer = client.post("/containers/panic/kill", "");
    assert_eq!(answer.status, 500);
    assert_eq!(client.get("/_ping").status, 200);
    let panics = door
        .audit()
        .into_iter()
        .filter(|line| line["outcome"] == "panicked");
    assert_eq!(panics.count(), 2);
}

#[test]
fn a_change_is_finished_when_its_client_leaves() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("POST /containers/a/stop HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually("the request", || {
        (!door.fake.served().is_empty()).then_some(())
    });
    drop(client);
    door.fake.release.notify_one();
    eventually("the change", || door.fake.ended("stopped").then_some(()));
    door.recorded(|line| line["event"] == "end");
}

#[test]
fn a_stream_is_dropped_when_its_client_leaves() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.chunk(), b"0\n");
    drop(client);
    eventually("the end", || {
        door.fake.ended("events dropped").then_some(())
    });
    door.recorded(|line| line["outcome"] == "aborted");
}

#[test]
fn a_client_that_only_stops_sending_gets_its_answer() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("GET /info HTTP/1.0\r\n\r\n");
    client.half_close();
    assert_eq!(client.answer().text(), "OK");
    let mut client = door.unix();
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    client.half_close();
    client.head();
    for _ in 0..50 {
        client.chunk();
    }
    drop(client);
    eventually("the end", || {
        door.fake.ended("events dropped").then_some(())
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    client.send("GET /info HTTP/1.1\r\nHost: x\r\n\r\n");
    client.half_close();
    assert_eq!(client.answer().text(), "OK");
}

#[test]
fn an_answer_that_breaks_off_is_seen_to() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("GET /containers/a/export HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().status, 200);
    let rest = client.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a whole body: {rest:?}");
    door.recorded(|line| line["outcome"] == "aborted");
}

#[test]
fn bodies_that_stream_may_be_long() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        client.send(format!("{:x}\r\n", chunk.len()));
        client.send(&chunk);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().text(), "Ok(8388608)");
    let mut client = door.unix();
    client.send("POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    client.send(&chunk);
    assert_eq!(client.answer().text(), "Ok(1048576)");
    assert_eq!(client.get("/_ping").status, 200);
}
