//! What a running daemon believes, read again: whatever happens to a file, the last good state stays in force,
//! one line says why, and the next good state comes into force. On change, on SIGHUP, by `lockgate reload`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use lockgate_pki::{
    Authority, AuthorityDirectory, ClientRequest, Clock, Overwrite, Protection, Reason,
};
use lockgate_testkit::{Daemon, NetNs, eventually, program, run};
use lockgate_types::Timestamp;
use serde_json::json;

use super::{Bench, ago, new_authority};

/// A daemon whose roots, lists and policy lie in a folder of their own.
struct Live {
    bench: Bench,
    daemon: Daemon,
}

/// One of the files: two good states of it, and how to tell which is in force.
struct File {
    name: &'static str,
    warning: &'static str,
    /// Good contents that take turns.
    states: Vec<Vec<u8>>,
    /// What is in force, as a client sees it.
    probe: fn(&Live) -> String,
}

impl Live {
    fn new(crl: bool) -> Self {
        let bench = Bench::new();
        bench.server(&bench.path("server"), 0);
        for name in ["alice", "bob"] {
            bench.client(name, 0);
        }
        fs::create_dir(bench.path("live")).unwrap();
        fs::copy(bench.path("ca/ca.pem"), bench.path("live/ca.pem")).unwrap();
        fs::copy(bench.path("ca/crl.pem"), bench.path("live/crl.pem")).unwrap();
        fs::write(bench.path("live/policy.toml"), policy("admin")).unwrap();
        let mut config = json!({
            "tlscacert": bench.path("live/ca.pem"),
            "policy": bench.path("live/policy.toml"),
        });
        if crl {
            config["tls-crl"] = json!(bench.path("live/crl.pem"));
        }
        let daemon = bench.daemon(NetNs::new("lgre"), &config);
        Self { bench, daemon }
    }

    /// The status of a request of `set`; 000 if the door stays shut.
    fn status(&self, set: &str, method: &str, path: &str) -> String {
        let set = self.bench.path(set);
        let mut command = self.daemon.netns().command("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method]);
        command
            .arg("--cacert")
            .arg(self.bench.path("server/ca.pem"));
        command.arg("--cert").arg(set.join("cert.pem"));
        command.arg("--key").arg(set.join("key.pem"));
        command.arg(format!("https://127.0.0.1:2376{path}"));
        run(&mut command, b"").stdout.trim().to_owned()
    }

    fn lines(&self, wanted: &str) -> usize {
        self.daemon.log().matches(wanted).count()
    }

    /// Waits until every reload that began has ended; returns how many there were.
    fn reloads(&self, at_least: usize) -> usize {
        eventually("the reload", || {
            let begun = self.lines(" reloading why=");
            let ended = self.lines("policy in place") + self.lines("POLICY NOT RELOADED");
            (begun >= at_least && begun == ended).then_some(begun)
        })
    }

    fn put(&self, name: &str, content: &[u8], mode: u32) {
        let scratch = self.bench.path("scratch");
        fs::write(&scratch, content).unwrap();
        fs::set_permissions(&scratch, Permissions::from_mode(mode)).unwrap();
        clear(&self.file(name));
        fs::rename(&scratch, self.file(name)).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.bench.path("live").join(name)
    }

    /// Damages the file, and tells the daemon in every way; then mends it.
    fn survives(&self, file: &File, what: &str, damage: impl FnOnce(&Path), next: &[u8]) {
        let (before, in_force) = (self.reloads(0), (file.probe)(self));
        let warned = self.lines(file.warning);
        damage(&self.file(file.name));
        let mut count = self.reloads(before + 1);
        let pid = self.daemon.pid().to_string();
        run(program("kill").args(["-HUP", &pid]), b"").ok();
        count = self.reloads(count + 1);
        let reload = format!("reload --pidfile {}", self.daemon.path("pid").display());
        self.bench.lockgate(self.daemon.netns(), &reload).ok();
        count = self.reloads(count + 1);
        let told = self.lines(file.warning) - warned;
        assert_eq!(
            told,
            count - before,
            "{what}: one line each time\n{}",
            self.daemon.log()
        );
        assert_eq!((file.probe)(self), in_force, "{what}: the old state");
        self.put(file.name, next, 0o644);
        eventually("the new state", || {
            ((file.probe)(self) != in_force).then_some(())
        });
    }

    /// What may happen to any file.
    fn survives_everything(&self, file: &File, wrong: &[(&str, Vec<u8>)]) {
        let mut turn = 0;
        let mut next = || {
            turn += 1;
            file.states[turn % file.states.len()].clone()
        };
        let whole = file.states[0].clone();
        let replaced = |content: &[u8]| {
            let content = content.to_vec();
            move |path: &Path| {
                clear(path);
                fs::write(path, content).unwrap();
            }
        };
        let half = whole[..whole.len() / 2].to_vec();
        self.survives(file, "half written", replaced(&half), &next());
        self.survives(file, "empty", replaced(b""), &next());
        self.survives(file, "not text", replaced(&[0x30, 0x82, 0xff]), &next());
        for (what, content) in wrong {
            self.survives(file, what, replaced(content), &next());
        }
        self.survives(file, "removed", clear, &next());
        let directory = |path: &Path| {
            clear(path);
            fs::create_dir(path).unwrap();
        };
        self.survives(file, "a directory", directory, &next());
        let fifo = |path: &Path| {
            clear(path);
            run(program("mkfifo").arg(path), b"").ok();
        };
        self.survives(file, "a FIFO", fifo, &next());
        let elsewhere = self.bench.path("elsewhere");
        fs::write(&elsewhere, &half).unwrap();
        for (what, target) in [
            ("a link to half a file", elsewhere),
            ("a link to nowhere", self.bench.path("nowhere")),
        ] {
            let next = next();
            let swap = |path: &Path| {
                clear(path);
                symlink(target, path).unwrap();
            };
            self.survives(file, what, swap, &next);
        }
    }
}

fn clear(path: &Path) {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

fn policy(role: &str) -> String {
    let bind = |who| format!("[[bindings]]\nroles = [\"{role}\"]\ncommon_name = \"{who}\"\n");
    ["alice", "bob", "carol"].map(bind).concat()
}

/// A mode that lets everybody write is refused; the mode alone mends it.
fn anybody_may_not_write(live: &Live, file: &File, next: &[u8]) {
    let in_force = (file.probe)(live);
    let warned = live.lines(file.warning);
    let before = live.reloads(0);
    live.put(file.name, next, 0o646);
    let count = live.reloads(before + 1);
    assert_eq!(live.lines(file.warning) - warned, count - before);
    assert!(live.daemon.log().contains("chmod o-w"));
    assert_eq!((file.probe)(live), in_force);
    fs::set_permissions(live.file(file.name), Permissions::from_mode(0o644)).unwrap();
    eventually("a mode that was mended", || {
        ((file.probe)(live) != in_force).then_some(())
    });
}

// T: file-handling
#[test]
fn a_bundle_of_roots_is_read_again_whole_or_not_at_all() {
    let live = Live::new(false);
    let bench = &live.bench;
    let mut other = Authority::create(&new_authority("Other CA"), ago(1)).unwrap();
    let (place, plain) = (bench.path("other"), Protection::Plain);
    other.save(&place, &plain, Overwrite::Refuse).unwrap();
    let carol = other
        .issue_client(&ClientRequest::new("carol".parse().unwrap()))
        .unwrap();
    other
        .publish(&carol, &bench.path("carol"), Overwrite::Refuse)
        .unwrap();
    let one = fs::read(bench.path("ca/ca.pem")).unwrap();
    let both = [one.clone(), other.certificate_pem().as_bytes().to_vec()].concat();
    let file = File {
        name: "ca.pem",
        warning: "TLS FILES NOT RELOADED",
        states: vec![one, both],
        probe: |live| {
            let status = |set| live.status(set, "GET", "/_ping");
            format!("{} {}", status("alice"), status("carol"))
        },
    };
    assert_eq!((file.probe)(&live), "200 000");
    let wrong = [
        ("a key", fs::read(bench.path("other/ca-key.pem")).unwrap()),
        (
            "a client's certificate",
            fs::read(bench.path("alice/cert.pem")).unwrap(),
        ),
        ("a list", fs::read(bench.path("ca/crl.pem")).unwrap()),
        (
            "no DER",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
        ),
    ];
    live.survives_everything(&file, &wrong);
    let in_force = (file.probe)(&live);
    let next = usize::from(in_force == "200 000");
    anybody_may_not_write(&live, &file, &file.states[next].clone());
}

// T: file-handling, crl
#[test]
fn a_revocation_list_is_read_again_whole_or_not_at_all() {
    let live = Live::new(true);
    let bench = &live.bench;
    let (directory, authority) = (bench.directory(), bench.authority());
    // Every list is newer than those before: with bob on it, without him, in turn.
    let list = |held: bool| {
        let now = Timestamp::now();
        let changed = if held {
            directory.revoke("bob", Reason::CertificateHold, now)
        } else {
            directory.release("bob", now)
        };
        changed.unwrap();
        directory.publish_crl(&[&authority], 7).unwrap();
        fs::read(directory.crl_path()).unwrap()
    };
    let old = fs::read(directory.crl_path()).unwrap();
    let states: Vec<Vec<u8>> = (0..20).map(|turn| list(turn % 2 == 0)).collect();
    let file = File {
        name: "crl.pem",
        warning: "REVOCATION LIST NOT RELOADED",
        states: std::iter::once(old.clone()).chain(states).collect(),
        probe: |live| live.status("bob", "GET", "/_ping"),
    };
    assert_eq!((file.probe)(&live), "200");
    let wrong = [
        (
            "of another authority",
            list_of(&live, "Other CA", Clock::System),
        ),
        ("forged", list_of(&live, "Old CA", Clock::System)),
        ("a root", fs::read(bench.path("ca/ca.pem")).unwrap()),
        (
            "no DER",
            b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n".to_vec(),
        ),
    ];
    live.survives_everything(&file, &wrong);
    // The first list, which was good once, has a lower number than the one in force.
    let warned = live.lines(file.warning);
    live.put(file.name, &old, 0o644);
    eventually("an older list is refused", || {
        (live.lines(file.warning) > warned).then_some(())
    });
}

fn list_of(live: &Live, name: &str, clock: Clock) -> Vec<u8> {
    let place = live.bench.path(&format!("list of {name}"));
    let mut other = Authority::create(&new_authority(name), clock).unwrap();
    other
        .save(&place, &Protection::Plain, Overwrite::Refuse)
        .unwrap();
    let directory = AuthorityDirectory::new(&place);
    directory.publish_crl(&[&other], 7).unwrap();
    fs::read(directory.crl_path()).unwrap()
}

// T: file-handling, policy-failure
#[test]
fn a_policy_is_read_again_whole_or_not_at_all() {
    let live = Live::new(false);
    let file = File {
        name: "policy.toml",
        warning: "POLICY NOT RELOADED",
        states: vec![policy("admin").into(), policy("viewer").into()],
        probe: |live| live.status("alice", "POST", "/volumes/prune"),
    };
    assert_eq!((file.probe)(&live), "200");
    let wrong = [
        ("an unknown role", policy("emperor").into_bytes()),
        ("an unknown key", b"[[binding]]\n".to_vec()),
        ("JSON", b"{\"bindings\": []}".to_vec()),
    ];
    live.survives_everything(&file, &wrong);
    let next = usize::from((file.probe)(&live) == "200");
    anybody_may_not_write(&live, &file, &file.states[next].clone());
    assert!(live.daemon.log().contains("only a restart makes true"));
}
