//! Log drivers: what is kept, what is shipped, and what a bad target may cost.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_testkit::{Daemon, DaemonOptions, eventually, run};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// Opens a socket in the daemon's network namespace.
fn within<T: Send + 'static>(daemon: &Daemon, open: impl FnOnce() -> T + Send + 'static) -> T {
    let namespace = fs::File::open(format!("/run/netns/{}", daemon.netns().name())).unwrap();
    let entered = thread::spawn(move || {
        let kind = rustix::thread::LinkNameSpaceType::Network;
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(kind))
            .unwrap();
        open()
    });
    entered.join().unwrap()
}

fn logged(daemon: &Daemon, name: &str, driver: &str, options: &[&str], script: &str) {
    let mut args = vec![
        "run",
        "--network",
        "none",
        "--name",
        name,
        "--log-driver",
        driver,
    ];
    for option in options {
        args.extend(["--log-opt", option]);
    }
    args.extend(["busybox", "sh", "-c", script]);
    daemon.docker(&args).ok();
}

fn numbers(range: std::ops::Range<u32>) -> String {
    range.map(|n| n.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn rotated_and_compressed_logs_are_read_back_in_order() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let count = "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done";
    let rotation = ["max-size=40k", "max-file=20", "compress=true"];
    for driver in ["json-file", "local"] {
        logged(&daemon, driver, driver, &rotation, count);
        let id = daemon.inspect(driver, "{{.Id}}");
        let base = daemon.path(&format!("data/containers/{id}"));
        let base = if driver == "local" {
            base.join("local-logs")
        } else {
            base
        };
        let packed = || {
            let names = fs::read_dir(&base)
                .unwrap()
                .map(|e| e.unwrap().file_name().into_string().unwrap());
            let names: Vec<String> = names.collect();
            names.iter().filter(|name| name.contains(".gz")).count()
        };
        eventually("rotated files are compressed", || {
            (packed() >= 3).then_some(())
        });
        assert_eq!(
            daemon.docker(&["logs", driver]).ok(),
            numbers(0..3000),
            "{driver}"
        );
        assert_eq!(
            daemon.docker(&["logs", "--tail", "1500", driver]).ok(),
            numbers(1500..3000)
        );
    }
    let args = ["max-size=20k", "max-file=2"];
    logged(&daemon, "few", "json-file", &args, count);
    let kept = daemon.docker(&["logs", "few"]).ok().to_owned();
    assert!(numbers(0..3000).ends_with(&kept) && !kept.starts_with("0\n"));
}

#[test]
fn json_lines_carry_labels_variables_and_the_tag() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let args = [
        "run",
        "--network",
        "none",
        "--name",
        "j1",
        "--label",
        "a=1",
        "--label",
        "team.x=2",
        "-e",
        "V=3",
        "-e",
        "HIDE=4",
        "--log-opt",
        "labels=a,none",
        "--log-opt",
        "labels-regex=^team",
        "--log-opt",
        "env=V",
        "--log-opt",
        "tag={{.ImageName}}/{{.Name}}/{{.ID}}",
        "busybox",
        "echo",
        "hi",
    ];
    daemon.docker(&args).ok();
    let id = daemon.inspect("j1", "{{.Id}}");
    let line = fs::read_to_string(daemon.inspect("j1", "{{.LogPath}}")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
    let tag = format!("busybox/j1/{}", &id[..12]);
    assert_eq!(
        line["attrs"],
        json!({"a": "1", "team.x": "2", "V": "3", "tag": tag})
    );
    let refused = daemon.docker(&["run", "--log-opt", "tag={{.Nope}}", "busybox", "true"]);
    refused.failed_with(125, "failed to initialize logging driver: template: log-tag:1:2: executing \"log-tag\" at <.Nope>: can't evaluate field Nope in type *logger.Info");
    let refused = daemon.docker(&["run", "--log-opt", "x=y", "busybox", "true"]);
    refused.failed_with(125, "unknown log opt 'x' for json-file log driver");
}

fn lines_of(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next(lines: &Receiver<String>) -> String {
    lines.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn syslog_goes_over_udp_tcp_and_unix_sockets_in_all_formats() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let udp = within(&daemon, || UdpSocket::bind("127.0.0.1:5514").unwrap());
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    let script = "echo out; echo err >&2";
    for (format, out) in [("", 2), ("rfc3164", 2), ("rfc5424", 1), ("rfc5424micro", 1)] {
        let name = format!("syslog{format}");
        let format_option = format!("syslog-format={format}");
        let options = [
            "syslog-address=udp://127.0.0.1:5514",
            "syslog-facility=local0",
            "tag=T",
            &format_option,
        ];
        logged(&daemon, &name, "syslog", &options, script);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut buffer = [0; 2048];
            let length = udp.recv(&mut buffer).unwrap();
            seen.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        seen.sort();
        // local0 is 16: 131 is an error, 134 information.
        assert!(
            seen[0].starts_with("<131>") && seen[0].ends_with("err\n"),
            "{seen:?}"
        );
        assert!(
            seen[1].starts_with("<134>") && seen[1].ends_with("out\n"),
            "{seen:?}"
        );
        assert_eq!(
            seen[1].matches("T[").count() + seen[1].matches(" T ").count(),
            if out == 1 { 2 } else { 1 },
            "{seen:?}"
        );
        // The copy on this host is what `docker logs` reads.
        assert_eq!(daemon.docker(&["logs", &name]).stdout, "out\n");
    }
    let tcp = within(&daemon, || TcpListener::bind("127.0.0.1:5515").unwrap());
    logged_in_background(&daemon, "tcp", "syslog-address=tcp://127.0.0.1:5515");
    let lines = lines_of(tcp.accept().unwrap().0);
    assert!(next(&lines).ends_with(": hello"));
    for (kind, place) in [
        ("unix", daemon.path("stream.sock")),
        ("unixgram", daemon.path("datagram.sock")),
    ] {
        let option = format!("syslog-address={kind}://{}", place.display());
        let line = if kind == "unix" {
            let listener = UnixListener::bind(&place).unwrap();
            logged_in_background(&daemon, kind, &option);
            next(&lines_of(listener.accept().unwrap().0))
        } else {
            let socket = UnixDatagram::bind(&place).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            logged_in_background(&daemon, kind, &option);
            let mut buffer = [0; 2048];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length])
                .trim_end()
                .to_owned()
        };
        assert!(
            line.starts_with("<30>") && line.ends_with(": hello"),
            "{line}"
        );
    }
    let refused = daemon.docker(&[
        "run",
        "--log-driver",
        "syslog",
        "--log-opt",
        "syslog-address=tcp://127.0.0.1:1",
        "busybox",
        "true",
    ]);
    refused.failed_with(125, "failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused");
}

/// Starts a container that says `hello` and stays.
fn logged_in_background(daemon: &Daemon, name: &str, option: &str) {
    let args = [
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        name,
        "--log-driver",
        "syslog",
        "--log-opt",
        option,
        "busybox",
        "sh",
        "-c",
        "echo hello; exec sleep 600",
    ];
    daemon.docker(&args).ok();
}

/// Ended when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An authority with a server's certificate for this host and a client's.
fn make_authority(daemon: &Daemon, directory: &Path, client: &str) {
    let mut ca = daemon.lockgate_command();
    ca.args(["ca", "quick"]).arg(directory);
    ca.args(["--client", client, "--san", "127.0.0.1"]);
    ca.env("LOCKGATE_CA_PASSPHRASE", "correct horse");
    run(&mut ca, b"").ok();
}

#[test]
fn syslog_over_tls_believes_only_the_authority_it_was_given() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let dir = daemon.path("tls");
    fs::create_dir(&dir).unwrap();
    let pki = dir.join("pki");
    make_authority(&daemon, &pki, "logs");
    let file = |name: &str| pki.join(name).to_string_lossy().into_owned();
    let mut command = daemon.netns().command("openssl");
    command.args([
        "s_server",
        "-accept",
        "127.0.0.1:6514",
        "-quiet",
        "-cert",
        &file("server/cert.pem"),
        "-key",
        &file("server/key.pem"),
        "-CAfile",
        &file("server/ca.pem"),
        "-Verify",
        "1",
    ]);
    let mut server = Server(
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let lines = lines_of(server.0.stdout.take().unwrap());
    eventually("the server listens", || {
        within(&daemon, || {
            std::net::TcpStream::connect("127.0.0.1:6514").ok()
        })
    });
    let options = |ca: String| {
        vec![
            "syslog-address=tcp+tls://127.0.0.1:6514".to_owned(),
            "syslog-format=rfc5424".to_owned(),
            format!("syslog-tls-ca-cert={ca}"),
            format!("syslog-tls-cert={}", file("client-logs/cert.pem")),
            format!("syslog-tls-key={}", file("client-logs/key.pem")),
        ]
    };
    let good = options(file("server/ca.pem"));
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    logged(&daemon, "tls", "syslog", &good, "echo secret message");
    let line = next(&lines);
    let (length, rest) = line.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), rest.len() + 1, "{line}");
    assert!(
        rest.starts_with("<30>1 ") && rest.ends_with("- secret message"),
        "{line}"
    );
    // Another authority: the server is a stranger.
    let other = dir.join("other");
    make_authority(&daemon, &other, "x");
    let bad = options(other.join("server/ca.pem").to_string_lossy().into_owned());
    let mut args = vec!["run", "--network", "none", "--log-driver", "syslog"];
    for option in &bad {
        args.extend(["--log-opt", option]);
    }
    args.extend(["busybox", "true"]);
    daemon
        .docker(&args)
        .failed_with(125, "failed to initialize logging driver");
}

/// A target that takes nothing: the container goes on all the same, and what waited comes when it is read at last.
#[test]
fn fluentd_that_hangs_holds_no_container_up_if_it_is_asynchronous() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let path = daemon.path("fluentd.sock");
    let fluentd = UnixListener::bind(&path).unwrap();
    let address = format!("fluentd-address=unix://{}", path.display());
    // More than pipes and sockets hold.
    let script = "yes 0123456789012345678901234567890123456789 | head -n 100000; echo the end";
    let mut args = vec!["run", "--name", "fl", "--log-driver", "fluentd"];
    args.extend(["--log-opt", &address, "--log-opt", "fluentd-async=true"]);
    args.extend(["--log-opt", "fluentd-buffer-limit=200000"]);
    args.extend(["-d", "busybox", "sh", "-c", script]);
    daemon.docker(&args).ok();
    let (mut stream, _) = fluentd.accept().unwrap();
    assert_eq!(daemon.docker(&["wait", "fl"]).ok(), "0");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(has(b"\xa7the end"), "{} bytes", bytes.len());
}

#[test]
fn fluentd_and_gelf_get_the_record_with_its_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let path = daemon.path("fluentd.sock");
    let fluentd = UnixListener::bind(&path).unwrap();
    let address = format!("fluentd-address=unix://{}", path.display());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        fluentd.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        sender.send(bytes).unwrap();
    });
    logged(
        &daemon,
        "fl",
        "fluentd",
        &[&address, "tag=app.{{.Name}}"],
        "echo to fluentd",
    );
    let bytes = receiver.recv_timeout(PATIENCE).unwrap();
    let id = daemon.inspect("fl", "{{.Id}}");
    // [tag, int64, {container_id, container_name, source, log}, {}]
    let mut expected = b"\x94\xa6app.fl\xd3".to_vec();
    let start = expected.len() + 8;
    assert_eq!(bytes[..start - 8], expected[..]);
    expected = [
        b"\x84\xaccontainer_id\xd9\x40",
        id.as_bytes(),
        b"\xaecontainer_name\xa3/fl\xa6source\xa6stdout\xa3log\xaato fluentd\x80",
    ]
    .concat();
    assert_eq!(
        bytes[start..],
        expected[..],
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    let udp = within(&daemon, || UdpSocket::bind("127.0.0.1:12201").unwrap());
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    logged(
        &daemon,
        "ge",
        "gelf",
        &[
            "gelf-address=udp://127.0.0.1:12201",
            "gelf-compression-type=none",
            "env=PATH",
        ],
        "echo to gelf >&2",
    );
    let mut buffer = [0; 4096];
    let length = udp.recv(&mut buffer).unwrap();
    let message: serde_json::Value = serde_json::from_slice(&buffer[..length]).unwrap();
    for (key, value) in [
        ("version", json!("1.1")),
        ("short_message", json!("to gelf")),
        ("level", json!(3)),
        ("_container_name", json!("ge")),
        ("_image_name", json!("busybox")),
    ] {
        assert_eq!(message[key], value, "{message}");
    }
    assert!(
        message["_PATH"].is_string() && message["timestamp"].as_f64().unwrap() > 1e9,
        "{message}"
    );
    let tcp = within(&daemon, || TcpListener::bind("127.0.0.1:12202").unwrap());
    let answer = thread::spawn(move || {
        let mut bytes = Vec::new();
        tcp.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    logged(
        &daemon,
        "gt",
        "gelf",
        &["gelf-address=tcp://127.0.0.1:12202"],
        "echo over tcp",
    );
    let bytes = answer.join().unwrap();
    assert_eq!(bytes.last(), Some(&0));
    assert!(String::from_utf8_lossy(&bytes).contains("over tcp"));
}

#[test]
fn a_target_that_reads_nothing_holds_up_its_container_alone() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let dead = within(&daemon, || TcpListener::bind("127.0.0.1:5516").unwrap());
    let address = "syslog-address=tcp://127.0.0.1:5516";
    let script = "yes 0123456789012345678901234567890123456789 | head -c 30000000; echo done > /done; exec sleep 600";
    for (name, mode) in [("waits", "mode=blocking"), ("drops", "mode=non-blocking")] {
        let args = [
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            name,
            "--log-driver",
            "syslog",
            "--log-opt",
            address,
            "--log-opt",
            mode,
            "--log-opt",
            "cache-disabled=true",
            "busybox",
            "sh",
            "-c",
            script,
        ];
        daemon.docker(&args).ok();
    }
    let _silent = [dead.accept().unwrap(), dead.accept().unwrap()];
    eventually("the one that drops has written everything", || {
        daemon
            .docker(&["exec", "drops", "cat", "/done"])
            .status
            .success()
            .then_some(())
    });
    assert!(
        !daemon
            .docker(&["exec", "waits", "cat", "/done"])
            .status
            .success()
    );
    let begin = Instant::now();
    daemon
        .docker(&["run", "--rm", "--network", "none", "busybox", "true"])
        .ok();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "others are held up"
    );
    daemon
        .docker(&["logs", "waits"])
        .failed_with(1, "configured logging driver does not support reading");
    daemon.docker(&["rm", "-f", "waits", "drops"]).ok();
    // What ships gives up ten seconds after its container, target or not.
    eventually("no shipper is left", || {
        let left = lockgate_testkit::program("pgrep")
            .args(["-f", "lockgate-log ship"])
            .output()
            .unwrap();
        let ours = String::from_utf8_lossy(&left.stdout)
            .lines()
            .any(|pid| is_in(pid, &daemon));
        (!ours).then_some(())
    });
}

/// Whether a process lives in the daemon's network namespace.
fn is_in(pid: &str, daemon: &Daemon) -> bool {
    let inode = |path: String| {
        fs::metadata(path)
            .ok()
            .map(|m| std::os::unix::fs::MetadataExt::ino(&m))
    };
    let theirs = inode(format!("/proc/{pid}/ns/net"));
    theirs.is_some() && theirs == inode(format!("/run/netns/{}", daemon.netns().name()))
}

#[test]
fn the_daemons_driver_and_options_are_those_of_containers_that_say_nothing() {
    let options = DaemonOptions {
        config: Some(json!({ "log-driver": "local", "log-opts": { "max-size": "1m" } })),
        ..DaemonOptions::default()
    };
    let daemon = Daemon::start_with(options);
    daemon.load_busybox();
    daemon
        .docker(&[
            "run",
            "--network",
            "none",
            "--name",
            "d1",
            "busybox",
            "echo",
            "kept",
        ])
        .ok();
    assert_eq!(
        daemon.inspect("d1", "{{json .HostConfig.LogConfig}}"),
        r#"{"Type":"local","Config":{"max-size":"1m"}}"#
    );
    assert_eq!(daemon.docker(&["logs", "d1"]).ok(), "kept");
    daemon
        .docker(&[
            "run",
            "--network",
            "none",
            "--name",
            "d2",
            "--log-driver",
            "none",
            "busybox",
            "echo",
            "lost",
        ])
        .ok();
    assert_eq!(
        daemon.inspect("d2", "{{json .HostConfig.LogConfig}}"),
        r#"{"Type":"none","Config":{}}"#
    );
    daemon
        .docker(&["logs", "d2"])
        .failed_with(1, "configured logging driver does not support reading");
}
