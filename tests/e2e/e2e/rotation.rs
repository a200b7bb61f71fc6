//! A crowd of clients while certificates and then the root are replaced: no request fails.
//!
//! A hundred connections; as many as `LOCKGATE_CROWD` says in the long form.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lockgate_testkit::{binary, eventually, run};
use serde_json::json;

use crate::identity::{PASSPHRASE, Running, daemon_with, invite, join_server, serve_authority};
use crate::lab::{DAEMON, Lab};

const CLIENTS: [&str; 4] = ["anna", "bert", "cora", "dirk"];
/// Addresses of the node, for each has its own limit of connections.
const SOURCES: [&str; 4] = [
    "192.168.57.11",
    "192.168.57.12",
    "192.168.57.13",
    "192.168.57.14",
];

struct Crowd {
    home: PathBuf,
    process: Running,
}

impl Crowd {
    fn start(lab: &Lab) -> Self {
        let home = lab.folder(1);
        for name in CLIENTS {
            let token = invite(lab, &format!("client {name}"));
            let join = format!("lockgate join {token} --pki pki --no-context");
            lab.shell(1, &[], &join).ok();
        }
        for source in SOURCES {
            let address = format!("{source}/24");
            lab.nodes[0].run("ip", &["address", "add", &address, "dev", "eth0"]);
        }
        let count = std::env::var("LOCKGATE_CROWD");
        let count = count.map_or(100, |text| text.parse().unwrap());
        fs::write(home.join("crowd.py"), include_str!("crowd.py")).unwrap();
        let path = binary("lockgate").parent().unwrap().to_path_buf();
        let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        let log = fs::File::create(home.join("log")).unwrap();
        let mut command = lab.nodes[0].command("python3");
        command
            .arg(home.join("crowd.py"))
            .arg(&home)
            .args([DAEMON, &CLIENTS.join(","), &SOURCES.join(",")])
            .arg(count.to_string())
            .env("HOME", &home)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        let process = Running(command.spawn().unwrap());
        Self { home, process }
    }

    fn number(&self, name: &str) -> usize {
        let text = fs::read_to_string(self.home.join(name)).unwrap_or_default();
        text.parse().unwrap_or(0)
    }

    /// Every client connects anew, and nothing fails.
    fn goes_on(&mut self, what: &str) {
        // The connection that it is about to make may be with what it read before.
        let (enough, begun) = (self.number("most") + 2, Instant::now());
        while self.number("least") < enough {
            assert!(!self.process.is_over(), "{what}: {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "{what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(self.number("bad"), 0, "{what}: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

/// The long form has ten times the clients on the same two cores.
const PATIENCE: Duration = Duration::from_mins(10);

fn roots(file: &Path) -> usize {
    fs::read_to_string(file)
        .unwrap()
        .matches("BEGIN CERTIFICATE")
        .count()
}

#[test]
fn no_request_fails_while_certificates_and_then_the_root_are_replaced() {
    let mut lab = Lab::new();
    let _authority = serve_authority(&lab);
    join_server(&lab);
    // Who was seen is told after each question; a quarter of a minute is long for somebody who waits.
    let daemon = daemon_with(&mut lab, &json!({ "ca-poll": 1 }));
    let mut crowd = Crowd::start(&lab);
    crowd.goes_on("requests");
    let set = lab.folder(3).join("pki/server");
    let renew_server = || {
        let old = fs::read(set.join("cert.pem")).unwrap();
        let mut command = daemon.netns().command(binary("lockgate"));
        run(command.args(["renew", "--force"]).arg(&set), b"").ok();
        assert_ne!(fs::read(set.join("cert.pem")).unwrap(), old);
    };
    renew_server();
    crowd.goes_on("requests with the server's new certificate");

    lab.shell(2, &[PASSPHRASE], "lockgate ca rotate --ca ca")
        .ok();
    eventually("the daemon trusts both roots", || {
        (roots(&set.join("ca.pem")) == 2).then_some(())
    });
    crowd.goes_on("requests with two roots");
    renew_server();
    let early = lab.shell(2, &[PASSPHRASE], "lockgate ca retire --ca ca");
    early.failed_with(1, "is still needed by anna, bert, cora, dirk");

    fs::write(crowd.home.join("renew"), "").unwrap();
    eventually("clients move", || {
        (crowd.number("renewed") == CLIENTS.len()).then_some(())
    });
    // Whoever read the old root alone is done with it.
    crowd.goes_on("requests of those who moved");
    renew_server();
    crowd.goes_on("requests on the new root");
    eventually("nobody needs the old root", || {
        let status = lab.shell(2, &[], "lockgate ca status --ca ca");
        status
            .ok()
            .contains("nobody needs the old root")
            .then_some(())
    });
    crowd.goes_on("everybody has connected anew");
    lab.shell(2, &[PASSPHRASE], "lockgate ca retire --ca ca")
        .ok();
    eventually("the old root is gone", || {
        (roots(&set.join("ca.pem")) == 1).then_some(())
    });
    crowd.goes_on("requests on the new root alone");

    fs::write(crowd.home.join("stop"), "").unwrap();
    crowd.process.0.wait().unwrap();
    let log = crowd.log();
    assert_eq!(crowd.number("bad"), 0, "{log}\n{}", daemon.log());
    assert!(!log.contains("did not renew"), "{log}");
}
