use std::collections::BTreeSet;
use std::time::SystemTime;

use lockgate_api::Operation;
use proptest::prelude::*;

use super::*;
use crate::{Certificate, Power, Principal, UnixPeer};

fn certificate(common_name: &str, unit: &str) -> Principal {
    Principal::Certificate(Box::new(Certificate {
        common_name: common_name.to_owned(),
        sans: vec!["build.example".to_owned()],
        organization: vec!["Example".to_owned()],
        organizational_unit: vec![unit.to_owned()],
        serial: "12ab".to_owned(),
        issuer: "CN=ours".to_owned(),
        spki_sha256: "0a".repeat(32),
        not_after: SystemTime::UNIX_EPOCH,
    }))
}

fn unix(uid: u32, gid: u32, groups: &[u32]) -> Principal {
    Principal::Unix(UnixPeer {
        uid,
        gid,
        pid: None,
        groups: groups.to_vec(),
    })
}

fn ask(policy: &Policy, principal: &Principal, operation: Operation, powers: &[Power]) -> Grant {
    let owners = SocketOwners { groups: vec![900] };
    policy.decide(
        &owners,
        Question {
            principal,
            operation,
            powers,
        },
    )
}

fn allows(policy: &Policy, principal: &Principal, operation: Operation) -> bool {
    matches!(ask(policy, principal, operation, &[]), Grant::Allow { .. })
}

fn refused(text: &str) -> String {
    let error = Policy::parse(text).unwrap_err();
    let cause = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{error} {cause}")
}

#[test]
fn every_condition_of_a_binding_must_hold() {
    let alice = certificate("alice", "ops");
    for (conditions, bound) in [
        ("common_name = \"alice\"", true),
        ("common_name = \"Alice\"", false),
        (
            "common_name = \"alice\"\norganizational_unit = \"ops\"",
            true,
        ),
        (
            "common_name = \"alice\"\norganizational_unit = \"dev\"",
            false,
        ),
        ("organization = \"Example\"", true),
        ("san = \"build.example\"", true),
        ("serial = \"12:AB\"\nissuer = \"CN=ours\"", true),
        ("serial = \"0012ab\"", true),
        ("serial = \"12ab\"\nissuer = \"CN=theirs\"", false),
        (&format!("spki_sha256 = \"{}\"", "0A".repeat(32)), true),
        ("uid = 0", false),
        ("loopback = true", false),
    ] {
        let text = format!("[[bindings]]\nroles = [\"admin\"]\n{conditions}\n");
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(
            allows(&policy, &alice, Operation::SystemInfo),
            bound,
            "{conditions}"
        );
    }
}

#[test]
fn users_and_groups_of_this_machine_can_be_bound() {
    let policy = Policy::parse("[[bindings]]\nroles = [\"viewer\"]\nuid = 1000\n\n[[bindings]]\nroles = [\"viewer\"]\ngid = 50\n").unwrap();
    for (principal, allowed) in [
        (unix(1000, 1000, &[]), true),
        (unix(1001, 50, &[]), true),
        (unix(1001, 1001, &[50]), true),
        (unix(1001, 1001, &[51]), false),
    ] {
        assert_eq!(
            allows(&policy, &principal, Operation::ContainerList),
            allowed
        );
        assert!(!allows(&policy, &principal, Operation::ContainerKill));
    }
}

#[test]
fn the_owners_of_the_socket_are_admin_under_any_policy() {
    for policy in [
        Policy::absent(),
        Policy::broken("x"),
        Policy::parse("").unwrap(),
    ] {
        for owner in [unix(0, 0, &[]), unix(5, 900, &[]), unix(5, 5, &[900])] {
            assert!(allows(&policy, &owner, Operation::ContainerCreate));
        }
    }
    let policy = Policy::parse("").unwrap();
    assert!(!allows(&policy, &unix(5, 5, &[]), Operation::SystemPing));
    // A certificate is no owner, whatever it says of itself.
    assert!(!allows(
        &policy,
        &certificate("root", "0"),
        Operation::SystemPing
    ));
}

#[test]
fn deny_wins_over_every_allow() {
    let policy = Policy::parse(
        "[roles.careful]\nallow = [\"*\"]\ndeny = [\"ContainerDelete\", \"Image\"]\n\
         [[bindings]]\nroles = [\"careful\", \"admin\"]\ncommon_name = \"alice\"\n",
    )
    .unwrap();
    let alice = certificate("alice", "");
    assert!(allows(&policy, &alice, Operation::ContainerKill));
    for denied in [Operation::ContainerDelete, Operation::ImageList] {
        assert_eq!(
            ask(&policy, &alice, denied, &[]),
            Grant::Forbidden {
                role: "careful".to_owned()
            }
        );
    }
}

#[test]
fn power_over_the_host_needs_a_role_that_has_it() {
    let text = |powers| {
        format!(
            "[roles.build]\nallow = [\"ContainerCreate\"]\npowers = {powers}\n\
             [[bindings]]\nroles = [\"build\"]\ncommon_name = \"alice\"\n"
        )
    };
    let alice = certificate("alice", "");
    let create = |powers| {
        let policy = Policy::parse(&text(powers)).unwrap();
        ask(
            &policy,
            &alice,
            Operation::ContainerCreate,
            &[Power::HostPath],
        )
    };
    assert_eq!(
        create(false),
        Grant::Power {
            power: Power::HostPath
        }
    );
    assert_eq!(
        create(true),
        Grant::Allow {
            role: "build".to_owned()
        }
    );
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    let unknown = refused("[[bindings]]\nroles = [\"admin\"]\ncommon-name = \"alice\"\n");
    assert!(
        unknown.contains("line 3") && unknown.contains("common-name"),
        "{unknown}"
    );
    for (text, expected) in [
        ("[[binding]]\n", "binding"),
        ("[roles.admin]\nallow = [\"*\"]\n", "built in"),
        (
            "[roles.x]\nallow = [\"ContainerCreat\"]\n",
            "ContainerCreat",
        ),
        ("[[bindings]]\nroles = [\"nope\"]\nuid = 1\n", "`nope`"),
        (
            "[[bindings]]\nroles = [\"admin\"]\n",
            "at least one condition",
        ),
        ("[[bindings]]\nuid = 1\n", "at least one condition"),
        (
            "[[bindings]]\nroles = [\"admin\"]\ncommon_name = \" \"\n",
            "common_name",
        ),
        (
            "[[bindings]]\nroles = [\"admin\"]\nserial = \"xyz\"\n",
            "serial",
        ),
        (
            "[[bindings]]\nroles = [\"admin\"]\nloopback = false\n",
            "loopback",
        ),
        ("[[bindings]]\nroles = [\"admin\"]\nuid = -1\n", "uid"),
        ("[roles.x]\nallow = \"*\"\n", "allow"),
        ("nonsense", "invalid"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_file_that_is_not_there_means_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    assert!(Policy::load(&path).unwrap().is_absent());
    std::fs::write(&path, "").unwrap();
    let empty = Policy::load(&path).unwrap();
    assert!(!empty.is_absent());
    assert!(!allows(
        &empty,
        &certificate("alice", ""),
        Operation::SystemPing
    ));
    std::fs::write(&path, b"\xff").unwrap();
    assert!(matches!(Policy::load(&path), Err(PolicyError::Read(_))));
}

#[test]
fn the_built_in_roles_are_nested() {
    let of = |name: &str| -> BTreeSet<Operation> {
        let roles = role::built_in();
        roles
            .into_iter()
            .find(|role| role.name == name)
            .unwrap()
            .allow
    };
    let (viewer, operator, admin) = (of("viewer"), of("operator"), of("admin"));
    assert!(viewer.iter().all(|operation| !operation.mutates()));
    assert!(operator.is_subset(&admin));
    assert_eq!(admin.len(), Operation::ALL.len());
}

proptest! {
    #[test]
    fn another_deny_never_allows_more(
        allow in proptest::sample::subsequence(Operation::ALL.to_vec(), 0..20),
        deny in proptest::sample::subsequence(Operation::ALL.to_vec(), 0..20),
        more in proptest::sample::select(Operation::ALL.to_vec()),
    ) {
        let policy = |deny: &[Operation]| {
            let list = |operations: &[Operation]| {
                let names: Vec<_> = operations.iter().map(|o| format!("\"{o}\"")).collect();
                names.join(", ")
            };
            Policy::parse(&format!(
                "[roles.x]\nallow = [{}]\ndeny = [{}]\n[[bindings]]\nroles = [\"x\"]\nuid = 7\n",
                list(&allow),
                list(deny)
            ))
            .unwrap()
        };
        let wider: Vec<_> = deny.iter().copied().chain([more]).collect();
        let (before, after) = (policy(&deny), policy(&wider));
        let somebody = unix(7, 7, &[]);
        for operation in Operation::ALL {
            let allowed = allows(&before, &somebody, *operation);
            prop_assert_eq!(allowed, allow.contains(operation) && !deny.contains(operation));
            prop_assert!(allowed || !allows(&after, &somebody, *operation));
        }
    }
}
