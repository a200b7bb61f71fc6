//! What calls must keep to.

use super::*;

#[test]
fn calls_keep_to_what_a_role_is_limited_to() {
    let only = "[roles.x]\nallow = [\"operator\"]\n[roles.x.only]\nimages = [\"ci/*\", \"busybox\"]\n\
        networks = [\"bridge\"]\npublished_ports = [\"8000-8999\"]\nusers = [\"1000\"]\nvolumes = [\"ci-*\"]\n\
        memory = \"512m\"\ncpus = 1.5\npids = 100\nlabels = { team = \"ci\" }";
    let good = [
        ("Image", "\"ci/app\""),
        ("User", "\"1000\""),
        ("Labels", "{\"team\":\"ci\"}"),
    ];
    let host = [
        ("Memory", "1000000"),
        ("NanoCpus", "1000000000"),
        ("PidsLimit", "50"),
    ];
    let body = |config: &[(&str, &str)], more: &[(&str, &str)]| {
        let join = |pairs: BTreeMap<&str, &str>| {
            let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
            pairs.join(",")
        };
        let config: BTreeMap<&str, &str> = good.iter().chain(config).copied().collect();
        let host: BTreeMap<&str, &str> = host.iter().chain(more).copied().collect();
        format!("{{{},\"HostConfig\":{{{}}}}}", join(config), join(host))
    };
    let create = |body: &str| request(only, "POST", "/containers/create", body);
    assert!(
        is_allowed(&create(&body(&[], &[]))),
        "{:?}",
        create(&body(&[], &[]))
    );
    for (config, host) in [
        (("Image", "\"evil\""), None),
        (("Image", "\"deadbeef\""), None),
        (("User", "\"0\""), None),
        (("User", "\"\""), None),
        (("Labels", "{}"), None),
        (good[0], Some(("Memory", "0"))),
        (good[0], Some(("Memory", "1073741824"))),
        (good[0], Some(("NanoCpus", "2000000000"))),
        (good[0], Some(("PidsLimit", "-1"))),
        (good[0], Some(("PidsLimit", "101"))),
        (good[0], Some(("NetworkMode", "\"other\""))),
        // Whatever network that one is on, whatever volumes it has.
        (good[0], Some(("NetworkMode", "\"container:bobs\""))),
        (good[0], Some(("VolumesFrom", "[\"bobs\"]"))),
        (good[0], Some(("MemorySwap", "-1"))),
        (good[0], Some(("MemorySwap", "2147483648"))),
        (good[0], Some(("Binds", "[\"data:/x\"]"))),
        (
            good[0],
            Some(("PortBindings", r#"{"80/tcp":[{"HostPort":"80"}]}"#)),
        ),
        (
            good[0],
            Some(("PortBindings", r#"{"80/tcp":[{"HostPort":""}]}"#)),
        ),
        (good[0], Some(("PublishAllPorts", "true"))),
    ] {
        let host: Vec<_> = host.into_iter().collect();
        let grant = create(&body(&[config], &host));
        assert!(
            matches!(grant, Grant::Condition { .. }),
            "{config:?} {host:?}: {grant:?}"
        );
    }
    let fine = [
        ("PortBindings", r#"{"80/tcp":[{"HostPort":"8080"}]}"#),
        ("Binds", "[\"ci-data:/x\"]"),
    ];
    assert!(is_allowed(&create(&body(&[], &fine))));
    for (target, request_body, allowed) in [
        ("/containers/bobs/exec", r#"{"Cmd":["id"]}"#, true),
        (
            "/containers/bobs/exec",
            r#"{"Cmd":["id"],"User":"0"}"#,
            false,
        ),
        ("/containers/bobs/update", r#"{"Memory":-1}"#, false),
        ("/containers/bobs/update", r#"{"CpuShares":5}"#, true),
        ("/containers/bobs/update", r#"{"PidsLimit":0}"#, false),
        ("/containers/bobs/update", r#"{"PidsLimit":100}"#, true),
        ("/containers/bobs/update", r#"{"MemorySwap":-1}"#, false),
        ("/containers/bobs/update", r#"{"CpuQuota":-1}"#, false),
        ("/containers/bobs/update", r#"{"CpuPeriod":1000}"#, false),
        (
            "/containers/bobs/update",
            r#"{"CpuQuota":50000,"CpuPeriod":10000}"#,
            false,
        ),
        (
            "/containers/bobs/update",
            r#"{"CpuQuota":50000,"CpuPeriod":100000}"#,
            true,
        ),
        ("/images/create?fromImage=evil&tag=1", "", false),
        ("/images/create?fromImage=busybox&tag=1", "", true),
        ("/images/evil/tag?repo=ci/app", "", false),
        ("/images/ci%2Fapp/tag?repo=elsewhere/app", "", false),
    ] {
        let grant = request(only, "POST", target, request_body);
        assert_eq!(
            is_allowed(&grant),
            allowed,
            "{target} {request_body}: {grant:?}"
        );
    }
}

/// A build by somebody with all that is not said here.
fn build(only: &str, query: &str) -> Grant {
    let policy = format!("[roles.x]\nallow = [\"operator\", \"build\"]\n[roles.x.only]\n{only}");
    request(&policy, "POST", &format!("/build?{query}"), "")
}

#[test]
fn a_build_keeps_to_them_as_far_as_its_query_says() {
    for (only, query, allowed) in [
        ("images = [\"ci/*\"]", "t=ci%2Fapp", true),
        ("images = [\"ci/*\"]", "t=ci%2Fapp&t=busybox", false),
        ("images = [\"ci/*\"]", "cachefrom=%5B%22evil%22%5D", false),
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

// T: CVE-2024-23653, CVE-2026-33747, CVE-2026-33748
#[test]
fn the_builders_own_protocol_is_not_for_who_has_to_keep_to_something_or_lacks_the_hosts_network() {
    let held =
        |role: &str, target: &str| request(&format!("[roles.x]\n{role}"), "POST", target, "");
    let plain = "allow = [\"operator\", \"build\"]";
    let network = format!("{plain}\nhost = {{ namespaces = [\"network\"] }}");
    let kept = format!("{network}\n[roles.x.only]\nimages = [\"*\"]");
    assert!(matches!(held(plain, "/grpc"), Grant::Power { .. }));
    assert!(is_allowed(&held(plain, "/session")));
    assert!(is_allowed(&held(&network, "/grpc")));
    for target in ["/grpc", "/session"] {
        assert!(matches!(held(&kept, target), Grant::Condition { .. }));
        let builder = held("allow = [\"builder\"]", target);
        assert!(matches!(builder, Grant::NoRole), "{builder:?}");
    }
}
