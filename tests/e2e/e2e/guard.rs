//! Guard mode: our door before a stock dockerd, driven by the docker CLI as if nothing were there.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, NetNs, program, run};

/// A user id that nobody has.
const STRANGER: &str = "45678";

/// A stock dockerd and the door before it.
pub(crate) struct Guarded {
    pub(crate) door: Daemon,
    pub(crate) behind: Dockerd,
    policy: Option<tempfile::NamedTempFile>,
}

impl Guarded {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(args: &[&str]) -> Self {
        let behind = Dockerd::start_in(NetNs::new("lgg"), &["--bridge=none"]);
        let mut all = vec![format!("--guard=unix://{}", behind.socket().display())];
        all.extend(args.iter().map(ToString::to_string));
        let door = Daemon::start_with(DaemonOptions {
            args: all,
            config: None,
        });
        Self::of(door, behind)
    }

    pub(crate) fn of(door: Daemon, behind: Dockerd) -> Self {
        Self {
            door,
            behind,
            policy: None,
        }
    }

    /// A door at which a user without rights of their own has this role.
    fn for_stranger(role: &str) -> Self {
        let policy = tempfile::NamedTempFile::new().unwrap();
        let binding = format!("[[bindings]]\nroles = [\"{role}\"]\nuid = {STRANGER}\n");
        std::fs::write(&policy, binding).unwrap();
        let mut guarded = Self::start_with(&[&format!("--policy={}", policy.path().display())]);
        guarded.policy = Some(policy);
        let everybody = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(guarded.door.socket(), everybody).unwrap();
        guarded
    }

    /// The answer to that user, and its status behind a blank.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut curl = program("setpriv");
        curl.args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"]);
        curl.args(["curl", "--silent", "--write-out", " %{http_code}"]);
        if method == "HEAD" {
            curl.args(["--head", "--unix-socket"]);
        } else {
            curl.args(["--request", method, "--unix-socket"]);
        }
        curl.arg(self.door.socket());
        run(curl.arg(format!("http://docker{path}")), b"")
            .ok()
            .to_owned()
    }

    pub(crate) fn with_busybox() -> Self {
        let guarded = Self::start();
        guarded.door.load_busybox();
        guarded
    }

    /// The docker CLI through the door.
    pub(crate) fn docker(&self, args: &[&str]) -> lockgate_testkit::Ended {
        self.door.docker(args)
    }

    pub(crate) fn sleeper(&self, name: &str, more: &[&str]) {
        let mut args = vec!["run", "--detach", "--network=none", "--name", name];
        args.extend(more);
        args.extend(["busybox", "sleep", "1000"]);
        self.docker(&args).ok();
    }
}

#[test]
fn the_docker_cli_works_through_the_door() {
    let guarded = Guarded::with_busybox();
    let version = guarded.docker(&["version", "--format", "{{.Server.Version}}"]);
    assert!(version.ok().starts_with("20.10"), "{version}");
    let ran = guarded.docker(&[
        "run",
        "--rm",
        "--network=none",
        "busybox",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ]);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(ran.status.code(), Some(7));
    guarded.sleeper("kk", &["--env", "A=b"]);
    assert_eq!(
        guarded.docker(&["exec", "kk", "sh", "-c", "echo $A"]).ok(),
        "b"
    );
    assert_eq!(
        guarded
            .docker(&["ps", "--format", "{{.Names}}", "--filter", "name=k"])
            .ok(),
        "kk"
    );
    guarded.docker(&["rm", "--force", "kk"]).ok();
}

#[test]
fn input_output_and_their_ends_pass_both_ways() {
    let guarded = Guarded::with_busybox();
    let mut cat = guarded.door.docker_command();
    cat.args([
        "run",
        "--rm",
        "--interactive",
        "--network=none",
        "busybox",
        "sh",
        "-c",
        "cat; echo end",
    ]);
    // More than any buffer on the way holds.
    let much = "0123456789abcdef\n".repeat(100_000);
    let ended = run(&mut cat, much.as_bytes());
    assert_eq!(ended.ok(), format!("{much}end"));

    guarded.sleeper("kk", &[]);
    let mut cat = guarded.door.docker_command();
    cat.args(["exec", "--interactive", "kk", "sh", "-c", "cat; echo end"]);
    assert_eq!(run(&mut cat, b"a\nb\n").ok(), "a\nb\nend");
    guarded.docker(&["rm", "--force", "kk"]).ok();
}

#[test]
fn logs_and_events_flow_while_they_happen() {
    let guarded = Guarded::with_busybox();
    let mut events = guarded.door.docker_command();
    events.args([
        "events",
        "--format",
        "{{.Action}}",
        "--filter",
        "container=tt",
    ]);
    let mut events = Follower::start(events);
    guarded
        .docker(&[
            "run",
            "--detach",
            "--network=none",
            "--name",
            "tt",
            "busybox",
            "sh",
            "-c",
            "echo one; read x; echo two",
        ])
        .ok();
    events.until("start");
    let mut logs = guarded.door.docker_command();
    logs.args(["logs", "--follow", "tt"]);
    let mut logs = Follower::start(logs);
    logs.until("one");
    guarded.docker(&["rm", "--force", "tt"]).ok();
    events.until("destroy");
}

#[test]
fn images_and_files_go_through_whole() {
    let guarded = Guarded::with_busybox();
    let dir = tempfile::tempdir().unwrap();
    let saved = dir.path().join("busybox.tar");
    guarded
        .docker(&["save", "--output", saved.to_str().unwrap(), "busybox"])
        .ok();
    guarded.docker(&["rmi", "busybox"]).ok();
    guarded
        .docker(&["load", "--input", saved.to_str().unwrap()])
        .ok();

    std::fs::write(
        dir.path().join("Dockerfile"),
        "FROM busybox\nCOPY text /text\nLABEL a=b\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("text"), "copied").unwrap();
    let mut build = guarded.door.docker_command();
    build
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "--tag", "made"])
        .arg(dir.path());
    run(&mut build, b"").ok();
    guarded.docker(&["create", "--name", "cc", "made"]).ok();
    let target = dir.path().join("back");
    guarded
        .docker(&["cp", "cc:/text", target.to_str().unwrap()])
        .ok();
    assert_eq!(std::fs::read_to_string(target).unwrap(), "copied");
    guarded.docker(&["rm", "cc"]).ok();
}

#[test]
fn a_container_is_entered_by_who_has_its_power() {
    let guarded = Guarded::for_stranger("operator");
    guarded.door.load_busybox();
    guarded.sleeper("kk", &[]);
    for (name, power) in [("strong", "--privileged"), ("bound", "--volume=/etc:/x:ro")] {
        guarded
            .docker(&["create", power, "--name", name, "busybox"])
            .ok();
    }
    for (method, path, plain, strong) in [
        ("GET", "json", 200, 200),
        ("HEAD", "archive?path=/", 200, 403),
        ("GET", "changes", 200, 403),
    ] {
        for (name, status) in [("kk", plain), ("strong", strong), ("bound", strong)] {
            let answer = guarded.ask(method, &format!("/containers/{name}/{path}"));
            assert!(
                answer.ends_with(&format!(" {status}")),
                "{method} {name} {path}: {answer}"
            );
        }
    }
    guarded
        .docker(&["rm", "--force", "kk", "strong", "bound"])
        .ok();
}

#[test]
fn a_policy_holds_before_a_stock_daemon() {
    let guarded = Guarded::for_stranger("viewer");
    let ask = |method: &str, path: &str| guarded.ask(method, path);
    assert!(ask("GET", "/containers/json").ends_with("[]\n 200"));
    for (method, path) in [
        ("POST", "/containers/create"),
        ("DELETE", "/images/busybox"),
        ("POST", "/build"),
        ("POST", "/grpc"),
        ("POST", "/session"),
    ] {
        let answer = ask(method, path);
        assert!(answer.ends_with(" 403"), "{method} {path}: {answer}");
    }
    let log = std::fs::read_to_string(guarded.door.path("data/audit.log")).unwrap();
    assert!(
        log.contains("ImageDelete") && log.contains(STRANGER),
        "{log}"
    );
}

#[test]
fn the_builders_own_protocol_is_spoken_with_the_daemon() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let guarded = Guarded::start();
    let mut stream = UnixStream::connect(guarded.door.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
        .write_all(
            b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        )
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: h2c"),
        "{head}"
    );
    stream.write_all(PREFACE).unwrap();
    // A server's first frame is SETTINGS (RFC 9113, section 3.4): type 4 after three bytes of length.
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "{frame:?}");
}

// T: grpc-over-h2c
#[test]
fn http_2_is_refused_everywhere_else() {
    let guarded = Guarded::start();
    for request in [
        "GET /containers/json HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        "POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n\r\n",
        "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = UnixStream::connect(guarded.door.socket()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{request}\n{answer}");
    }
}

#[test]
fn unknown_paths_and_ambiguous_bodies_never_reach_the_daemon() {
    let guarded = Guarded::start();
    let before = guarded.behind.log().len();
    for target in [
        "/libpod/containers/json",
        "/v1.41/../../grpc",
        "/containers/json/../../v1.41/nothing",
        "/moby.buildkit.v1.Control/Solve",
    ] {
        let answer = guarded.door.api("POST", target, None);
        assert!(
            (300..500).contains(&answer.status),
            "{target}: {}",
            answer.status
        );
    }
    let twice =
        r#"{"Image":"busybox","HostConfig":{"Privileged":false},"HostConfig":{"Privileged":true}}"#;
    let answer = guarded.door.api("POST", "/containers/create", Some(twice));
    assert_eq!(answer.status, 400, "{}", answer.text());
    let added = guarded.behind.log();
    assert!(
        !added.get(before..).unwrap_or_default().contains("libpod"),
        "{added}"
    );
}

// T: CVE-2026-41567
#[test]
fn cve_2026_41567_compressed_archives_are_refused() {
    let guarded = Guarded::with_busybox();
    guarded.docker(&["create", "--name", "cc", "busybox"]).ok();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    let put = |pack: &str| {
        let script = format!(
            "tar -C {} -c file | {pack} | docker cp - cc:/",
            dir.path().display()
        );
        let mut shell = program("sh");
        shell.args(["-c", &script]);
        shell.env(
            "DOCKER_HOST",
            format!("unix://{}", guarded.door.socket().display()),
        );
        run(&mut shell, b"")
    };
    put("cat").ok();
    for pack in ["xz", "bzip2", "zstd"] {
        assert!(put(pack).stderr.contains("CVE-2026-41567"), "{pack}");
    }
    let refused = put("gzip");
    assert!(!refused.status.success(), "{refused}");
    assert!(refused.stderr.contains("CVE-2026-41567"), "{refused}");
    guarded.docker(&["rm", "cc"]).ok();
}

// T: CVE-2026-42306, CVE-2026-41568
#[test]
fn cve_2026_42306_no_copying_while_mount_points_can_move() {
    let guarded = Guarded::with_busybox();
    guarded.sleeper("kk", &["--volume", "/vol"]);
    guarded.sleeper("plain", &[]);
    let copy = |name: &str| guarded.docker(&["cp", &format!("{name}:/bin/busybox"), "-"]);
    copy("plain").ok();
    let refused = copy("kk");
    assert!(refused.stderr.contains("CVE-2026-4"), "{refused}");
    guarded.docker(&["pause", "kk"]).ok();
    copy("kk").ok();
    guarded.docker(&["unpause", "kk"]).ok();
    guarded
        .docker(&["rm", "--force", "--volumes", "kk", "plain"])
        .ok();
}

#[test]
fn a_daemon_that_is_away_is_a_clear_502_and_comes_back() {
    let Guarded { door, behind, .. } = Guarded::start();
    let socket = behind.socket();
    let parked = socket.with_extension("parked");
    door.docker(&["ps"]).ok();
    std::fs::rename(&socket, &parked).unwrap();
    // What is kept open still works; a door without connections has to knock anew.
    let fresh = Daemon::start_with(DaemonOptions {
        args: vec![format!("--guard=unix://{}", socket.display())],
        config: None,
    });
    let answer = fresh.api("GET", "/containers/json", None);
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(
        answer.text().contains("cannot be reached"),
        "{}",
        answer.text()
    );
    std::fs::rename(&parked, &socket).unwrap();
    assert_eq!(fresh.api("GET", "/containers/json", None).status, 200);
}

/// A command whose output is read as it comes.
pub(crate) struct Follower {
    pub(crate) child: std::process::Child,
    seen: String,
}

impl Follower {
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            seen: String::new(),
        }
    }

    /// Reads on until a line says this.
    pub(crate) fn until(&mut self, word: &str) {
        self.until_line(|line| line == word);
    }

    /// Reads on until there is such a line.
    pub(crate) fn until_line(&mut self, is_it: impl Fn(&str) -> bool) {
        let output = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.seen.lines().any(&is_it) || !self.seen.ends_with('\n') {
            let count = output.read(&mut byte).unwrap();
            assert!(count > 0, "the output ended: {:?}", self.seen);
            self.seen.push(char::from(byte[0]));
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
