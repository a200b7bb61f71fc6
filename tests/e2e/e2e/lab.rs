//! The three-node lab: `node2` is the CA, `node3` the daemon at 192.168.57.3 with the name
//! `daemon`, `node1` the client. Once with certificates from `lockgate`, once from openssl alone;
//! and the same certificates serve a stock dockerd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_testkit::{
    Daemon, DaemonOptions, Dockerd, Ended, NetNs, binary, eventually, program, run, unique,
};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const DAEMON: &str = "192.168.57.3";

/// Three hosts on one bridge, and a folder for each.
pub(crate) struct Lab {
    dir: TempDir,
    pub(crate) nodes: Vec<NetNs>,
    pub(crate) switch: NetNs,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let switch = NetNs::new("lgsw");
        switch.run("ip", &["link", "add", "br0", "type", "bridge"]);
        switch.run("ip", &["link", "set", "br0", "up"]);
        let dir = tempfile::Builder::new()
            .prefix("lockgate-lab-")
            .tempdir()
            .unwrap();
        let nodes = (1..=3)
            .map(|number| {
                let node = NetNs::new(&format!("lgn{number}-"));
                let link = unique("ll").replace('-', "");
                let port = format!("p{link}");
                run(
                    program("ip")
                        .args(["link", "add", &link, "type", "veth", "peer", "name", &port]),
                    b"",
                )
                .ok();
                run(
                    program("ip").args(["link", "set", &link, "netns", node.name()]),
                    b"",
                )
                .ok();
                run(
                    program("ip").args(["link", "set", &port, "netns", switch.name()]),
                    b"",
                )
                .ok();
                switch.run("ip", &["link", "set", &port, "master", "br0", "up"]);
                node.run("ip", &["link", "set", &link, "name", "eth0"]);
                node.run(
                    "ip",
                    &[
                        "address",
                        "add",
                        &format!("192.168.57.{number}/24"),
                        "dev",
                        "eth0",
                    ],
                );
                node.run("ip", &["link", "set", "eth0", "up"]);
                fs::create_dir(dir.path().join(format!("node{number}"))).unwrap();
                node
            })
            .collect();
        Self { dir, nodes, switch }
    }

    pub(crate) fn folder(&self, node: usize) -> PathBuf {
        self.dir.path().join(format!("node{node}"))
    }

    /// A shell on a node, with `daemon` in its hosts file.
    pub(crate) fn shell(&self, node: usize, environment: &[(&str, &str)], script: &str) -> Ended {
        let mut command: Command = self.nodes[node - 1].command("unshare");
        let hosts = self.dir.path().join("hosts");
        fs::write(&hosts, format!("127.0.0.1 localhost\n{DAEMON} daemon\n")).unwrap();
        let inner = format!(
            "mount --bind {} /etc/hosts && cd {} && {script}",
            hosts.display(),
            self.folder(node).display()
        );
        command.args(["--mount", "sh", "-c", &inner]);
        command
            .env("HOME", self.folder(node))
            .env("PATH", path_with(binary("lockgate").parent().unwrap()));
        command.envs(environment.iter().copied());
        run(&mut command, b"")
    }
}

fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// Certificates in `node2/{server,client}` with the names `ca.pem cert.pem key.pem`.
pub(crate) fn certificates_from_lockgate(lab: &Lab) {
    lab.shell(2, &[("LOCKGATE_CA_PASSPHRASE", "correct horse")], &format!(
        "lockgate ca quick pki --client client --san {DAEMON} --san daemon && mv pki/server server && mv pki/client-client client"
    ))
    .ok();
}

fn certificates_from_openssl(lab: &Lab) {
    let script = format!(
        "
        set -e
        mkdir server client
        openssl genrsa -aes256 -passout pass:secret -out ca-key.pem 4096
        openssl req -new -x509 -days 365 -key ca-key.pem -passin pass:secret -sha256 -subj /CN=lab-ca -out ca.pem
        openssl genrsa -out server/key.pem 2048
        openssl req -subj /CN=daemon -sha256 -new -key server/key.pem -out server.csr
        printf 'subjectAltName = DNS:daemon,IP:{DAEMON},IP:127.0.0.1\\nextendedKeyUsage = serverAuth\\n' > server.cnf
        openssl x509 -req -days 30 -sha256 -in server.csr -CA ca.pem -CAkey ca-key.pem -passin pass:secret -CAcreateserial -out server/cert.pem -extfile server.cnf
        openssl genrsa -out client/key.pem 2048
        openssl req -subj /CN=client -new -key client/key.pem -out client.csr
        printf 'extendedKeyUsage = clientAuth\\n' > client.cnf
        openssl x509 -req -days 30 -sha256 -in client.csr -CA ca.pem -CAkey ca-key.pem -passin pass:secret -CAcreateserial -out client/cert.pem -extfile client.cnf
        cp ca.pem server/; cp ca.pem client/
        chmod 0400 server/key.pem client/key.pem
        "
    );
    lab.shell(2, &[], &script).ok();
}

/// Hands the keys to their nodes, as a person would with scp.
pub(crate) fn hand_out(lab: &Lab) {
    for (from, node, to) in [("server", 3, "pki"), ("client", 1, ".docker")] {
        fs::rename(lab.folder(2).join(from), lab.folder(node).join(to)).unwrap();
    }
}

fn daemon_on_node3(lab: &mut Lab) -> Daemon {
    let pki = lab.folder(3).join("pki");
    let options = DaemonOptions {
        config: Some(json!({
            "hosts": ["tcp://0.0.0.0:2376"],
            "tlsverify": true,
            "tlscacert": pki.join("ca.pem"),
            "tlscert": pki.join("cert.pem"),
            "tlskey": pki.join("key.pem"),
        })),
        args: vec![format!("--host=tcp://{DAEMON}:2376")],
    };
    Daemon::start_in(lab.nodes.remove(2), options)
}

/// Everything that node1 does.
fn use_from_node1(lab: &Lab) {
    let tcp = format!("tcp://{DAEMON}:2376");
    let certs = lab.folder(1).join(".docker").display().to_string();
    for client in ["docker", "lockgate"] {
        let plain = lab.shell(
            1,
            &[("DOCKER_HOST", &tcp), ("DOCKER_CERT_PATH", "/nonexistent")],
            &format!("{client} version"),
        );
        assert_ne!(plain.code(), 0, "{plain}");
        let said = format!("{}{}", plain.stdout, plain.stderr).to_lowercase();
        assert!(
            said.contains("http request to an https server"),
            "{client}: {plain}"
        );
        for (host, environment) in [
            (tcp.as_str(), vec![("DOCKER_TLS_VERIFY", "1")]),
            (
                tcp.as_str(),
                vec![
                    ("DOCKER_TLS_VERIFY", "1"),
                    ("DOCKER_CERT_PATH", certs.as_str()),
                ],
            ),
            ("tcp://daemon:2376", vec![("DOCKER_TLS_VERIFY", "1")]),
        ] {
            let environment: Vec<_> = environment
                .into_iter()
                .chain([("DOCKER_HOST", host)])
                .collect();
            let version = lab.shell(
                1,
                &environment,
                &format!("{client} version --format '{{{{.Server.Os}}}}'"),
            );
            assert_eq!(version.ok(), "linux", "{client} {host}");
        }
        let remote = [
            ("DOCKER_HOST", "tcp://daemon:2376"),
            ("DOCKER_TLS_VERIFY", "1"),
        ];
        let ran = lab.shell(
            1,
            &remote,
            &format!("{client} run --rm busybox echo from {client}"),
        );
        assert_eq!(ran.ok(), format!("from {client}"));
        let piped = lab.shell(
            1,
            &remote,
            &format!("echo through | {client} run --rm -i busybox cat"),
        );
        assert_eq!(piped.ok(), "through");
        let script = format!(
            "{client} run -d --name c1 busybox sh -c 'echo one; sleep 0.3; echo two' >/dev/null && {client} logs -f c1 && {client} rm c1 >/dev/null"
        );
        assert_eq!(lab.shell(1, &remote, &script).ok(), "one\ntwo");
        // A pipe that nobody closes: the end of what is typed would detach, as in Docker.
        let script = format!(
            "{client} run -d --name e1 busybox sleep 60 >/dev/null && rm -f typing && mkfifo typing && script -qec '{client} exec -it e1 sh -c \"tty; exit 3\"' /dev/null <>typing; echo code $?; {client} rm -f e1 >/dev/null"
        );
        let exec = lab.shell(1, &remote, &script);
        assert_eq!(
            exec.ok().replace(['\r', '\0'], "").replace("^@", ""),
            "/dev/pts/0\ncode 3",
            "{exec}"
        );
    }
    let curl = "curl -sS --cacert .docker/ca.pem --cert .docker/cert.pem --key .docker/key.pem https://daemon:2376/_ping";
    assert_eq!(lab.shell(1, &[], curl).ok(), "OK");
    let without = lab.shell(
        1,
        &[],
        "curl -sS --max-time 20 --cacert .docker/ca.pem https://daemon:2376/_ping",
    );
    assert_ne!(without.code(), 0, "{without}");
}

fn whole_lab(make_certificates: fn(&Lab)) {
    let mut lab = Lab::new();
    make_certificates(&lab);
    let left: Vec<_> = files_named_csr(&lab.folder(2));
    hand_out(&lab);
    for key in [
        lab.folder(1).join(".docker/key.pem"),
        lab.folder(3).join("pki/key.pem"),
    ] {
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o400
        );
    }
    let daemon = daemon_on_node3(&mut lab);
    daemon.load_busybox();
    use_from_node1(&lab);
    // The client may be told before the log is.
    for reason in ["plain_http", "no_certificate"] {
        eventually(reason, || daemon.log().contains(reason).then_some(()));
    }
    assert!(left.is_empty() || left.len() == 2, "{left:?}");
    drop(daemon);
    assert!(lab.switch.run("ip", &["-o", "link"]).contains("br0"));
}

fn files_named_csr(folder: &Path) -> Vec<PathBuf> {
    let names = run(program("find").arg(folder).args(["-name", "*.csr"]), b"");
    names.ok().lines().map(PathBuf::from).collect()
}

#[test]
fn works_with_certificates_from_lockgate() {
    whole_lab(certificates_from_lockgate);
}

#[test]
fn works_with_certificates_from_openssl_alone() {
    whole_lab(certificates_from_openssl);
}

#[test]
fn our_certificates_serve_a_stock_dockerd() {
    let mut lab = Lab::new();
    certificates_from_lockgate(&lab);
    hand_out(&lab);
    let pki = lab.folder(3).join("pki");
    let tls: Vec<String> = [
        ("--tlscacert", "ca.pem"),
        ("--tlscert", "cert.pem"),
        ("--tlskey", "key.pem"),
    ]
    .iter()
    .map(|(flag, name)| format!("{flag}={}", pki.join(name).display()))
    .collect();
    let host = format!("tcp://{DAEMON}:2376");
    let mut args = vec!["-H", host.as_str(), "--tlsverify"];
    args.extend(tls.iter().map(String::as_str));
    let peer = Dockerd::start_in(lab.nodes.remove(2), &args);
    for client in ["docker", "lockgate"] {
        let remote = [
            ("DOCKER_HOST", "tcp://daemon:2376"),
            ("DOCKER_TLS_VERIFY", "1"),
        ];
        let version = lab.shell(
            1,
            &remote,
            &format!("{client} version --format '{{{{.Server.Version}}}}'"),
        );
        assert!(
            version.ok().starts_with("20.10"),
            "{version}\n{}",
            peer.log()
        );
    }
}
