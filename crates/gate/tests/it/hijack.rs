//! Connections that become streams.

use crate::authority::Wish;
use crate::door::{Door, eventually};
use crate::raw::TlsClient;

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

fn attach(name: &str, fields: &str) -> String {
    format!("POST /v1.44/containers/{name}/attach?stream=1 HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

#[test]
fn an_upgrade_is_answered_as_the_stock_daemon_does() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(attach("say", UPGRADE));
    let answer = client.head();
    assert_eq!(
        answer.head,
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
         Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    );
    assert_eq!(client.rest(), b"hello");
    let end = door.recorded(|line| line["event"] == "end");
    assert_eq!(
        (&end["status"], &end["outcome"], &end["bytes"]),
        (&101.into(), &"done".into(), &5.into())
    );
}

#[test]
fn without_upgrade_the_stream_is_a_bare_200() {
    let door = Door::open();
    for fields in ["", "Connection: keep-alive\r\n", "Connection: close\r\n"] {
        let mut client = door.unix();
        assert_eq!(client.get("/_ping").status, 200);
        client.send(attach("say", fields));
        let answer = client.head();
        assert_eq!(
            answer.head,
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
        );
        assert_eq!(client.rest(), b"hello");
    }
    let mut client = door.unix();
    client.send("POST /containers/say/attach HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.rest(), b"hello");
}

#[test]
fn exec_keeps_the_headers_of_the_api() {
    let door = Door::open();
    let mut client = door.unix();
    let body = "{\"Tty\":false}";
    client.send(format!(
        "POST /exec/say/start HTTP/1.1\r\nHost: x\r\n{UPGRADE}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.head();
    assert_eq!(answer.status, 101);
    assert_eq!(answer.headers["api-version"], "1.55");
    assert_eq!(answer.headers["server"], "Lockgate/1.2.3 (linux)");
    assert_eq!(client.rest(), b"hello");
}

#[test]
fn an_exec_that_is_detached_is_an_ordinary_answer() {
    let door = Door::open();
    let mut client = door.unix();
    let answer = client.post("/exec/e/start", "{\"Detach\":true}");
    assert_eq!((answer.status, answer.text().as_str()), (200, "detached"));
    assert!(client.is_closed());
}

#[test]
fn a_client_that_half_closes_at_once_gets_everything() {
    let door = Door::open();
    for fields in [UPGRADE, ""] {
        let mut client = door.unix();
        client.send(attach("echo", fields));
        client.half_close();
        client.head();
        assert_eq!(client.rest(), b"0 bytes: ");
    }
}

#[test]
fn input_that_comes_before_the_answer_is_kept() {
    let door = Door::open();
    for fields in [UPGRADE, ""] {
        let mut client = door.unix();
        let early = "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";
        client.send(format!("{}{early}", attach("echo", fields)));
        client.send("more");
        client.half_close();
        client.head();
        let expected = format!("{} bytes: {early}more", early.len() + 4);
        assert_eq!(client.rest(), expected.as_bytes());
    }
    // T: request after 101
    assert_eq!(
        door.fake.served(),
        ["ContainerAttach echo", "ContainerAttach echo"]
    );
}

#[test]
fn a_pipelined_hijack_waits_for_the_answer_before_it() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(format!(
        "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n{}",
        attach("say", UPGRADE)
    ));
    assert_eq!(client.answer().text(), "OK");
    assert_eq!(client.head().status, 101);
    assert_eq!(client.rest(), b"hello");
}

#[test]
fn three_megabytes_go_through_and_come_back() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let payload = vec![b'y'; 3 << 20];
    let mut client = door.unix();
    client.send(attach("echo", UPGRADE));
    client.head();
    client.send(&payload);
    client.half_close();
    assert_eq!(client.rest().len(), "3145728 bytes: ".len() + payload.len());
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    client.send(attach("echo", UPGRADE));
    client.head();
    client.send(&payload);
    client.half_close();
    assert_eq!(client.rest().len(), "3145728 bytes: ".len() + payload.len());
}

#[test]
fn a_stream_over_tls_ends_with_close_notify() {
    use std::io::Read as _;
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    client.send(attach("say", UPGRADE));
    client.head();
    client.exactly(5);
    // Without it, this is an error and not an end.
    assert_eq!(client.io.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn a_chat_goes_both_ways() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(attach("chat", UPGRADE));
    client.head();
    for word in ["one", "two", "three"] {
        client.send(word);
        assert_eq!(client.exactly(word.len()), word.as_bytes());
    }
}

#[test]
fn an_error_of_attach_is_text_under_the_streams_type() {
    let door = Door::open();
    for fields in [UPGRADE, ""] {
        let mut client = door.unix();
        client.send(attach("missing", fields));
        let answer = client.head();
        assert_eq!(answer.status, 404);
        assert_eq!(
            answer.headers["content-type"],
            "application/vnd.docker.raw-stream"
        );
        assert!(!answer.headers.contains_key("api-version"));
        assert_eq!(client.rest(), b"No such container: missing\r\n");
    }
}

#[test]
fn a_stream_is_dropped_when_its_client_is_gone() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(attach("chat", UPGRADE));
    client.head();
    drop(client);
    eventually("the end", || door.fake.ended("stream over").then_some(()));
}

#[test]
fn a_silent_stream_is_over_when_its_client_has_left_and_not_when_it_has_said_everything() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(attach("silent", UPGRADE));
    client.head();
    client.half_close();
    // Another stream begins and ends meanwhile.
    let mut other = door.unix();
    other.send(attach("echo", UPGRADE));
    other.half_close();
    other.head();
    eventually("the other's end", || {
        door.fake.ended("stream over").then_some(())
    });
    assert_eq!(door.fake.ends.lock().unwrap().len(), 1);
    drop(client);
    eventually("the end", || {
        (door.fake.ends.lock().unwrap().len() == 2).then_some(())
    });
}

#[test]
fn a_panic_in_a_stream_ends_that_stream_alone() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(attach("panic", UPGRADE));
    client.head();
    assert!(client.is_closed());
    assert_eq!(door.unix().get("/_ping").status, 200);
    door.recorded(|line| line["outcome"] == "aborted");
}
