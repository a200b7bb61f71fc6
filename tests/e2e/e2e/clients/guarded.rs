//! The same clients through the guard, before a stock dockerd.

use std::path::Path;
use std::process::Command;

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, NetNs, program, run};

use super::venv::{node_command, python};
use super::{node, suite, testcontainers};

/// Where a dockerd is whose tests of docker-py were recorded (28.5.2).
const DOCKERD: &str = "LOCKGATE_GUARD_DOCKERD";

/// A door, and a dockerd with a network of its own behind it.
fn guarded(dockerd: &Path) -> (Daemon, Dockerd) {
    let behind = Dockerd::start_program_in(dockerd, NetNs::new("lgg"), &[]);
    let door = Daemon::start_with(DaemonOptions {
        args: vec![format!("--guard=unix://{}", behind.socket().display())],
        config: None,
    });
    (door, behind)
}

/// Beside the containers, where the usual socket is not.
fn beside(behind: &Dockerd, door: &Daemon) -> Command {
    let mut command = behind.netns().command("unshare");
    let hide = "mount -t tmpfs t /run && exec \"$@\"";
    command
        .args(["--mount", "sh", "-c", hide, "sh"])
        .env("DOCKER_HOST", format!("unix://{}", door.socket().display()))
        .env("TESTCONTAINERS_RYUK_DISABLED", "true")
        .env("HOME", door.path(""));
    command
}

#[test]
fn dockerode_notices_no_guard() {
    let packages = node::packages();
    let (door, _behind) = guarded("dockerd".as_ref());
    door.load_busybox();
    let mut command = node_command(&packages, node::DOCKERODE);
    command.env("DOCKER_HOST", format!("unix://{}", door.socket().display()));
    assert_eq!(run(&mut command, b"").ok(), "ok");
}

#[test]
fn testcontainers_notice_no_guard() {
    let packages = node::packages();
    let python = python("testcontainers-4.15.0", &["testcontainers==4.15.0"]);
    let (door, behind) = guarded("dockerd".as_ref());
    door.load_busybox();
    let mut command = beside(&behind, &door);
    command.arg(python).args(["-c", testcontainers::SCRIPT]);
    assert_eq!(run(&mut command, b"").ok().lines().last(), Some("ok"));
    let program = std::fs::read_to_string(packages.join("node")).unwrap();
    let mut command = beside(&behind, &door);
    command
        .args([program.as_str(), "-e", node::SERVICES])
        .current_dir(&packages);
    assert_eq!(run(&mut command, b"").ok(), "ok");
}

/// A quarter of an hour: every test of docker-py that dockerd passes, at the door before it.
#[test]
#[ignore = "long; LOCKGATE_GUARD_DOCKERD names a dockerd 28.5.2"]
fn docker_py_s_own_tests_notice_no_guard() {
    let dockerd = std::env::var(DOCKERD).expect("LOCKGATE_GUARD_DOCKERD names a dockerd");
    let version = run(program(&dockerd).arg("--version"), b"");
    assert!(version.ok().contains("28.5.2"), "{version}");
    let (door, behind) = guarded(dockerd.as_ref());
    door.load_busybox_as(&suite::IMAGES);
    suite::all_pass(&door, behind.netns(), &suite::passed_by_dockerd());
}
