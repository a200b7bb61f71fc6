//! Every target for a moment, and every input that was once too much for one.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::time::Duration;

use lockgate_fuzz::{TARGETS, found, one, run};

/// The same inputs in every run: what fails here fails again.
const SEED: u64 = 1;

fn survives(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let report = run(target, SEED, Duration::from_secs(2)).unwrap();
    assert!(
        report.inputs > 10 && report.answers > target_of(name),
        "{name} is not reached: {report:?}"
    );
}

/// How many different answers a moment must bring at least: fewer would mean that nothing is reached.
fn target_of(name: &str) -> usize {
    match name {
        "csr" | "dns" => 5,
        _ => 2,
    }
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { survives($name); })*

        #[test]
        fn every_target_is_here() {
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), [$($name),*]);
        }
    };
}

targets! {
    requests_for_certificates "csr"
    revocation_lists "crl"
    pem_files "pem"
    invitations "token"
    paths "route"
    bodies "body"
    policies "policy"
    audit_logs "audit"
    daemon_json "daemon-json"
    names_of_images "reference"
    archives "tar"
    images "load"
    questions_of_containers "dns"
}

#[test]
fn what_was_found_stays_mended() {
    for target in TARGETS {
        for entry in std::fs::read_dir(found(target)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let answer = one(target, &std::fs::read(&path).unwrap());
            assert!(answer.is_ok(), "{}: {answer:?}", path.display());
        }
    }
}
