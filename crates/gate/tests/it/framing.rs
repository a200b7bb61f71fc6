//! Two readers must never disagree on where a request ends. THREATS: CVE-2024-41110, moby#41452,
//! CVE-2025-22871, CVE-2025-55315, gRPC over h2c.

use crate::door::Door;

const CREATE: &str =
    "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/// Sends a whole request and expects 400 before anything is served.
fn refused(request: impl AsRef<[u8]>) -> String {
    let door = Door::open();
    let mut client = door.unix();
    client.send(request.as_ref());
    let answer = client.answer();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.headers["connection"], "close");
    assert!(client.is_closed());
    assert!(door.fake.served().is_empty(), "{:?}", door.fake.served());
    assert!(!door.audit().is_empty());
    answer.message()
}

// T: CVE-2024-41110, GHSA-v23v-6jw2-98fq
#[test]
fn two_lengths_are_refused() {
    let ambiguous = "the length of the request body is ambiguous";
    for fields in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "transfer-encoding:\tchunked ,\r\n",
    ] {
        assert_eq!(
            refused(format!("{CREATE}{fields}\r\n{{}}")),
            ambiguous,
            "{fields}"
        );
    }
    let old = "POST /containers/create HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(refused(old), ambiguous);
}

// T: CVE-2025-22871
#[test]
fn odd_heads_are_refused() {
    for head in [
        "GET /_ping HTTP/1.1\r\nHost: x\r\nA: b\r\n c: folded\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        "GET /_ping HTTP/3.0\r\nHost: x\r\n\r\n",
        "GET /_ping\r\nHost: x\r\n\r\n",
        "GET  /_ping HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /_p\0ing HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /_ping HTTP/1.1 \r\nHost: x\r\n\r\n",
        "\r\nGET /_ping HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(
            refused(head),
            "malformed HTTP request",
            "{}",
            head.escape_debug()
        );
    }
}

// T: CVE-2025-22871
#[test]
fn bare_line_feeds_are_refused() {
    for head in [
        "GET /_ping HTTP/1.1\nHost: x\n\n",
        "GET /_ping HTTP/1.1\r\nHost: x\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: x\r\n\n",
    ] {
        assert_eq!(
            refused(head),
            "a line of the request head ends in a bare line feed"
        );
    }
}

#[test]
fn a_host_is_needed_once() {
    assert_eq!(
        refused("GET /_ping HTTP/1.1\r\n\r\n"),
        "missing required Host header"
    );
    let two = "GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    assert_eq!(refused(two), "missing required Host header");
}

// T: CVE-2025-22871, CVE-2025-55315, moby#41452
#[test]
fn malformed_chunks_never_reach_the_backend() {
    for chunks in [
        "2\n{}\r\n0\r\n\r\n",
        "2;x=y\r\n{}\r\n0\r\n\r\n",
        "2 \r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffff0\r\n{}\r\n0\r\n\r\n",
    ] {
        let door = Door::open();
        let mut client = door.unix();
        client.send(format!(
            "{CREATE}Transfer-Encoding: chunked\r\n\r\n{chunks}"
        ));
        let rest = client.rest();
        assert!(
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"),
            "{}",
            rest.escape_ascii()
        );
        assert!(door.fake.served().is_empty(), "{chunks:?}");
        assert_eq!(door.refused(), "broken_body", "{chunks:?}");
    }
}

// T: moby#41452
#[test]
fn a_chunked_body_is_judged_like_any_other() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(format!(
        "{CREATE}Transfer-Encoding: Chunked\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n"
    ));
    assert_eq!(client.answer().text(), "{}");
    assert_eq!(client.get("/_ping").status, 200);
}

// T: grpc-over-h2c, RUSTSEC-2024-0332, CVE-2023-44487
#[test]
fn http_2_is_refused_by_name() {
    let http2 = "HTTP/2 is not spoken here; use HTTP/1.1";
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), http2);
    for fields in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: tcp\r\n",
        "Connection: Upgrade\r\nUpgrade: tcp, H2C\r\n",
        "HTTP2-Settings: \r\n",
    ] {
        let head = format!("POST /grpc HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        assert_eq!(refused(head), http2);
    }
    let elsewhere = "POST /info HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(refused(elsewhere), http2);
    for kind in ["application/grpc", "Application/gRPC+proto"] {
        let head = format!("POST /info HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n\r\n");
        assert_eq!(refused(head), "gRPC is not spoken here");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(format!(
        "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n{CREATE}Content-Length: 2\r\n\r\n{{}}GET /nope HTTP/1.1\r\nHost: x\r\n\r\nGET /info HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert_eq!(client.answer().text(), "OK");
    assert_eq!(client.answer().text(), "{}");
    assert_eq!(client.answer().status, 404);
    assert_eq!(client.answer().text(), "OK");
}

#[test]
fn however_the_bytes_are_cut_the_requests_are_the_same() {
    let door = Door::open();
    let stream = format!(
        "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n{CREATE}Content-Length: 2\r\n\r\n{{}}\
         {CREATE}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n\
         POST /containers/chat/attach HTTP/1.1\r\nHost: x\r\n\r\nraw"
    );
    for size in [1, 2, 3, 7, 19, 64] {
        let mut client = door.unix();
        for piece in stream.as_bytes().chunks(size) {
            client.send(piece);
        }
        assert_eq!(client.answer().text(), "OK");
        assert_eq!(client.answer().text(), "{}");
        assert_eq!(client.answer().text(), "{}");
        assert_eq!(client.head().status, 200);
        assert_eq!(client.exactly(3), b"raw");
    }
}

// T: CVE-2025-55315
#[test]
fn nothing_is_served_behind_connection_close_or_a_refusal() {
    let door = Door::open();
    let mut client = door.unix();
    client.send(
        "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nPOST /containers/a/kill HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert_eq!(client.answer().text(), "OK");
    assert!(client.is_closed());
    let mut client = door.unix();
    client.send("GET /_ping HTTP/1.1\r\n\r\nPOST /containers/a/kill HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    assert!(client.is_closed());
    assert_eq!(door.fake.served(), ["SystemPing"]);
}

// T: CVE-2024-41110, GHSA-v23v-6jw2-98fq
#[test]
fn a_body_where_none_belongs_is_read_away() {
    let door = Door::open();
    let mut client = door.unix();
    let hidden = "POST /containers/a/kill HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(format!(
        "GET /_ping HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    ));
    assert_eq!(client.answer().text(), "OK");
    assert_eq!(client.get("/info").text(), "OK");
    assert_eq!(door.fake.served(), ["SystemPing", "SystemInfo"]);
}

#[test]
fn the_stand_in_of_a_refusal_cannot_be_sent() {
    let door = Door::open();
    let mut client = door.unix();
    client.send("REFUSED / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    assert!(door.fake.served().is_empty());
}
