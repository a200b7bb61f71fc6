//! Every option of a container is honoured, refused, or listed among the warnings of the answer:
//! none is dropped without a word. One case a field of the API description (`fields.txt`).

mod config;
mod host;
mod lab;
mod resources;
mod update;

use std::collections::BTreeSet;

use lab::Lab;

/// What proves a field.
type Case = (&'static str, fn(&Lab));

#[test]
fn every_field_of_the_description_has_a_case() {
    let fields: BTreeSet<&str> = include_str!("fields.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let cases: Vec<&str> = [host::CASES, resources::CASES, config::CASES]
        .concat()
        .iter()
        .map(|(field, _)| *field)
        .collect();
    let unique: BTreeSet<&str> = cases.iter().copied().collect();
    assert_eq!(unique.len(), cases.len(), "a field has two cases");
    assert_eq!(fields, unique);
}

#[test]
fn host_config_is_honoured_or_refused() {
    prove(host::CASES);
}

#[test]
fn resources_are_honoured_or_refused() {
    prove(resources::CASES);
}

#[test]
fn container_config_is_honoured_or_refused() {
    prove(config::CASES);
}

/// Runs all cases and tells of all that fail.
fn prove(cases: &[Case]) {
    let lab = Lab::start();
    let mut failed = Vec::new();
    for (field, case) in cases {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&lab)));
        if ran.is_err() {
            failed.push(*field);
        }
    }
    assert!(
        failed.is_empty(),
        "not proven: {failed:?}\n{}",
        lab.daemon.log()
    );
}
