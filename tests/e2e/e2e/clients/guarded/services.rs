//! Libraries that start services, and Compose.

use lockgate_testkit::run;

use super::Guarded;
use super::builder::buildx;
use crate::clients::compose_builds::{Builder, from_build_to_down};
use crate::clients::venv::{node_command, python};
use crate::clients::{compose, node, rust, testcontainers};

#[test]
fn dockerode_notices_no_guard() {
    let packages = node::packages();
    let guarded = Guarded::with_busybox();
    let mut command = node_command(&packages, node::DOCKERODE);
    let host = format!("unix://{}", guarded.door.socket().display());
    command.env("DOCKER_HOST", host);
    assert_eq!(run(&mut command, b"").ok(), "ok");
}

#[test]
fn testcontainers_notice_no_guard() {
    let packages = node::packages();
    let python = python("testcontainers-4.15.0", &["testcontainers==4.15.0"]);
    let guarded = Guarded::with_busybox();
    let mut command = guarded.beside();
    command.arg(python).args(["-c", testcontainers::SCRIPT]);
    assert_eq!(run(&mut command, b"").ok().lines().last(), Some("ok"));
    let program = std::fs::read_to_string(packages.join("node")).unwrap();
    let mut command = guarded.beside();
    command
        .args([program.as_str(), "-e", node::SERVICES])
        .current_dir(&packages);
    assert_eq!(run(&mut command, b"").ok(), "ok");
    let mut command = guarded.beside();
    command.arg(rust::test_program("testcontainers"));
    run(&mut command, b"").ok();
    assert_eq!(guarded.door.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn compose_notices_no_guard() {
    let guarded = Guarded::with_busybox();
    compose::up_and_down(&guarded.door, guarded.behind.netns());
}

#[test]
fn compose_builds_and_scales_and_copies_before_a_guard() {
    let guarded = Guarded::with_busybox();
    from_build_to_down(&guarded.door, guarded.behind.netns(), Builder::Classic);
}

#[test]
#[ignore = "needs buildx 0.29.1: cargo xtask guarded --dockerd PATH --buildx PATH"]
fn compose_builds_with_buildx_before_a_guard() {
    let guarded = Guarded::with_busybox();
    let buildx = Builder::Buildx(&buildx());
    from_build_to_down(&guarded.door, guarded.behind.netns(), buildx);
}
