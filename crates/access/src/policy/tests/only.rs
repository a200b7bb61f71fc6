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
