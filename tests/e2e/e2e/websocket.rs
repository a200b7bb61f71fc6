//! `attach/ws`, spoken byte by byte.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockgate_testkit::{Daemon, eventually};

pub(crate) struct Socket(UnixStream);

impl Socket {
    /// Sends the handshake; the head that comes back.
    fn open(daemon: &Daemon, target: &str, fields: &str) -> (Self, String) {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: d\r\n{fields}\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (Self(stream), String::from_utf8(head).unwrap())
    }

    fn attach(daemon: &Daemon, name: &str, query: &str) -> Self {
        Self::attach_at("1.50", daemon, name, query)
    }

    /// By another version of the API.
    pub(crate) fn attach_at(version: &str, daemon: &Daemon, name: &str, query: &str) -> Self {
        let target = format!("/v{version}/containers/{name}/attach/ws?{query}");
        let (socket, head) = Self::open(daemon, &target, HANDSHAKE);
        assert_eq!(
            head,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        socket
    }

    /// One frame; `first` is FIN and opcode.
    pub(crate) fn send(&mut self, first: u8, payload: &[u8]) {
        let mask = [7, 1, 200, 33];
        let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap()];
        frame.extend_from_slice(&mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        self.0.write_all(&frame).unwrap();
    }

    /// Opcode (with FIN) and payload of the next frame.
    pub(crate) fn receive(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1])];
        assert!(head[1] < 126, "a long or masked frame");
        self.0.read_exact(&mut payload).unwrap();
        (head[0], payload)
    }

    /// Output until there is as much as `wanted`.
    pub(crate) fn output(&mut self, wanted: &str) {
        let mut text = Vec::new();
        while text.len() < wanted.len() {
            let (kind, payload) = self.receive();
            assert_eq!(kind, 0x82, "a binary message");
            text.extend(payload);
        }
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }
}

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
pub(crate) const ALL: &str = "stream=1&stdin=1&stdout=1&stderr=1";

/// A container that has said its two lines: who attaches between the log's end and the stream misses what is
/// said just then, as with dockerd.
fn cat(daemon: &Daemon, name: &str, flags: &str) {
    let script = "echo out; echo err >&2; exec cat";
    daemon
        .docker(&["run", flags, "--name", name, "busybox", "sh", "-c", script])
        .ok();
    eventually("both lines are in the log", || {
        let logs = daemon.docker(&["logs", name]);
        let said = format!("{}{}", logs.stdout, logs.stderr);
        (said.contains("out") && said.contains("err")).then_some(())
    });
}

#[test]
fn a_websocket_carries_input_and_both_outputs() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    cat(&daemon, "plain", "-di");
    let mut socket = Socket::attach(&daemon, "plain", &format!("logs=1&{ALL}"));
    socket.output("out\nerr\n");
    socket.send(0x82, b"whole\n");
    socket.output("whole\n");
    // Fragments are one message, with a ping between them.
    socket.send(0x01, b"in ");
    socket.send(0x89, b"there?");
    assert_eq!(socket.receive(), (0x8a, b"there?".to_vec()));
    socket.send(0x80, b"parts\n");
    socket.output("in parts\n");
    socket.send(0x88, &[3, 232]);
    assert_eq!(socket.receive(), (0x88, vec![3, 232]));
    assert_eq!(daemon.inspect("plain", "{{.State.Running}}"), "true");
    let mut only = Socket::attach(&daemon, "plain", "logs=1&stderr=1");
    only.output("err\n");
    assert_eq!(only.receive(), (0x88, vec![3, 232]));
}

#[test]
fn detach_keys_and_the_end_of_the_container_close_a_websocket() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    cat(&daemon, "term", "-dit");
    let mut socket = Socket::attach(&daemon, "term", &format!("{ALL}&detachKeys=ctrl-x,q"));
    socket.send(0x82, &[24, b'q']);
    assert_eq!(socket.receive(), (0x88, vec![3, 232]));
    assert_eq!(daemon.inspect("term", "{{.State.Running}}"), "true");
    let mut socket = Socket::attach(&daemon, "term", "stream=1&stdout=1");
    daemon.docker(&["kill", "term"]).ok();
    assert_eq!(socket.receive(), (0x88, vec![3, 232]));
}

#[test]
fn bad_frames_close_a_websocket_and_bad_handshakes_open_none() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    cat(&daemon, "plain", "-di");
    let mut unmasked = Socket::attach(&daemon, "plain", ALL);
    unmasked.0.write_all(&[0x82, 2, b'a', b'b']).unwrap();
    assert_eq!(unmasked.receive(), (0x88, vec![3, 234]));
    let mut huge = Socket::attach(&daemon, "plain", ALL);
    huge.0
        .write_all(&[0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4])
        .unwrap();
    assert_eq!(huge.receive(), (0x88, vec![3, 241]));
    for (name, fields, status, text) in [
        ("nope", HANDSHAKE, 404, "No such container: nope"),
        ("nope", "", 404, "No such container: nope"),
        ("plain", "", 400, "not websocket protocol"),
        (
            "plain",
            "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            400,
            "missing or bad WebSocket Version",
        ),
    ] {
        let target = format!("/containers/{name}/attach/ws?{ALL}");
        let (mut socket, head) =
            Socket::open(&daemon, &target, &format!("{fields}Connection: close\r\n"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let mut body = String::new();
        socket.0.read_to_string(&mut body).unwrap();
        assert!(body.contains(text), "{body}");
    }
    let keys = format!("/containers/plain/attach/ws?{ALL}&detachKeys=zz");
    let (_, head) = Socket::open(&daemon, &keys, HANDSHAKE);
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}
