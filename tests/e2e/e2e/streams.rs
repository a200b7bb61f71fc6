//! Attach, exec and logs: bytes, ends of files and exit codes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use lockgate_testkit::{Daemon, eventually, run};

#[test]
fn input_reaches_the_container_and_its_end_too() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let ended = run(
        daemon
            .docker_command()
            .args(["run", "--rm", "-i", "busybox", "cat"]),
        b"hello\n",
    );
    assert_eq!(ended.ok(), "hello");
    let big: Vec<u8> = (0..3_000_000_u32)
        .map(|n| b'a' + u8::try_from(n % 26).unwrap())
        .collect();
    let ended = run(
        daemon
            .docker_command()
            .args(["run", "--rm", "-i", "busybox", "cat"]),
        &big,
    );
    assert_eq!(ended.stdout.len(), big.len());
    assert!(ended.stdout.as_bytes() == big, "the bytes differ");
}

#[test]
fn keeps_output_and_error_apart() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let ended = daemon.docker(&[
        "run",
        "--name",
        "cx",
        "busybox",
        "sh",
        "-c",
        "echo out; echo err >&2",
    ]);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("out\n", "err\n")
    );
    let logs = daemon.docker(&["logs", "cx"]);
    assert_eq!(
        (logs.stdout.as_str(), logs.stderr.as_str()),
        ("out\n", "err\n")
    );
}

#[test]
fn executes_in_a_running_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&[
            "run", "-d", "--name", "cc", "-e", "A=1", "busybox", "sleep", "60",
        ])
        .ok();
    assert_eq!(
        daemon.docker(&["exec", "cc", "sh", "-c", "echo $A"]).ok(),
        "1"
    );
    assert_eq!(
        daemon.docker(&["exec", "cc", "sh", "-c", "exit 4"]).code(),
        4
    );
    let env = daemon.docker(&[
        "exec",
        "-e",
        "B=2",
        "-w",
        "/tmp",
        "-u",
        "user",
        "cc",
        "sh",
        "-c",
        "echo $B; pwd; id -u",
    ]);
    assert_eq!(env.ok(), "2\n/tmp\n1000");
    // dockerd tells it in the stream, where the output would be.
    let unknown = daemon.docker(&["exec", "cc", "nope"]);
    assert_eq!(unknown.code(), 127, "{unknown}");
    assert!(
        unknown
            .stdout
            .contains("exec: \"nope\": executable file not found in $PATH"),
        "{unknown}"
    );
    let echoed = run(
        daemon.docker_command().args(["exec", "-i", "cc", "cat"]),
        b"through stdin",
    );
    assert_eq!(echoed.ok(), "through stdin");
    daemon
        .docker(&["exec", "-d", "cc", "touch", "/tmp/made"])
        .ok();
    eventually("the detached exec", || {
        daemon
            .docker(&["exec", "cc", "ls", "/tmp/made"])
            .status
            .success()
            .then_some(())
    });
    let missing = daemon.docker(&["exec", "nope", "true"]);
    missing.failed_with(1, "No such container: nope");
}

#[test]
fn a_terminal_is_a_terminal() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let ended = daemon.docker(&["run", "--rm", "-t", "busybox", "sh", "-c", "tty; echo x"]);
    assert_eq!(ended.stdout, "/dev/pts/0\r\nx\r\n");
    daemon
        .docker(&["run", "-dt", "--name", "ct", "busybox", "sleep", "60"])
        .ok();
    assert_eq!(
        daemon
            .docker(&["exec", "-t", "ct", "sh", "-c", "test -t 0 && echo yes"])
            .stdout,
        "yes\r\n"
    );
    assert_eq!(
        daemon
            .api("POST", "/containers/ct/resize?h=33&w=77", None)
            .status,
        200
    );
    let size = daemon.docker(&["exec", "ct", "sh", "-c", "stty size < /dev/pts/0"]);
    assert_eq!(size.ok(), "33 77");
}

#[test]
fn follows_logs_until_the_container_ends() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "for i in 1 2 3; do echo line $i; sleep 0.2; done";
    daemon
        .docker(&["run", "-d", "--name", "cf", "busybox", "sh", "-c", script])
        .ok();
    let followed = daemon.docker(&["logs", "-f", "cf"]);
    assert_eq!(followed.ok(), "line 1\nline 2\nline 3");
    assert_eq!(daemon.docker(&["logs", "--tail", "1", "cf"]).ok(), "line 3");
    let stamped = daemon.docker(&["logs", "-t", "--tail", "1", "cf"]);
    let (time, text) = stamped.ok().split_once(' ').unwrap();
    assert!(
        time.ends_with('Z') && time.len() == 30 && text == "line 3",
        "{stamped}"
    );
    let since = daemon.docker(&["logs", "--since", time, "cf"]);
    assert_eq!(since.ok(), "line 3");
    assert_eq!(
        daemon
            .docker(&["logs", "--until", "2001-01-01T00:00:00Z", "cf"])
            .ok(),
        ""
    );
}

#[test]
fn follows_a_container_that_talks_while_we_listen() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "cf", "-i", "busybox", "cat"])
        .ok();
    let mut follower = daemon
        .docker_command()
        .args(["logs", "-f", "cf"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut writer = daemon
        .docker_command()
        .args(["attach", "cf"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    for text in ["first", "second"] {
        writeln!(input, "{text}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), text);
    }
    daemon.docker(&["kill", "cf"]).ok();
    assert!(
        lines.next().is_none(),
        "the follower ends with the container"
    );
    drop(input);
    follower.wait().unwrap();
    writer.wait().unwrap();
}

#[test]
fn rotates_log_files() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "run",
        "--name",
        "cr",
        "--log-opt",
        "max-size=10k",
        "--log-opt",
        "max-file=3",
        "busybox",
    ];
    daemon
        .docker(&[&flags[..], &["sh", "-c", "seq 1 1000"]].concat())
        .ok();
    let path = daemon.inspect("cr", "{{.LogPath}}");
    for suffix in ["", ".1", ".2"] {
        let size = std::fs::metadata(format!("{path}{suffix}")).unwrap().len();
        assert!(size <= 12_000, "{path}{suffix} has {size} bytes");
    }
    assert!(!std::path::Path::new(&format!("{path}.3")).exists());
    let kept = daemon.docker(&["logs", "cr"]).ok().to_owned();
    assert!(kept.ends_with("\n999\n1000"), "{kept}");
    assert_eq!(
        daemon
            .docker(&["logs", "--tail", "100", "cr"])
            .ok()
            .lines()
            .count(),
        100
    );
}

#[test]
fn a_client_without_upgrade_gets_a_raw_stream() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "cc", "busybox", "sleep", "60"])
        .ok();
    let created = daemon.api(
        "POST",
        "/containers/cc/exec",
        Some(r#"{"Cmd":["echo","hi"],"AttachStdout":true}"#),
    );
    let id = created.json()["Id"].as_str().unwrap().to_owned();
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let body = r#"{"Detach":false,"Tty":false}"#;
    write!(
        stream,
        "POST /exec/{id}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("application/vnd.docker.raw-stream"), "{text}");
    assert!(answer.ends_with(b"\x01\0\0\0\0\0\0\x03hi\n"), "{text}");
    assert_eq!(
        daemon.api("GET", &format!("/exec/{id}/json"), None).json()["ExitCode"],
        0
    );
}

#[test]
fn an_upgraded_stream_keeps_its_other_half_open() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let body = r#"{"Image":"busybox","Cmd":["sh","-c","cat; echo after the end"],"OpenStdin":true,"StdinOnce":true,"AttachStdin":true}"#;
    daemon.api("POST", "/containers/create?name=ch", Some(body));
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let head = "POST /v1.50/containers/ch/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"early ").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 101");
    assert_eq!(daemon.api("POST", "/containers/ch/start", None).status, 204);
    stream.write_all(b"bytes\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let text = String::from_utf8_lossy(&rest);
    assert!(
        text.contains("application/vnd.docker.multiplexed-stream"),
        "{text}"
    );
    let body = text.split_once("\r\n\r\n").unwrap().1;
    // Frame heads are eight bytes, none of them printable for frames this small.
    let plain: String = body
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect();
    assert!(
        plain.contains("early bytes\n") && plain.ends_with("after the end\n"),
        "{plain}"
    );
}
