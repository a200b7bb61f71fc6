//! A daemon with its authority at hand: it renews itself, serves invitations, and reads its files again.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lockgate_pki::{
    Authority, AuthorityDirectory, AuthorityFiles, CertificateInfo, ClientRequest, Clock,
    Constraints, KeyType, NewAuthority, Overwrite, Protection, Reason, ServerRequest, Validity,
};
use lockgate_testkit::{Daemon, DaemonOptions, NetNs, binary, eventually, program, run};
use lockgate_types::{Secret, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::identity::Running;

/// Certificates live 90 days.
const DAY: i64 = 86_400;

/// An authority that is a hundred days old, and the sets that it issues at any time since.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let new = NewAuthority {
            name: "Old CA".parse().unwrap(),
            days: 400,
            key_type: KeyType::default(),
            constraints: Constraints::default(),
        };
        let mut authority = Authority::create(&new, ago(100)).unwrap();
        let secret = Protection::Passphrase(Secret::new("correct horse".to_owned()));
        let ca = dir.path().join("ca");
        authority.save(&ca, &secret, Overwrite::Refuse).unwrap();
        fs::write(dir.path().join("passphrase"), "correct horse\n").unwrap();
        let bench = Self { dir };
        bench.publish_list();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn directory(&self) -> AuthorityDirectory {
        AuthorityDirectory::new(self.path("ca"))
    }

    fn authority(&self) -> Authority {
        let secret = Secret::new("correct horse".to_owned());
        let files = AuthorityFiles::in_directory(&self.path("ca"));
        Authority::open(&files, Some(&secret), Clock::System).unwrap()
    }

    fn publish_list(&self) {
        let authority = self.authority();
        self.directory().publish_crl(&[&authority], 7).unwrap();
    }

    /// A server's set as it was issued that many days ago.
    fn server(&self, to: &Path, days: i64) {
        let request = ServerRequest {
            names: vec!["127.0.0.1".parse().unwrap()],
            validity: Validity::Longest,
            key_type: KeyType::default(),
        };
        let authority = self.authority().with_clock(ago(days));
        let issued = authority.issue_server(&request).unwrap();
        authority.publish(&issued, to, Overwrite::Replace).unwrap();
    }

    fn client(&self, name: &str, days: i64) {
        let authority = self.authority().with_clock(ago(days));
        let issued = authority
            .issue_client(&ClientRequest::new(name.parse().unwrap()))
            .unwrap();
        authority
            .publish(&issued, &self.path(name), Overwrite::Refuse)
            .unwrap();
    }

    fn start(&self) -> Daemon {
        let server = self.path("server");
        let config = json!({
            "tlsverify": true,
            "tlscacert": server.join("ca.pem"),
            "tlscert": server.join("cert.pem"),
            "tlskey": server.join("key.pem"),
            "ca-dir": self.path("ca"),
            "ca-listen": "127.0.0.1:2378",
            "ca-advertise": "127.0.0.1:2378",
            "ca-passphrase-file": self.path("passphrase"),
        });
        let options = DaemonOptions {
            config: Some(config),
            args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
        };
        Daemon::start_in(NetNs::new("lgca"), options)
    }

    fn served(&self) -> CertificateInfo {
        let infos = CertificateInfo::read(&self.path("server/cert.pem")).unwrap();
        infos.into_iter().next().unwrap()
    }

    /// Waits until the file holds a certificate that was issued just now.
    fn renewed(&self, daemon: &Daemon) -> CertificateInfo {
        let fresh = Timestamp::now().unix_seconds() + 80 * DAY;
        eventually("a renewal", || {
            let info = self.served();
            assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
            (info.not_after.unix_seconds() > fresh).then_some(info)
        })
    }
}

fn ago(days: i64) -> Clock {
    let then = Timestamp::now().unix_seconds() - days * DAY;
    Clock::Fixed(Timestamp::from_unix_nanos(i128::from(then) * 1_000_000_000))
}

/// The serial number of what the port shows.
fn shown(daemon: &Daemon) -> String {
    let script = "openssl s_client -connect 127.0.0.1:2376 </dev/null 2>/dev/null \
                  | openssl x509 -noout -serial | cut -d= -f2";
    let ended = run(daemon.netns().command("sh").args(["-c", script]), b"");
    ended.ok().to_lowercase()
}

fn shows(daemon: &Daemon, wanted: &CertificateInfo) {
    eventually("the port shows the certificate of the file", || {
        (shown(daemon) == wanted.serial).then_some(())
    });
}

fn curl(bench: &Bench, daemon: &Daemon, name: &str) -> String {
    let set = bench.path(name);
    let mut command = daemon.netns().command("curl");
    command.args(["-sSi", "--cacert"]).arg(set.join("ca.pem"));
    command.arg("--cert").arg(set.join("cert.pem"));
    command.arg("--key").arg(set.join("key.pem"));
    run(command.arg("https://127.0.0.1:2376/_ping"), b"")
        .ok()
        .to_lowercase()
}

#[test]
fn with_the_authority_at_hand_the_daemon_renews_itself_and_drops_nobody() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 0);
    bench.client("fresh", 0);
    bench.client("aging", 80);
    let daemon = bench.start();
    assert!(!curl(&bench, &daemon, "fresh").contains("lockgate-certificate-expires"));
    let warned = curl(&bench, &daemon, "aging");
    assert!(
        warned.contains("lockgate-certificate-expires: 20"),
        "{warned}"
    );
    let mut stream = daemon.netns().command("docker");
    stream
        .args(["-H", "tcp://127.0.0.1:2376", "--tlsverify", "events"])
        .env("DOCKER_CERT_PATH", bench.path("fresh"))
        .stdout(Stdio::null());
    let mut stream = Running(stream.spawn().unwrap());
    eventually("the stream runs", || {
        let audit = fs::read_to_string(daemon.path("data/audit.log")).ok()?;
        audit.contains("SystemEvents").then_some(())
    });

    // Two thirds of its time are over; then, ended within the grace.
    for days in [61, 93] {
        bench.server(&bench.path("server"), days);
        let (old, key) = (
            bench.served(),
            fs::read(bench.path("server/key.pem")).unwrap(),
        );
        let fresh = bench.renewed(&daemon);
        assert_ne!(fs::read(bench.path("server/key.pem")).unwrap(), key);
        assert_eq!(fresh.alternative_names(), old.alternative_names());
        shows(&daemon, &fresh);
        assert!(
            !stream.is_over(),
            "the open stream goes on\n{}",
            daemon.log()
        );
        curl(&bench, &daemon, "fresh");
    }
    let log = daemon.log();
    assert!(
        log.contains("EXPIRED: our own certificate CN=127.0.0.1 (serial"),
        "{log}"
    );
    let journal = fs::read_to_string(bench.path("ca/journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"event\":\"renewed\"").count(), 2);

    // Beyond the grace, and revoked: told by name, and left alone.
    bench.server(&bench.path("server"), 99);
    let late = bench.served();
    eventually("the log names it", || {
        let wanted = format!("(serial {}) expired at", late.serial);
        daemon.log().contains(&wanted).then_some(())
    });
    assert_eq!(bench.served().serial, late.serial);
}

#[test]
fn a_revoked_daemon_does_not_renew_itself() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 61);
    let old = bench.served();
    let now = Timestamp::now();
    let revoked = bench
        .directory()
        .revoke(&old.serial, Reason::KeyCompromise, now);
    assert_eq!(revoked.unwrap().len(), 1);
    bench.publish_list();
    let daemon = bench.start();
    eventually("the log says why", || {
        let wanted = format!("(serial {}) is revoked", old.serial);
        daemon.log().contains(&wanted).then_some(())
    });
    assert_eq!(bench.served().serial, old.serial);
}

#[test]
fn a_daemon_that_serves_its_authority_lets_the_invited_join() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 0);
    let daemon = bench.start();
    let lockgate = |words: &str| {
        let mut command = daemon.netns().command(binary("lockgate"));
        command
            .args(words.split_whitespace())
            .current_dir(bench.dir.path())
            .env("HOME", bench.dir.path())
            .env("LOCKGATE_CA_PASSPHRASE", "correct horse");
        run(&mut command, b"")
    };
    eventually("the service says where it is", || {
        fs::read(bench.path("ca/address")).ok()
    });
    let invited = lockgate("invite client zoe --role viewer --ca ca --daemon tcp://127.0.0.1:2376");
    let token = invited.ok().to_owned();
    lockgate(&format!("join {token} --pki pki")).ok();
    lockgate("ps").ok();
    lockgate("volume create x").failed_with(1, "zoe with role viewer has no role that allows");
    lockgate("cert revoke zoe --ca ca --reason certificateHold").ok();
    eventually("zoe is out", || (lockgate("ps").code() != 0).then_some(()));
    lockgate("cert unrevoke zoe --ca ca").ok();
    eventually("zoe is in again", || {
        (lockgate("ps").code() == 0).then_some(())
    });
    lockgate("cert revoke zoe --ca ca --reason superseded").ok();
    lockgate("cert unrevoke zoe --ca ca").failed_with(1, "revoked for good");
}

/// THREATS, file handling: files are swapped while they are read; what does not fit together is never used.
#[test]
fn files_are_read_again_whole_or_not_at_all() {
    let bench = Bench::new();
    let (one, two) = (bench.path("sets/one"), bench.path("sets/two"));
    fs::create_dir(bench.path("sets")).unwrap();
    bench.server(&one, 0);
    bench.server(&two, 0);
    symlink(&one, bench.path("server")).unwrap();
    bench.client("fresh", 0);
    let daemon = bench.start();
    let first = bench.served();
    shows(&daemon, &first);
    let refused = |what: &str, times: usize| {
        eventually(what, || {
            let log = daemon.log();
            (log.matches("TLS FILES NOT RELOADED").count() >= times).then_some(())
        });
        assert_eq!(shown(&daemon), first.serial, "{what}");
        curl(&bench, &daemon, "fresh");
    };
    let good = fs::read(one.join("cert.pem")).unwrap();
    let put = |name: &str, content: &[u8]| {
        let file = one.join(name);
        let scratch = one.join("scratch");
        fs::write(&scratch, content).unwrap();
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o400)).unwrap();
        fs::rename(scratch, file).unwrap();
    };
    put("cert.pem", &fs::read(two.join("cert.pem")).unwrap());
    refused("a certificate of another key", 1);
    put("cert.pem", &good[..good.len() / 2]);
    refused("half a certificate", 2);
    put("cert.pem", &good);
    fs::set_permissions(one.join("key.pem"), fs::Permissions::from_mode(0o444)).unwrap();
    let hangup = || {
        run(
            program("kill").args(["-HUP", &daemon.pid().to_string()]),
            b"",
        )
    };
    hangup().ok();
    refused("a key that others can read", 3);
    fs::set_permissions(one.join("key.pem"), fs::Permissions::from_mode(0o400)).unwrap();

    // A directory that is exchanged as a whole, as a mounted secret is.
    let next = bench.path("next");
    symlink(&two, &next).unwrap();
    fs::rename(&next, bench.path("server")).unwrap();
    shows(&daemon, &bench.served());
    assert_ne!(bench.served().serial, first.serial);
    curl(&bench, &daemon, "fresh");
}
