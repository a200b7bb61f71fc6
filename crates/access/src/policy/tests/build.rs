//! Conditions of roles that build.

use super::*;

/// A build by somebody with all that is not said here.
fn build(only: &str, query: &str) -> Grant {
    let policy = format!("[roles.x]\nallow = [\"operator\", \"build\"]\n[roles.x.only]\n{only}");
    request(&policy, "POST", &format!("/build?{query}"), "")
}

#[test]
fn a_build_keeps_to_them_as_far_as_its_query_says() {
    for (only, query, allowed) in [
        // The Dockerfile names images that nobody here reads.
        ("images = [\"ci/*\"]", "t=ci%2Fapp", false),
        ("images = [\"*\"]", "", false),
        ("registries = [\"docker.io\"]", "t=ci%2Fapp", false),
        // It says as whom its steps run, too.
        ("users = [\"1000\"]", "", false),
        ("users = [\"1000\", \"\"]", "", true),
        ("networks = [\"none\"]", "networkmode=none", true),
        ("networks = [\"none\"]", "", false),
        (
            "networks = [\"none\"]",
            "networkmode=container%3Abobs",
            false,
        ),
        ("memory = \"512m\"", "memory=1000000", true),
        ("memory = \"512m\"", "", false),
        ("memory = \"512m\"", "memory=1000000&memswap=-1", false),
        ("memory = \"512m\"", "memory=x", false),
        ("cpus = 1.5", "cpuquota=50000&cpuperiod=100000", true),
        ("cpus = 1.5", "cpuquota=50000&cpuperiod=1000", false),
        // There is no such limit of a build, so nobody can keep to it.
        ("pids = 10", "", false),
    ] {
        let grant = build(only, query);
        assert_eq!(is_allowed(&grant), allowed, "{only} {query}: {grant:?}");
    }
}

// T: indirect-object
#[test]
fn no_image_gets_a_permitted_name_without_a_look_at_what_it_is() {
    let policy = "[roles.x]\nallow = [\"operator\", \"build\"]\nhost = { drivers = [\"*\"] }\n[roles.x.only]\nimages = [\"ci/*\"]";
    for (target, allowed) in [
        ("/build?t=ci%2Fapp", false),
        ("/build?t=ci%2Fapp&version=2&session=x", false),
        ("/images/load", false),
        ("/images/load?quiet=1", false),
        ("/images/create?fromSrc=-&repo=ci%2Fapp", false),
        (
            "/images/create?fromSrc=http%3A%2F%2F192.0.2.1%2Fx&repo=ci%2Fapp",
            false,
        ),
        ("/images/create?repo=ci%2Fapp", false),
        ("/images/create?fromImage=&fromSrc=-&repo=ci%2Fapp", false),
        // Of a container that was made from a permitted image.
        ("/commit?container=alices&repo=ci%2Fapp", true),
        ("/commit?container=alices&repo=evil", false),
        ("/commit?container=alices", true),
        ("/commit?container=bobs&repo=ci%2Fapp", false),
        ("/commit?container=c&repo=ci%2Fapp", false),
    ] {
        let grant = request(policy, "POST", target, "");
        assert_eq!(is_allowed(&grant), allowed, "{target}: {grant:?}");
        assert!(
            allowed || matches!(grant, Grant::Condition { .. }),
            "{grant:?}"
        );
    }
    let told = format!("{:?}", request(policy, "POST", "/build", ""));
    assert!(
        told.contains("Dockerfile") && told.contains("give `build` by a role without them"),
        "{told}"
    );
}

#[test]
fn another_role_without_the_condition_can_give_builds() {
    let two = "[roles.x]\nallow = [\"operator\"]\n[roles.x.only]\nimages = [\"ci/*\"]\n\
        [roles.y]\nallow = [\"build\"]\n[[bindings]]\ncommon_name = \"alice\"\nroles = [\"y\"]";
    assert!(is_allowed(&request(two, "POST", "/build", "")));
    assert!(!is_allowed(&request(two, "POST", "/images/load", "")));
}
