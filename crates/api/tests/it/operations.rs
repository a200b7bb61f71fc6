//! The table against the API description.

use lockgate_api::{Operation, TABLE, route};

/// `METHOD PATH OPERATION` of every operation of the API description 1.55.
const DESCRIBED: &str = include_str!("../operations-1.55.txt");

#[test]
fn every_described_operation_is_routed_by_its_own_name() {
    let mut count = 0;
    for line in DESCRIBED.lines() {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("three words a line");
        let (method, path, operation) = (word(), word(), word());
        let path = path.replace("{id}", "x1").replace("{name}", "x1");
        for target in [path.clone(), format!("/v1.55{path}")] {
            let call = route(method, &target).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(call.operation().name(), operation, "{line}");
        }
        count += 1;
    }
    assert_eq!(count, 108);
}

#[test]
fn every_operation_has_a_route() {
    for operation in Operation::ALL {
        assert!(
            TABLE.iter().any(|route| route.operation == *operation),
            "{operation}"
        );
    }
}
