//! Who has which roles, and what the built-in ones give.

use super::*;

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
fn a_file_that_is_not_there_means_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    assert!(Policy::load(&path).unwrap().is_absent());
    std::fs::write(&path, "bindings = []").unwrap();
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
            .operations
    };
    let (viewer, operator, admin) = (of("viewer"), of("operator"), of("admin"));
    assert!(viewer.iter().all(|operation| !operation.mutates()));
    assert!(operator.is_subset(&admin));
    assert_eq!(admin.len(), Operation::ALL.len());
}

#[test]
fn the_names_of_the_newer_built_in_roles_can_be_taken() {
    let policy = Policy::parse("[roles.deployer]\nallow = [\"SystemPing\"]\n[[bindings]]\nroles = [\"deployer\"]\nuid = 7\n").unwrap();
    assert!(allows(&policy, &unix(7, 7, &[]), Operation::SystemPing));
    assert!(!allows(
        &policy,
        &unix(7, 7, &[]),
        Operation::ContainerCreate
    ));
}

#[test]
fn whoever_can_become_root_is_named() {
    let policy = Policy::parse(
        "[roles.paths]\nallow = [\"container.create\"]\n[roles.paths.host]\npaths = [\"/srv\", \"/usr:ro\"]\n\
         [roles.safe]\nallow = [\"operator\"]\n[roles.no]\ndeny = [\"host.*\"]\n\
         [[bindings]]\nroles = [\"paths\"]\ncommon_name = \"alice\"\n\
         [[bindings]]\nroles = [\"safe\"]\ncommon_name = \"bob\"\n\
         [[bindings]]\nroles = [\"admin\"]\norganizational_unit = \"ops\"\n\
         [[bindings]]\nroles = [\"no\", \"deployer\"]\nuid = 5\n",
    )
    .unwrap();
    let roots = policy.roots(&SocketOwners { groups: vec![900] });
    let who: Vec<&str> = roots.iter().map(|root| root.who.as_str()).collect();
    assert_eq!(
        who,
        [
            "uid 0 on the unix socket",
            "gid 900 on the unix socket",
            "common_name \"alice\"",
            "organizational_unit \"ops\"",
            "certificates that carry the role \"admin\"",
            "certificates that carry the role \"paths\""
        ]
    );
    assert_eq!(
        roots[2].through,
        ["writing to /srv (if root uses what is there)"]
    );
    assert!(roots[3].through.contains(&"host.privileged".to_owned()));
    let absent = Policy::absent().roots(&SocketOwners::default());
    assert!(
        absent
            .iter()
            .any(|root| root.who.contains("every valid client certificate"))
    );
}

/// What `roots` says of a role, bound to a user of this machine.
fn ways(role: &str) -> String {
    let bind = "[[bindings]]\nroles = [\"x\"]\nuid = 7\n";
    let policy = Policy::parse(&format!(
        "certificate_roles = []\n[roles.x]\n{role}\n{bind}"
    ));
    let roots = policy.unwrap().roots(&SocketOwners::default());
    let hers = roots.iter().filter(|root| root.who.contains("uid 7"));
    hers.flat_map(|root| root.through.clone())
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn each_way_to_root_is_told() {
    for (role, way) in [
        ("allow = [\"ServiceCreate\"]", "swarm"),
        ("allow = [\"SwarmJoin\"]", "swarm"),
        ("allow = [\"PluginSet\", \"PluginEnable\"]", "plugins"),
        ("allow = [\"ElevationStart\"]", "roles for a time"),
        ("allow = [\"door.admin\"]", "roles for a time"),
        ("allow = [\"Session\"]", "build sessions"),
        (
            "allow = [\"Grpc\"]\nhost = { namespaces = [\"network\"] }",
            "gRPC",
        ),
        (
            "allow = [\"container.attach\", \"host.privileged\"]",
            "host.privileged",
        ),
        (
            "allow = [\"container.files.write\", \"host.paths\"]",
            "host.paths",
        ),
        (
            "allow = [\"ImageBuild\", \"host.security\"]",
            "host.security",
        ),
        (
            "allow = [\"container.create\"]\nhost = { paths = [\"/:ro\"] }",
            "looking into /",
        ),
        (
            "allow = [\"container.create\"]\nhost = { paths = [\"/run/docker.sock:ro\"] }",
            "looking into /run",
        ),
    ] {
        assert!(ways(role).contains(way), "{role}: {}", ways(role));
    }
    for role in [
        "allow = [\"operator\", \"build\"]\ndeny = [\"Session\"]",
        "allow = [\"Grpc\"]",
        "allow = [\"ServiceCreate\"]\nonly = { images = [\"a\"] }",
        "allow = [\"ServiceCreate\"]\ndeny = [\"host.paths\"]",
        "allow = [\"container.create\"]\nhost = { paths = [\"/usr/share:ro\"] }",
        "allow = [\"viewer\", \"host.privileged\"]",
    ] {
        assert_eq!(ways(role), "", "{role}");
    }
}
