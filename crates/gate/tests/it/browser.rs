//! Web pages. THREATS: Browser/SSRF, moby#36357, CVE-2025-9074.

use std::net::TcpStream;

use crate::authority::Wish;
use crate::door::{Door, Options};
use crate::raw::{Client, TlsClient};

fn insecure() -> Door {
    Door::open_with(Options {
        insecure: true,
        ..Options::default()
    })
}

// T: moby#36357
#[test]
fn a_page_is_refused_even_with_the_users_certificate() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    for field in [
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Mode: no-cors",
        "sec-fetch-site: cross-site",
    ] {
        let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
        client.send(format!(
            "POST /containers/a/kill HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n"
        ));
        let answer = client.answer();
        assert_eq!(answer.status, 403, "{field}");
        assert!(
            answer
                .message()
                .starts_with("requests from web pages are refused")
        );
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.starts_with("access-control"))
        );
    }
    assert!(door.fake.served().is_empty());
    assert_eq!(door.refused(), "web_page");
}

// T: moby#36357
#[test]
fn a_name_that_resolves_to_loopback_is_not_loopback() {
    let door = insecure();
    let ask = |host: &str| {
        let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
        client.send(format!("GET /info HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.answer().status
    };
    for host in ["127.0.0.1:2375", "localhost", "[::1]:2375"] {
        assert_eq!(ask(host), 200, "{host}");
    }
    for host in [
        "rebound.example:2375",
        "192.0.2.1",
        "localhost.evil.example",
        "",
        "a b",
    ] {
        assert!(ask(host) >= 400, "{host}");
    }
}

#[test]
fn plain_tcp_is_loopback_alone_and_says_who_it_does_not_know() {
    let door = insecure();
    let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
    client.send("GET /info HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    let line = door.recorded(|line| line["event"] == "decision");
    assert_eq!(line["identity"]["kind"], "loopback");
    let mut tls = Client::new(TcpStream::connect(door.address()).unwrap());
    tls.send([0x16, 3, 1, 0, 1, 0]);
    assert_eq!(
        tls.answer().message(),
        "client sent a TLS handshake to a socket without TLS"
    );
}
