//! What callers of a running daemon choose, in the record and before the eyes of whoever reads it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use lockgate_testkit::{Daemon, binary, eventually, program, run};
use serde_json::{Value, json};

use crate::audit::verify;

/// Sends exactly that, and takes whatever is answered.
fn raw(daemon: &Daemon, bytes: &[u8]) -> Vec<u8> {
    let mut socket = UnixStream::connect(daemon.socket()).unwrap();
    socket.write_all(bytes).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    answer
}

fn read(daemon: &Daemon, words: &[&str]) -> String {
    let log = daemon.path("data/audit.log");
    let mut command = program(binary("lockgate"));
    command.arg("audit").args(words).arg("--log").arg(log);
    run(&mut command, b"").ok().to_owned()
}

/// Whether a terminal would do more than show it.
fn moves_a_cursor(text: &str) -> bool {
    text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
    })
}

// T: audit-flood
#[test]
fn names_that_a_caller_makes_up_are_shown_by_every_reader_and_obeyed_by_none() {
    let daemon = Daemon::start();
    let forged = r#"x","hash":"0"}{"sequence":1,"event":"start"}"#.replace('"', "%22");
    let long = "%e2%80%ae".repeat(2_000);
    for name in [
        "%1b%5b2J%1b%5d0;owned%07",
        "%0d%0aHTTP/1.1%20200%20OK",
        "%e2%80%aeelif",
        "%e2%80%a8line",
        "%ff%fe%c0%af",
        "%00",
        "%7f%c2%9b2J",
        "=cmd%7c'%2fc%20calc'!A1",
        forged.as_str(),
        long.as_str(),
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let request = format!(
                "{method} /volumes/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let answer = raw(&daemon, request.as_bytes());
            assert!(answer.starts_with(b"HTTP/1.1 4"), "{method} {name}");
        }
    }
    for head in [
        &b"GET /volumes/\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"GET /volumes/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x1b[2J\x1b]0;owned\x07 / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /info HTTP/1.1\r\nUser-Agent: \x1b[2J\r\nHost: x\r\n\r\n",
    ] {
        raw(&daemon, head);
    }
    eventually("a record of the long name", || {
        let last = read(&daemon, &["search", "--operation", "VolumeDelete"]);
        last.contains("6000 bytes, SHA-256").then_some(())
    });
    let lines = read(&daemon, &["export"]);
    let numbers: Vec<u64> = lines
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            assert!(line.len() < 16 * 1024, "{} bytes", line.len());
            record["sequence"].as_u64().unwrap()
        })
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{lines}"
    );
    assert!(numbers.len() > 40, "{lines}");
    for words in [
        &["export"][..],
        &["export", "--format", "csv"],
        &["search", "--decision", "allow"],
        &["tail", "-n", "1000"],
    ] {
        let shown = read(&daemon, words);
        assert!(!moves_a_cursor(&shown), "{words:?}: {shown:?}");
    }
    // As it was asked for it is found.
    let found = read(&daemon, &["search", "--target", "\u{202e}elif"]);
    assert!(found.contains(r#""target":"\u202eelif""#), "{found}");
    let table = read(&daemon, &["export", "--format", "csv"]);
    assert!(table.contains("'=cmd"), "{table}");
    assert!(!moves_a_cursor(&daemon.log()), "{:?}", daemon.log());
    let whole = verify(&daemon.path("data/audit.log"));
    assert!(whole.ok().starts_with("whole: "), "{whole}");
}

#[test]
fn no_secret_that_a_daemon_is_given_is_in_its_record_or_in_its_log() {
    const SECRET: &str = "hunter2";
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let create = json!({
        "Image": "busybox", "Cmd": ["echo", SECRET], "Env": [format!("TOKEN={SECRET}")], "Labels": {"token": SECRET},
        "Healthcheck": {"Test": ["CMD", "check", SECRET]},
    });
    let made = daemon.api(
        "POST",
        "/containers/create?name=vault",
        Some(&create.to_string()),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let exec = json!({ "Cmd": ["login", SECRET], "Env": [format!("TOKEN={SECRET}")] });
    daemon.api("POST", "/containers/vault/exec", Some(&exec.to_string()));
    daemon.api("POST", "/containers/vault/start", None);
    daemon.api("POST", "/containers/vault/wait", None);
    let login = json!({ "username": "u", "password": SECRET, "serveraddress": "127.0.0.1:1" });
    daemon.api("POST", "/auth", Some(&login.to_string()));
    let driver = json!({ "Name": "kept", "DriverOpts": {"o": format!("password={SECRET}")}, "Labels": {"token": SECRET} });
    daemon.api("POST", "/volumes/create", Some(&driver.to_string()));
    for target in [
        "/images/create?fromImage=127.0.0.1:1/private&tag=1",
        "/images/127.0.0.1:1/private/push?tag=1",
        "/build?buildargs=%7B%22TOKEN%22%3A%22hunter2%22%7D&labels=%7B%22a%22%3A%22hunter2%22%7D&remote=http%3A%2F%2Fu%3Ahunter2%40127.0.0.1%3A1%2Fx.tar",
        "/containers/json?filters=%7B%22label%22%3A%5B%22token%3Dhunter2%22%5D%7D",
        "/containers/vault/json?token=hunter2",
    ] {
        let method = if target.starts_with("/containers") {
            "GET"
        } else {
            "POST"
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nX-Registry-Auth: {SECRET}\r\nX-Registry-Config: {SECRET}\r\n\
             Authorization: Basic {SECRET}\r\nUser-Agent: {SECRET}\r\nX-Forwarded-For: {SECRET}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        raw(&daemon, request.as_bytes());
    }
    daemon.docker(&["rm", "-f", "vault"]).ok();
    daemon.stop();
    let record = fs::read_to_string(daemon.path("data/audit.log")).unwrap();
    for operation in [
        "ContainerCreate",
        "ContainerExec",
        "SystemAuth",
        "VolumeCreate",
        "ImageCreate",
        "ImagePush",
        "ImageBuild",
    ] {
        assert!(record.contains(operation), "{operation}: {record}");
    }
    assert!(!record.contains(SECRET), "{record}");
    let log = daemon.log();
    assert!(!log.contains(SECRET), "{log}");
    daemon.spawn();
}
