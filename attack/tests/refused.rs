//! CI's form: every attack on Lockgate is refused, whatever is behind its door.

#![expect(clippy::expect_used, reason = "test code")]

use std::process::Command;

fn every_attack_is_refused_by(target: &str) {
    let suite = Command::new(env!("CARGO_BIN_EXE_lockgate-attack"))
        .args(["spawn", target])
        .output()
        .expect("the suite starts");
    let said = String::from_utf8_lossy(&suite.stdout);
    let loud = String::from_utf8_lossy(&suite.stderr);
    assert!(suite.status.success(), "{said}\n{loud}");
    assert!(said.contains(", 0 leaked, 0 not tried"), "{said}");
}

#[test]
fn every_attack_is_refused_by_the_engine() {
    every_attack_is_refused_by("lockgate");
}

#[test]
fn every_attack_is_refused_before_dockerd() {
    every_attack_is_refused_by("guard-dockerd");
}

#[test]
fn every_attack_is_refused_before_podman() {
    every_attack_is_refused_by("guard-podman");
}
