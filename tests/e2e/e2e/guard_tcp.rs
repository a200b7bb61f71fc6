//! The guard before a daemon on another host, over TLS.

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, NetNs, run};

use crate::lab::{DAEMON, Lab, certificates_from_lockgate, hand_out};

/// A second address of the daemon's host, which is not in its certificate.
const ALIAS: &str = "192.168.57.30";

/// dockerd with mutual TLS on node3.
fn dockerd(lab: &mut Lab) -> Dockerd {
    let pki = lab.folder(3).join("pki");
    let node: NetNs = lab.nodes.remove(2);
    node.run(
        "ip",
        &["address", "add", &format!("{ALIAS}/24"), "dev", "eth0"],
    );
    let file = |name: &str| pki.join(name).display().to_string();
    let args = [
        "--host=tcp://0.0.0.0:2376".to_owned(),
        "--tlsverify".to_owned(),
        format!("--tlscacert={}", file("ca.pem")),
        format!("--tlscert={}", file("cert.pem")),
        format!("--tlskey={}", file("key.pem")),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Dockerd::start_in(node, &args)
}

/// The guard on a node of its own, with the client's certificate.
fn door(node: NetNs, lab: &Lab, host: &str) -> Daemon {
    let certs = lab.folder(1).join(".docker");
    let file = |name: &str| certs.join(name).display().to_string();
    let args = vec![
        format!("--guard=tcp://{host}:2376"),
        format!("--guard-tlscacert={}", file("ca.pem")),
        format!("--guard-tlscert={}", file("cert.pem")),
        format!("--guard-tlskey={}", file("key.pem")),
    ];
    Daemon::start_in(node, DaemonOptions { args, config: None })
}

#[test]
fn a_daemon_on_another_host_is_guarded_over_tls_by_its_right_name_alone() {
    let mut lab = Lab::new();
    certificates_from_lockgate(&lab);
    hand_out(&lab);
    let behind = dockerd(&mut lab);
    let right = door(lab.nodes.remove(1), &lab, DAEMON);
    right.load_busybox();
    let mut cat = right.docker_command();
    cat.args([
        "run",
        "--rm",
        "-i",
        "--network=none",
        "busybox",
        "sh",
        "-c",
        "cat; echo end",
    ]);
    let much = "0123456789abcdef\n".repeat(50_000);
    assert_eq!(run(&mut cat, much.as_bytes()).ok(), format!("{much}end"));

    // Kept, it says nothing: whether the other host is still there is asked now and then.
    let mut sockets = right.netns().command("ss");
    let sockets = run(sockets.args(["-Htno", "dport", "=", ":2376"]), b"");
    assert!(sockets.ok().contains("timer:(keepalive"), "{sockets}");

    let wrong = door(lab.nodes.remove(0), &lab, ALIAS);
    let refused = wrong.api("GET", "/containers/json", None);
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert!(refused.text().contains("certificate"), "{}", refused.text());
    drop((right, wrong, behind));
}
