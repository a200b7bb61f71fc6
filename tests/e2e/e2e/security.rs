//! What a container cannot do by default, and what a hostile request cannot get.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use lockgate_testkit::{Daemon, DaemonOptions, binary, program, run};

#[test]
fn a_container_has_dockers_capabilities_and_a_filter() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let status = daemon.docker(&[
        "run",
        "--rm",
        "busybox",
        "grep",
        "-E",
        "Cap(Prm|Eff|Bnd|Amb)|Seccomp:|NoNewPrivs",
        "/proc/self/status",
    ]);
    let field = |name: &str| {
        status
            .ok()
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim().to_owned())
            .unwrap()
    };
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(field(set), "00000000a80425fb", "{set}");
    }
    assert_eq!(field("CapAmb:"), "0000000000000000");
    assert_eq!(field("Seccomp:"), "2");
    let none = daemon.docker(&[
        "run",
        "--rm",
        "--cap-drop",
        "ALL",
        "busybox",
        "grep",
        "CapEff",
        "/proc/self/status",
    ]);
    assert!(none.ok().ends_with("0000000000000000"), "{none}");
    let user = daemon.docker(&[
        "run",
        "--rm",
        "-u",
        "1000:1000",
        "busybox",
        "grep",
        "CapEff",
        "/proc/self/status",
    ]);
    assert!(user.ok().ends_with("0000000000000000"), "{user}");
    let nnp = daemon.docker(&[
        "run",
        "--rm",
        "--security-opt",
        "no-new-privileges",
        "busybox",
        "grep",
        "NoNewPrivs",
        "/proc/self/status",
    ]);
    assert!(nnp.ok().ends_with('1'), "{nnp}");
}

#[test]
fn sensitive_paths_are_masked_or_read_only() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "cat /proc/kcore 2>&1 | head -c 1; ls /sys/firmware | head -1; echo 1 > /proc/sys/kernel/hostname; echo b > /proc/sysrq-trigger; mount -t tmpfs x /mnt; echo $?";
    let ended = daemon.docker(&["run", "--rm", "busybox", "sh", "-c", script]);
    assert!(
        ended.ok().ends_with('1') || ended.ok().ends_with("255"),
        "mount must fail: {ended}"
    );
    assert!(ended.stderr.contains("Read-only file system"), "{ended}");
    let privileged = daemon.docker(&[
        "run",
        "--rm",
        "--privileged",
        "busybox",
        "sh",
        "-c",
        "mkdir /m; mount -t tmpfs x /m && echo mounted",
    ]);
    assert_eq!(privileged.ok(), "mounted");
}

#[test]
fn a_container_does_not_see_the_socket_or_other_processes() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let ended = daemon.docker(&[
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "ps | wc -l; ls /run /var/run 2>/dev/null | wc -l",
    ]);
    let lines: Vec<&str> = ended.ok().lines().collect();
    assert!(lines[0].trim().parse::<u32>().unwrap() <= 5, "{ended}");
}

#[test]
fn mount_targets_in_the_image_cannot_point_to_the_host() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let canary = daemon.path("canary");
    std::fs::create_dir(&canary).unwrap();
    let script = format!("ln -s {} /escape", canary.display());
    daemon
        .docker(&[
            "run",
            "--name",
            "evil",
            "-v",
            "vol:/keep",
            "busybox",
            "sh",
            "-c",
            &script,
        ])
        .ok();
    // The same root again, now with a mount whose target goes through the link.
    let body = r#"{"Image":"busybox","Cmd":["sh","-c","ln -s /proc /p; true"]}"#;
    daemon.api("POST", "/containers/create?name=other", Some(body));
    let ended = daemon.docker(&["run", "--rm", "-v", "vol:/escape/inner", "busybox", "true"]);
    assert_eq!(std::fs::read_dir(&canary).unwrap().count(), 0, "{ended}");
}

/// THREATS: CVE-2024-41110, framing, JSON differentials, paths.
#[test]
fn hostile_requests_are_refused_and_do_nothing() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let head = |extra: &str| {
        format!(
            "POST /v1.44/containers/create?name=evil HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{extra}\r\n"
        )
    };
    let body = r#"{"Image":"busybox"}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    for (name, request) in [
        (
            "length and chunks",
            format!(
                "{}{body}",
                head(&format!("{length}Transfer-Encoding: chunked\r\n"))
            ),
        ),
        (
            "two lengths",
            format!(
                "{}{body}",
                head("Content-Length: 5\r\nContent-Length: 19\r\n")
            ),
        ),
        (
            "folded header",
            format!("{}{body}", head(&format!("X-A: b\r\n c\r\n{length}"))),
        ),
        (
            "space before colon",
            format!("{}{body}", head("Content-Length : 19\r\n")),
        ),
        ("duplicate keys", {
            let body = r#"{"Image":"busybox","Image":"other"}"#;
            format!(
                "{}{body}",
                head(&format!("Content-Length: {}\r\n", body.len()))
            )
        }),
        ("case variants of a key", {
            let body = r#"{"Image":"busybox","HostConfig":{},"hostconfig":{"Privileged":true}}"#;
            format!(
                "{}{body}",
                head(&format!("Content-Length: {}\r\n", body.len()))
            )
        }),
        ("a second document", {
            let body = r#"{"Image":"busybox"}{"Image":"busybox"}"#;
            format!(
                "{}{body}",
                head(&format!("Content-Length: {}\r\n", body.len()))
            )
        }),
        (
            "bare chunk line feeds",
            format!(
                "{}5\n{{}}   \n0\n\n",
                head("Transfer-Encoding: chunked\r\n")
            ),
        ),
        (
            "http/2 prelude",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        ),
    ] {
        let answer = exchange(&daemon, request.as_bytes());
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse::<u16>().ok());
        assert!(
            status.is_none_or(|code| (400..500).contains(&code)),
            "{name}: {answer}"
        );
        assert_eq!(
            daemon.api("GET", "/containers/evil/json", None).status,
            404,
            "{name} made a container"
        );
    }
}

// T: nextcloud-aio#8458
#[test]
fn keys_in_another_case_mean_the_same_as_in_dockerd() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let body = r#"{"image":"busybox","hostconfig":{"PRIVILEGED":true}}"#;
    assert_eq!(
        daemon
            .api("POST", "/containers/create?name=cp", Some(body))
            .status,
        201
    );
    assert_eq!(daemon.inspect("cp", "{{.HostConfig.Privileged}}"), "true");
}

/// CVE-2025-9074: whatever listens on the bridge's own address, a container gets nothing from it.
#[test]
fn a_container_finds_no_api_without_a_certificate() {
    let pki = tempfile::tempdir().unwrap();
    let folder = pki.path().join("p");
    let mut quick = program(binary("lockgate"));
    quick.args([
        "ca",
        "quick",
        "--no-passphrase",
        "--client",
        "me",
        "--san",
        "127.0.0.1",
    ]);
    run(quick.arg(&folder), b"").ok();
    let file = |name: &str| folder.join("server").join(name);
    let daemon = Daemon::start_with(DaemonOptions {
        args: vec!["--host=tcp://0.0.0.0:2376".to_owned()],
        config: Some(
            serde_json::json!({ "tlsverify": true, "tlscacert": file("ca.pem"),
            "tlscert": file("cert.pem"), "tlskey": file("key.pem") }),
        ),
    });
    daemon.load_busybox();
    let script = "gateway=$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')
        for host in $gateway 127.0.0.1 192.168.65.7; do for port in 2375 2376 2377 2378; do
          printf 'GET /containers/json HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' | nc -w 2 $host $port | sed \"s/^/$host:$port /\"
        done; done; echo end of $gateway";
    let ended = daemon.docker(&["run", "--rm", "busybox", "sh", "-c", script]);
    let said = ended.ok();
    assert!(said.contains("end of 172."), "{ended}");
    // The TLS port says in plain text what it is, and no other port answers.
    assert!(said.contains(":2376 HTTP/1.1 400 Bad Request"), "{ended}");
    assert!(!said.contains(" 200 ") && !said.contains("[{"), "{ended}");
    let others = said
        .lines()
        .filter(|line| line.contains(":237") && !line.contains(":2376 "));
    assert_eq!(others.count(), 0, "{ended}");
}

fn exchange(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(daemon.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // The server may have answered and closed before everything was sent.
    drop(stream.write_all(request));
    drop(stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}
