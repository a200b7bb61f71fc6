//! CI's form: every attack on Lockgate with its own engine is refused.

use std::process::Command;

#[test]
fn every_attack_on_the_engine_is_refused() {
    let suite = Command::new(env!("CARGO_BIN_EXE_lockgate-attack"))
        .args(["spawn", "lockgate"])
        .output()
        .unwrap_or_else(|error| panic!("the suite does not start: {error}"));
    let said = String::from_utf8_lossy(&suite.stdout);
    let loud = String::from_utf8_lossy(&suite.stderr);
    assert!(suite.status.success(), "{said}\n{loud}");
    assert!(said.contains(", 0 leaked, 0 not tried"), "{said}");
}
