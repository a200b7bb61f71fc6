//! What docs/guard.md tells the administrator to write is what systemd, dockerd's socket and the door take.

use std::fs;

use lockgate_testkit::{binary, program, run};

const PAGE: &str = include_str!("../../../docs/guard.md");

/// The first block of the page in this language, without the line that says where it goes.
fn block(language: &str) -> String {
    let (_, after) = PAGE.split_once(&format!("```{language}\n")).unwrap();
    let (block, _) = after.split_once("```").unwrap();
    let (_where, text) = block.split_once('\n').unwrap();
    text.to_owned()
}

#[test]
fn the_drop_in_is_what_systemd_reads_and_leaves_the_socket_to_root_alone() {
    let units = tempfile::tempdir().unwrap();
    let folder = units.path().join("docker.socket.d");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("lockgate.conf"), block("ini")).unwrap();
    for unit in ["docker.socket", "docker.service"] {
        let theirs = format!("/lib/systemd/system/{unit}");
        fs::copy(theirs, units.path().join(unit)).unwrap();
    }
    let verify = |more: &str| {
        let conf = folder.join("more.conf");
        fs::write(&conf, more).unwrap();
        let mut verify = program("systemd-analyze");
        verify
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(units.path().join("docker.socket"))
            .env("SYSTEMD_UNIT_PATH", format!("{}:", units.path().display()));
        let ended = run(&mut verify, b"");
        (ended.code(), ended.stdout + &ended.stderr)
    };
    assert_eq!(verify(""), (0, String::new()));
    // A word that systemd does not know would be told.
    assert!(verify("[Socket]\nSocketMod=0600\n").1.contains("SocketMod"));
    let all = block("ini");
    for line in [
        "ListenStream=",
        "SocketMode=0600",
        "SocketGroup=root",
        "DirectoryMode=0700",
    ] {
        assert!(all.lines().any(|written| written == line), "{line}");
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
    fs::write(&file, block("json")).unwrap();
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
        block("ini").contains(socket) && block("json").contains("unix:///run/dockerd/docker.sock")
    );
}
