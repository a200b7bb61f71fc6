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

#[test]
fn a_name_is_judged_with_the_tag_that_stands_beside_it() {
    let policy = "[roles.x]\nallow = [\"operator\", \"build\"]\n[roles.x.only]\nimages = [\"ci/app\", \"busybox:latest\", \"box:1.*\"]";
    let digest = format!("sha256%3A{}", "a".repeat(64));
    for (target, allowed) in [
        ("/images/create?fromImage=busybox&tag=latest", true),
        ("/images/create?fromImage=busybox&tag=evil", false),
        ("/images/create?fromImage=busybox:evil&tag=latest", false),
        ("/images/create?fromImage=busybox:latest", true),
        // All tags that there are.
        ("/images/create?fromImage=busybox", false),
        ("/images/create?fromImage=box", false),
        ("/images/create?fromImage=ci%2Fapp", true),
        (
            &format!("/images/create?fromImage=ci%2Fapp&tag={digest}"),
            true,
        ),
        (
            &format!("/images/create?fromImage=busybox&tag={digest}"),
            false,
        ),
        ("/images/ci%2Fapp/tag?repo=busybox&tag=latest", true),
        ("/images/ci%2Fapp/tag?repo=busybox", true),
        ("/images/ci%2Fapp/tag?repo=busybox&tag=evil", false),
        ("/images/ci%2Fapp/tag?repo=busybox:latest&tag=evil", false),
        ("/images/busybox/push?tag=latest", true),
        ("/images/busybox/push?tag=evil", false),
        ("/images/busybox/push", false),
        ("/images/ci%2Fapp/push", true),
        ("/commit?container=alices&repo=busybox&tag=evil", false),
        ("/commit?container=alices&repo=busybox&tag=latest", true),
        ("/commit?container=alices&repo=box&tag=1.5", true),
        ("/commit?container=alices&repo=box", false),
    ] {
        let grant = request(policy, "POST", target, "");
        assert_eq!(is_allowed(&grant), allowed, "{target}: {grant:?}");
    }
}

// T: body-escalation
#[test]
fn the_daemon_is_sent_to_no_registry_that_a_role_does_not_name() {
    let policy = "[roles.x]\nallow = [\"operator\"]\n[roles.x.only]\nregistries = [\"registry.example\"]\nimages = [\"busybox\"]";
    let login = |address: &str| {
        let body = format!("{{\"serveraddress\":\"{address}\",\"username\":\"a\"}}");
        is_allowed(&request(policy, "POST", "/auth", &body))
    };
    for address in [
        "registry.example",
        "https://registry.example/v2/",
        "",
        "https://index.docker.io/v1/",
    ] {
        assert!(login(address), "{address}");
    }
    for address in [
        "169.254.169.254",
        "http://127.0.0.1:2375/",
        "registry.example:5000",
        "registry.example@127.0.0.1",
        "registry.example#.evil",
    ] {
        assert!(!login(address), "{address}");
    }
    for (term, allowed) in [
        ("busybox", true),
        ("me%2Fbusybox", true),
        ("registry.example%2Fx", true),
        ("127.0.0.1:80%2Fx", false),
    ] {
        let grant = request(policy, "GET", &format!("/images/search?term={term}"), "");
        assert_eq!(is_allowed(&grant), allowed, "{term}: {grant:?}");
    }
}

// T: body-escalation
#[test]
fn what_a_swarm_or_a_plugin_runs_is_not_for_who_has_to_keep_to_something_or_is_denied_a_power() {
    let calls = [
        ("/services/create", "{}"),
        ("/services/x/update?version=1", "{}"),
        ("/swarm/init", "{}"),
        ("/swarm/join", "{}"),
        ("/plugins/pull?remote=x", "[]"),
        ("/plugins/x/enable", ""),
        ("/plugins/x/set", "[]"),
        ("/plugins/x/upgrade?remote=x", "[]"),
        ("/plugins/create?name=x", ""),
    ];
    for (target, body) in calls {
        let with = |role: &str| {
            let policy = format!("[roles.x]\nallow = [\"*\"]\n{role}");
            request(&policy, "POST", target, body)
        };
        assert!(is_allowed(&with("powers = true")), "{target}");
        let kept = with("powers = true\nonly = { images = [\"*\"] }");
        assert!(
            matches!(kept, Grant::Condition { .. }),
            "{target}: {kept:?}"
        );
        let denied = with("powers = true\ndeny = [\"host.paths\"]");
        assert!(
            matches!(denied, Grant::Forbidden { .. }),
            "{target}: {denied:?}"
        );
    }
}

#[test]
fn an_import_is_no_pull() {
    for (role, allowed) in [
        ("allow = [\"image.pull\"]", false),
        ("allow = [\"deployer\"]", false),
        ("allow = [\"image.pull\", \"image.load\"]", true),
        ("allow = [\"operator\"]", true),
        ("allow = [\"operator\"]\ndeny = [\"image.load\"]", false),
    ] {
        let policy = format!("[roles.x]\n{role}");
        let import = request(&policy, "POST", "/images/create?fromSrc=-&repo=x", "");
        assert_eq!(is_allowed(&import), allowed, "{role}: {import:?}");
        let pull = request(&policy, "POST", "/images/create?fromImage=x&tag=1", "");
        assert!(is_allowed(&pull), "{role}");
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
