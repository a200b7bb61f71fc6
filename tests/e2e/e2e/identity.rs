//! The three-node lab by invitation alone: `node2` is the authority, `node3` the daemon, `node1` the
//! client. No file is copied by hand, no private key crosses the wire, and whoever is revoked is out
//! within a second.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use lockgate_testkit::{Daemon, DaemonOptions, NetNs, binary, eventually, program, run};
use serde_json::Value;

use crate::lab::{DAEMON, Lab};

const AUTHORITY: &str = "192.168.57.2";
pub(crate) const PASSPHRASE: (&str, &str) = ("LOCKGATE_CA_PASSPHRASE", "correct horse");

/// A process that is ended with its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, if the test went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    pub(crate) fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

/// Everything that crosses the switch, written down.
struct Capture {
    process: Running,
    file: PathBuf,
}

impl Capture {
    fn start(switch: &NetNs, file: &Path) -> Self {
        let script = format!(
            "import socket\n\
             s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))\n\
             s.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)\n\
             f = open({:?}, 'wb', 0)\n\
             f.write(b'listening')\n\
             while True: f.write(s.recv(65535))\n",
            file.display().to_string()
        );
        let child = switch
            .command("python3")
            .args(["-c", &script])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the capture", || {
            fs::metadata(file).ok()?.len().checked_sub(9)
        });
        Self {
            process: Running(child),
            file: file.to_owned(),
        }
    }

    fn stop(mut self) -> Vec<u8> {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
        fs::read(&self.file).unwrap()
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(files(&entry.path()));
        } else if kind.is_file() {
            all.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    all
}

/// The private keys of a node, and what would give each away: its number, and each line of its file.
fn secrets(lab: &Lab, node: usize) -> Vec<(PathBuf, Vec<Vec<u8>>)> {
    let keys = files(&lab.folder(node)).into_iter();
    let keys = keys.filter(|(_, text)| contains(text, b"PRIVATE KEY-----"));
    keys.map(|(path, text)| {
        let script = format!(
            "openssl pkey -in {} -passin env:{} -noout -text | grep -A3 ^priv: | tail -n +2 | tr -d ' :\\n'",
            path.display(),
            PASSPHRASE.0
        );
        let mut shell = program("sh");
        shell.args(["-c", &script]).env(PASSPHRASE.0, PASSPHRASE.1);
        let hex = run(&mut shell, b"").ok().to_owned();
        let octets: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let number = octets[octets.len() - 32..].to_vec();
        let lines = text.split(|octet| *octet == b'\n');
        let lines = lines.filter(|line| line.len() >= 32 && !line.starts_with(b"-----"));
        let needles = [number, hex.into_bytes()].into_iter();
        (path, needles.chain(lines.map(<[u8]>::to_vec)).collect())
    })
    .collect()
}

pub(crate) fn serve_authority(lab: &Lab) -> Running {
    lab.shell(2, &[PASSPHRASE], "lockgate ca init --out ca")
        .ok();
    serve(lab)
}

/// Serves the authority in `ca` on node2.
pub(crate) fn serve(lab: &Lab) -> Running {
    let ca = lab.folder(2).join("ca");
    let child = lab.nodes[1]
        .command(binary("lockgate"))
        .args(["ca", "serve", "--no-detect", "--san", AUTHORITY])
        .args(["--advertise", &format!("{AUTHORITY}:2378")])
        .arg("--ca")
        .arg(&ca)
        .env(PASSPHRASE.0, PASSPHRASE.1)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the authority serves", || fs::read(ca.join("address")).ok());
    Running(child)
}

pub(crate) fn invite(lab: &Lab, what: &str) -> String {
    let invited = lab.shell(2, &[], &format!("lockgate invite {what} --ca ca"));
    invited.ok().to_owned()
}

pub(crate) fn join_server(lab: &Lab) {
    let token = invite(lab, &format!("server daemon {DAEMON}"));
    let script = format!("echo {token} | lockgate join - --pki pki --daemon-json daemon.json");
    lab.shell(3, &[], &script).ok();
}

/// The daemon with the settings that `join` wrote, and nothing else about TLS.
pub(crate) fn daemon(lab: &mut Lab) -> Daemon {
    daemon_with(lab, &serde_json::json!({}))
}

/// The same with more settings.
pub(crate) fn daemon_with(lab: &mut Lab, more: &Value) -> Daemon {
    let text = fs::read_to_string(lab.folder(3).join("daemon.json")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["hosts"] = serde_json::json!([]);
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let options = DaemonOptions {
        config: Some(config),
        args: vec![format!("--host=tcp://{DAEMON}:2376")],
    };
    Daemon::start_in(lab.nodes.remove(2), options)
}

// T: key-on-the-wire
#[test]
fn the_lab_is_done_by_invitation_and_no_private_key_crosses_the_wire() {
    let mut lab = Lab::new();
    let capture = Capture::start(&lab.switch, &lab.folder(2).join("wire"));
    let _authority = serve_authority(&lab);
    join_server(&lab);
    let daemon = daemon(&mut lab);
    daemon.load_busybox();
    let token = invite(&lab, "client alice --role operator");
    lab.shell(1, &[], &format!("echo {token} | lockgate join - --pki pki"))
        .ok();
    // The next command works, with either client and without a variable.
    for client in ["docker", "lockgate"] {
        let ran = lab.shell(
            1,
            &[],
            &format!("{client} run --rm busybox echo from {client}"),
        );
        assert_eq!(ran.ok(), format!("from {client}"));
        lab.shell(1, &[], &format!("{client} ps")).ok();
    }
    let wire = capture.stop();
    assert!(contains(&wire, b"daemon"), "the capture saw the handshakes");
    assert!(!contains(&wire, b"PRIVATE KEY"));
    // What crossed inside TLS would lie at the other end: no key is on a node that did not make it.
    for node in 1..=3 {
        let keys = secrets(&lab, node);
        assert!(!keys.is_empty(), "node{node} has a key");
        for (path, needles) in keys {
            assert!(needles.len() >= 4, "{}", path.display());
            for needle in &needles {
                assert!(
                    !contains(&wire, needle),
                    "{} crossed the wire",
                    path.display()
                );
            }
            for other in (1..=3).filter(|other| *other != node) {
                for (file, text) in files(&lab.folder(other)) {
                    let copied = needles.iter().any(|needle| contains(&text, needle));
                    assert!(!copied, "{} is in {}", path.display(), file.display());
                }
            }
        }
    }

    // The same token again, and the set as the old tools judge it.
    let again = lab.shell(
        1,
        &[],
        &format!("echo {token} | lockgate join - --pki other"),
    );
    again.failed_with(1, "was used at");
    lab.shell(
        1,
        &[],
        "lockgate cert verify pki/client-alice --purpose client",
    )
    .ok();
    let strict = "cd pki/client-alice && cat ca.pem crl.pem > both.pem && \
                  openssl verify -x509_strict -crl_check -CAfile both.pem -purpose sslclient cert.pem";
    lab.shell(1, &[], strict).ok();
}

// T: hijack-lifetime
#[test]
fn whoever_is_revoked_is_out_within_a_second() {
    let mut lab = Lab::new();
    let _authority = serve_authority(&lab);
    join_server(&lab);
    let daemon = daemon(&mut lab);
    daemon.load_busybox();
    for name in ["alice", "bob"] {
        let token = invite(&lab, &format!("client {name}"));
        let join = format!("lockgate join {token} --pki pki --context-name {name}");
        lab.shell(1, &[], &join).ok();
    }
    daemon
        .docker(&["run", "-d", "--name", "box", "busybox", "sleep", "600"])
        .ok();
    let start = |name: &str, script: &str| {
        let script = format!("docker --context {name} {script}");
        let mut command = lab.nodes[0].command("script");
        command
            .args(["-qec", &script, "/dev/null"])
            .env("HOME", lab.folder(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        Running(command.spawn().unwrap())
    };
    let hosts = lab.shell(
        1,
        &[],
        "sed -i s/daemon/192.168.57.3/ .docker/contexts/meta/*/meta.json",
    );
    hosts.ok();
    let streams = [
        "exec -it box sh",
        "logs -f box",
        "events",
        "attach --no-stdin box",
    ];
    let mut of_alice: Vec<Running> = streams.iter().map(|what| start("alice", what)).collect();
    let mut of_bob = start("bob", "events");
    let operations = [
        "ExecStart",
        "ContainerLogs",
        "SystemEvents",
        "ContainerAttach",
    ];
    eventually("all streams run", || {
        let audit = fs::read_to_string(daemon.path("data/audit.log")).ok()?;
        let open = |name: &str| audit.contains(&format!("\"operation\":\"{name}\""));
        operations.iter().all(|name| open(name)).then_some(())
    });

    let who = lab.shell(
        2,
        &[PASSPHRASE],
        "lockgate cert revoke alice --reason keyCompromise --ca ca",
    );
    let revoked = Instant::now();
    who.ok();
    let mut last = Duration::ZERO;
    eventually("alice's streams end", || {
        let over = of_alice.iter_mut().all(Running::is_over);
        last = revoked.elapsed();
        over.then_some(())
    });
    assert!(last < Duration::from_secs(1), "it took {last:?}");
    assert!(!of_bob.is_over(), "bob has done nothing");

    let refused = lab.shell(1, &[], "docker --context alice ps");
    assert_ne!(refused.code(), 0, "{refused}");
    lab.shell(1, &[], "docker --context bob ps").ok();
    eventually("the record", || {
        daemon.log().contains("revoked_certificate").then_some(())
    });
    let renewal = lab.shell(1, &[], "lockgate renew --force pki/client-alice");
    assert_ne!(renewal.code(), 0, "{renewal}");
    assert!(renewal.stderr.contains("revoked"), "{renewal}");
    let list = lab.shell(
        2,
        &[],
        "lockgate cert list --state revoked --format json --ca ca",
    );
    let line: Value = serde_json::from_str(list.ok()).unwrap();
    assert_eq!(
        (&line["identity"], &line["reason"]),
        (&"alice".into(), &"keyCompromise".into())
    );
    run(daemon.docker_command().args(["rm", "-f", "box"]), b"").ok();
}
