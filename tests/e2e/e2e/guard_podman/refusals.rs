//! What podman refuses, and what is refused before it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use lockgate_testkit::{HttpResponse, request};
use serde_json::json;

use super::Before;

/// Status, kind and text of an answer.
fn told(answer: &HttpResponse) -> (u16, Option<String>, String) {
    let kind = answer.headers.get("content-type").cloned();
    (answer.status, kind, answer.text())
}

#[test]
fn podmans_refusals_come_in_its_own_words() {
    let before = Before::podman();
    for (method, target) in [
        ("POST", "/v1.41/containers/nobody/attach?stream=1&stdout=1"),
        ("POST", "/v1.41/containers/nobody/wait"),
        ("GET", "/v1.41/containers/nobody/logs?stdout=1"),
        ("GET", "/v1.41/containers/nobody/stats"),
        ("GET", "/v1.41/containers/nobody/archive?path=/"),
        ("POST", "/v1.41/exec/nobody/start"),
        ("GET", "/v1.41/images/nobody/get"),
        // It knows no WebSocket.
        ("GET", "/v1.41/containers/nobody/attach/ws?stream=1"),
    ] {
        let body = target.contains("/exec/").then_some("{}");
        let [direct, door] = before.sides().map(|side| {
            if !target.contains("/ws") {
                return told(&request(&side, method, target, body));
            }
            let mut socket = UnixStream::connect(side).unwrap();
            let ask = format!("GET {target} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            socket.write_all(ask.as_bytes()).unwrap();
            let mut head = vec![0; 22];
            socket.read_exact(&mut head).unwrap();
            (0, None, String::from_utf8(head).unwrap())
        });
        assert_eq!(direct, door, "{method} {target}");
    }
}

// T: engine-dialects
#[test]
fn podmans_own_api_is_an_unknown_path() {
    let before = Before::podman();
    let spec = json!({"image": "busybox", "privileged": true, "name": "theirs"}).to_string();
    for version in ["", "/v1.41", "/v4.3.1", "/v4.0.0"] {
        for (method, path) in [
            ("POST", "containers/create"),
            ("GET", "containers/json"),
            ("GET", "info"),
            ("GET", "_ping"),
            ("POST", "pods/create"),
            ("POST", "play/kube"),
            ("GET", "events"),
            ("POST", "images/pull?reference=x"),
            ("GET", "secrets/json?showsecret=true"),
        ] {
            let target = format!("{version}/libpod/{path}");
            let answer = before
                .door
                .api(method, &target, (method == "POST").then_some(&spec));
            assert!(
                [400, 404].contains(&answer.status),
                "{target}: {}",
                answer.text()
            );
            assert!(
                !answer.headers.contains_key("libpod-api-version"),
                "{target} was passed on"
            );
        }
    }
    let names = before.docker(&before.sides()[0], &["ps", "--all", "--quiet"]);
    assert_eq!(names.ok(), "");
}
