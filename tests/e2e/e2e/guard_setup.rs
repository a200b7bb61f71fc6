//! What docs/guard.md tells the administrator to write is what systemd, dockerd's socket and the door take.

use std::fs;
use std::path::Path;

use lockgate_testkit::{binary, program, run};

const PAGE: &str = include_str!("../../../docs/guard.md");

/// The block of the page that goes to this path, without the line that says so.
fn block(path: &str) -> String {
    let (_, after) = PAGE.split_once(path).unwrap();
    let (_rest, after) = after.split_once('\n').unwrap();
    let (block, _) = after.split_once("```").unwrap();
    block.to_owned()
}

const THEIRS: &str = "/etc/systemd/system/docker.socket.d/lockgate.conf";
const OURS: &str = "/etc/systemd/system/lockgated.socket.d/guard.conf";
const SETTINGS: &str = "/etc/lockgate/daemon.json";
const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/systemd");

/// What systemd says of a socket unit with this drop-in.
fn verified(from: &Path, unit: &str, drop_in: &str) -> (i32, String) {
    let units = tempfile::tempdir().unwrap();
    let folder = units.path().join(format!("{unit}.socket.d"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("drop-in.conf"), drop_in).unwrap();
    for kind in ["socket", "service"] {
        let name = format!("{unit}.{kind}");
        let text = fs::read_to_string(from.join(&name)).unwrap();
        let here = format!("ExecStart={}", binary("lockgated").display());
        let text = text.replace("ExecStart=/usr/sbin/lockgated", &here);
        fs::write(units.path().join(&name), text).unwrap();
    }
    let mut verify = program("systemd-analyze");
    verify
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(units.path().join(format!("{unit}.socket")))
        .env("SYSTEMD_UNIT_PATH", format!("{}:", units.path().display()));
    let ended = run(&mut verify, b"");
    (ended.code(), ended.stdout + &ended.stderr)
}

// That they do what they say is seen in a guest: `cargo xtask vm --guard`.
#[test]
fn the_drop_ins_are_what_systemd_reads_and_leave_the_sockets_to_root_alone() {
    for (from, unit, path, lines) in [
        (
            "/lib/systemd/system",
            "docker",
            THEIRS,
            &[
                "ListenStream=",
                "SocketMode=0600",
                "SocketGroup=root",
                "DirectoryMode=0700",
            ][..],
        ),
        (
            UNITS,
            "lockgated",
            OURS,
            &["ListenStream=/run/docker.sock", "SocketGroup=root"],
        ),
    ] {
        let (from, text) = (Path::new(from), block(path));
        assert_eq!(verified(from, unit, &text), (0, String::new()));
        // A word that systemd does not know would be told.
        let (_, said) = verified(from, unit, "[Socket]\nSocketMod=0600\n");
        assert!(said.contains("SocketMod"), "{said}");
        for line in lines {
            assert!(text.lines().any(|written| written == *line), "{line}");
        }
    }
}

#[test]
fn the_settings_of_the_door_are_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let pki = folder.path().join("pki");
    let mut quick = program(binary("lockgate"));
    quick.args(["ca", "quick", "--no-passphrase", "--san", "127.0.0.1"]);
    run(quick.arg(&pki), b"").ok();
    let file = folder.path().join("daemon.json");
    fs::write(&file, block(SETTINGS)).unwrap();
    let mut validate = program(binary("lockgated"));
    validate.arg("--validate").arg("--config-file").arg(&file);
    for (flag, name) in [
        ("--tlscacert", "ca.pem"),
        ("--tlscert", "cert.pem"),
        ("--tlskey", "key.pem"),
    ] {
        validate.arg(flag).arg(pki.join("server").join(name));
    }
    run(&mut validate, b"").ok();
    let socket = "ListenStream=/run/dockerd/docker.sock";
    assert!(
        block(THEIRS).contains(socket)
            && block(SETTINGS).contains("unix:///run/dockerd/docker.sock")
    );
}
