//! A daemon with its authority at hand: it renews itself, serves invitations, and reads its files again.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use lockgate_pki::Reason;
use lockgate_testkit::{Daemon, NetNs, eventually, program, run};
use lockgate_types::Timestamp;
use serde_json::json;

use super::{Bench, curl, shown, shows};
use crate::identity::Running;

fn start(bench: &Bench) -> Daemon {
    let authority = json!({
        "ca-dir": bench.path("ca"),
        "ca-listen": "127.0.0.1:2378",
        "ca-advertise": "127.0.0.1:2378",
        "ca-passphrase-file": bench.path("passphrase"),
    });
    bench.daemon(NetNs::new("lgca"), &authority)
}

#[test]
fn with_the_authority_at_hand_the_daemon_renews_itself_and_drops_nobody() {
    let bench = Bench::new();
    bench.server(&bench.path("server"), 0);
    bench.client("fresh", 0);
    bench.client("aging", 80);
    let daemon = start(&bench);
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
    let daemon = start(&bench);
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
    let daemon = start(&bench);
    let lockgate = |words: &str| bench.lockgate(daemon.netns(), words);
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
    let daemon = start(&bench);
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
