//! `lockgate dockerd configure` on a machine of files; dockerd itself judges what it wrote.

use std::process::Command;

use crate::doctor::{Machine, UNIT};
use crate::support::*;

const FULL_UNIT: &str = "[Service]\nEnvironmentFile=-/etc/default/docker\n\
    ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/c.sock $DOCKER_OPTS\n";
const JSON: &str = "{\n    \"log-opts\": {\"max-size\":  \"1m\"},\n    \"icc\": false\n}\n";

/// dockerd as Debian installs it, without TCP.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.write("lib/systemd/system/docker.service", FULL_UNIT);
    machine.write("etc/docker/daemon.json", JSON);
    machine
}

const WANTED: &str = "dockerd configure --root m --host tcp://10.1.2.3:2376 --certs /etc/docker";

#[test]
fn shows_the_difference_and_changes_nothing_without_yes() {
    let machine = stock();
    let before = machine.0.tree();
    let text = machine.0.ok(WANTED);
    for line in [
        "-    \"icc\": false\n",
        "+    \"hosts\": [\"fd://\",\"tcp://10.1.2.3:2376\"],\n",
        "+    \"tlsverify\": true,\n",
        "+ExecStart=/usr/sbin/dockerd --containerd=/run/c.sock $DOCKER_OPTS\n",
        "apply it with --yes",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(machine.0.tree(), before);
}

#[test]
fn what_it_applies_is_healthy_is_kept_a_second_time_and_can_be_undone() {
    let machine = stock();
    let before = machine.0.tree();
    machine.0.ok(&format!("{WANTED} --yes"));
    let doctor = machine
        .0
        .lockgate("doctor --files-only --root m")
        .output()
        .unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", both(&doctor));
    assert_eq!(
        machine.0.ok(&format!("{WANTED} --yes")),
        "nothing to change\n"
    );
    let json = machine.0.sh("cat m/etc/docker/daemon.json");
    assert!(
        json.starts_with("{\n    \"log-opts\": {\"max-size\":  \"1m\"},\n"),
        "{json}"
    );
    assert_eq!(
        machine.0.sh("cat m/etc/docker/daemon.json.before-lockgate"),
        JSON
    );
    // A second change keeps the first backup.
    machine
        .0
        .ok("dockerd configure --root m --host tcp://10.1.2.3:2377 --yes");
    machine.0.ok("dockerd configure --root m --undo");
    let folder = "m/etc/systemd";
    machine.0.sh(&format!(
        "rmdir {folder}/system/docker.service.d {folder}/system {folder}"
    ));
    assert_eq!(machine.0.tree(), before);
    let told = machine.0.refused("dockerd configure --root m --undo");
    assert!(told.contains("nothing to undo"), "{told}");
}

#[test]
fn undo_does_not_touch_what_somebody_changed_since() {
    let machine = stock();
    machine.0.ok(&format!("{WANTED} --yes"));
    machine.0.sh("echo >> m/etc/docker/daemon.json");
    let told = machine.0.refused("dockerd configure --root m --undo");
    assert!(
        told.contains("was changed since; nothing is undone"),
        "{told}"
    );
}

#[test]
fn undo_mends_a_run_that_was_killed_between_two_files() {
    let machine = stock();
    let before = machine.0.tree();
    machine.0.ok(&format!("{WANTED} --yes"));
    // As if it had ended after the record and the backup, or before the drop-in.
    machine.0.sh(
        "cp -p m/etc/docker/daemon.json.before-lockgate m/etc/docker/daemon.json
                  rm -r m/etc/systemd",
    );
    machine.0.ok("dockerd configure --root m --undo");
    assert_eq!(machine.0.tree(), before);
}

#[test]
fn mends_hosts_in_both_places() {
    let machine = Machine::new();
    machine.write("lib/systemd/system/docker.service", UNIT);
    machine.0.ok("dockerd configure --root m --yes");
    let doctor = machine
        .0
        .lockgate("doctor --files-only --root m")
        .output()
        .unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", both(&doctor));
}

#[test]
fn refuses_tcp_without_certificates_and_certificates_that_would_not_do() {
    let machine = stock();
    let told = machine
        .0
        .refused("dockerd configure --root m --host tcp://0.0.0.0:2376 --yes");
    assert!(told.contains("--certs DIR"), "{told}");
    machine
        .0
        .sh("mkdir m/alice && cp -p pki/client-alice/*.pem m/alice");
    for (words, wanted) in [
        ("--host tcp://10.1.2.3:2376 --certs /alice", "serverAuth"),
        (
            "--host tcp://10.9.9.9:2376 --certs /etc/docker",
            "not valid for 10.9.9.9",
        ),
        (
            "--host http://0.0.0.0 --certs /etc/docker",
            "no address to listen on",
        ),
        ("--host tcp://0.0.0.0:2376 --certs /nothing", "cannot read"),
    ] {
        let told = machine
            .0
            .refused(&format!("dockerd configure --root m {words} --yes"));
        assert!(told.contains(wanted), "{told}");
    }
    machine.write("etc/default/docker", "DOCKER_OPTS=-H tcp://0.0.0.0:2375\n");
    let told = machine.0.refused(&format!("{WANTED} --yes"));
    assert!(told.contains("$DOCKER_OPTS"), "{told}");
    machine.write("etc/docker/daemon.json", "[1]");
    machine.write("etc/default/docker", "");
    assert!(
        machine
            .0
            .refused(&format!("{WANTED} --yes"))
            .contains("no JSON object")
    );
}

#[test]
fn an_override_that_is_there_is_changed_and_not_shadowed() {
    let machine = stock();
    machine.write(
        "etc/systemd/system/docker.service.d/zz.conf",
        "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --mtu 1400\nNice=5\n",
    );
    machine.0.ok(&format!("{WANTED} --yes"));
    let text = machine.0.sh("cat m/etc/systemd/system/docker.service.d/zz.conf; ! ls m/etc/systemd/system/docker.service.d/override.conf 2>/dev/null");
    assert_eq!(
        text,
        "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --mtu 1400\nNice=5\n"
    );
}

/// The written file is read by dockerd itself: a daemon that would refuse it says so before it
/// does anything (it is given no place to listen that it could use).
#[test]
fn dockerd_reads_what_was_written_and_refuses_what_was_mended() {
    let machine = stock();
    let dockerd = |machine: &Machine, flags: &[&str]| {
        let file = machine.0.path("m/etc/docker/daemon.json");
        let output = Command::new("/usr/sbin/dockerd")
            .args([
                "--config-file",
                file.to_str().unwrap(),
                "--data-root",
                "/dev/null/x",
            ])
            .args(["--exec-root", "/dev/null/y", "--pidfile", "/dev/null/z"])
            .args(flags)
            .output()
            .unwrap();
        both(&output)
    };
    machine.0.ok(&format!("{WANTED} --yes"));
    let told = dockerd(&machine, &["-H", "fd://"]);
    assert!(
        told.contains("specified both as a flag and in the configuration file: hosts"),
        "{told}"
    );
    let told = dockerd(&machine, &[]);
    assert!(
        !told.contains("configuration file") && told.contains("/dev/null"),
        "{told}"
    );
}
