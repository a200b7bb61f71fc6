//! Deny wins; power over the host is given by name.

use super::*;

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
                role: "careful".to_owned(),
                power: None
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
    assert!(matches!(create(false), Grant::Power { wish } if wish.power == Power::HostPath));
    assert!(matches!(create(true), Grant::Allow { role, .. } if role == "build"));
}

#[test]
fn a_denied_power_is_denied_whatever_the_other_roles_give() {
    let policy = "[roles.x]\nallow = [\"*\"]\npowers = true\ndeny = [\"host.privileged\"]";
    let privileged = r#"{"Image":"i","HostConfig":{"Privileged":true}}"#;
    let grant = request(policy, "POST", "/containers/create", privileged);
    assert!(
        matches!(
            grant,
            Grant::Forbidden {
                power: Some(Power::Privileged),
                ..
            }
        ),
        "{grant:?}"
    );
    let grant = request(policy, "POST", "/containers/priv/exec", "{}");
    assert!(matches!(grant, Grant::Forbidden { .. }), "{grant:?}");
    let path = r#"{"Image":"i","HostConfig":{"Binds":["/:/x"]}}"#;
    assert!(is_allowed(&request(
        policy,
        "POST",
        "/containers/create",
        path
    )));
}

#[test]
fn environments_are_shown_to_those_who_may_see_secrets() {
    for (allow, deny, shown) in [
        ("container.read", "image.load", false),
        ("container.*", "image.load", true),
        ("container.*", "container.secrets", false),
        ("operator", "image.load", true),
        ("viewer", "image.load", false),
        ("ContainerInspect", "image.load", true),
    ] {
        let policy = format!("[roles.x]\nallow = [\"{allow}\"]\ndeny = [\"{deny}\"]");
        let grant = request(&policy, "GET", "/containers/bobs/json", "");
        assert!(
            matches!(&grant, Grant::Allow { view, .. } if view.secrets == shown),
            "{allow}: {grant:?}"
        );
    }
}

#[test]
fn processes_are_shown_without_environments_to_those_who_may_not_see_secrets() {
    for (allow, options, shown) in [
        ("container.logs", "", true),
        ("container.logs", "?ps_args=-ef", true),
        ("container.logs", "?ps_args=auxe", false),
        ("container.logs", "?ps_args=-o%20pid,environ", false),
        ("operator", "?ps_args=auxe", true),
    ] {
        let policy = format!("[roles.x]\nallow = [\"{allow}\"]");
        let target = format!("/containers/bobs/top{options}");
        let grant = request(&policy, "GET", &target, "");
        assert_eq!(is_allowed(&grant), shown, "{allow} {options}: {grant:?}");
    }
}

// T: body-escalation, symlink-bind
#[test]
fn single_things_of_the_host_can_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("data")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("data/link")).unwrap();
    let root = root.display();
    let policy = format!(
        "[roles.x]\nallow = [\"operator\"]\n[roles.x.host]\npaths = [\"{root}/data\", \"/usr/share:ro\"]\n\
         capabilities = [\"CAP_NET_ADMIN\"]\ndevices = [\"/dev/fuse\"]\nnamespaces = [\"pid\"]\nsysctls = [\"net.*\"]"
    );
    for (host, allowed) in [
        (format!(r#""Binds":["{root}/data:/x"]"#), true),
        (format!(r#""Binds":["{root}/data/new/deep:/x"]"#), true),
        (format!(r#""Binds":["{root}/data/../data:/x"]"#), true),
        (format!(r#""Binds":["{root}/data/..:/x"]"#), false),
        (format!(r#""Binds":["{root}/data/link:/x"]"#), false),
        (format!(r#""Binds":["{root}/data/link/ssl:/x:ro"]"#), false),
        (format!(r#""Binds":["{root}/database:/x"]"#), false),
        (r#""Binds":["/:/x"]"#.to_owned(), false),
        (r#""Binds":["/usr/share:/x:ro"]"#.to_owned(), true),
        (r#""Binds":["/usr/share:/x"]"#.to_owned(), false),
        (
            r#""Mounts":[{"Type":"bind","Source":"/usr/share","Target":"/x","ReadOnly":true}]"#
                .to_owned(),
            true,
        ),
        (
            r#""Mounts":[{"Type":"bind","Source":"/usr","Target":"/x","ReadOnly":true}]"#
                .to_owned(),
            false,
        ),
        (r#""CapAdd":["net_admin"]"#.to_owned(), true),
        (r#""CapAdd":["NET_ADMIN","SYS_ADMIN"]"#.to_owned(), false),
        (r#""CapAdd":["ALL"]"#.to_owned(), false),
        (r#""Devices":[{"PathOnHost":"/dev/fuse"}]"#.to_owned(), true),
        (r#""Devices":[{"PathOnHost":"/dev/sda"}]"#.to_owned(), false),
        (r#""PidMode":"host""#.to_owned(), true),
        (r#""IpcMode":"host""#.to_owned(), false),
        (r#""Sysctls":{"net.ipv4.ip_forward":"1"}"#.to_owned(), true),
        (r#""Sysctls":{"kernel.x":"1"}"#.to_owned(), false),
        (r#""Privileged":true"#.to_owned(), false),
    ] {
        let body = format!("{{\"Image\":\"i\",\"HostConfig\":{{{host}}}}}");
        let grant = request(&policy, "POST", "/containers/create", &body);
        assert_eq!(is_allowed(&grant), allowed, "{host}: {grant:?}");
    }
}

// T: body-escalation
#[test]
fn what_a_network_does_to_the_host_is_power_over_it() {
    let asks = |body: &str| is_allowed(&request(OPERATOR, "POST", "/networks/create", body));
    for (body, may) in [
        (r#"{"Name":"n"}"#, true),
        (r#"{"Name":"n","Driver":"bridge","Internal":true}"#, true),
        (
            r#"{"Name":"n","Options":{"com.docker.network.driver.mtu":"1400"}}"#,
            true,
        ),
        (
            r#"{"Name":"n","Options":{"com.docker.network.bridge.gateway_mode_ipv4":"isolated"}}"#,
            true,
        ),
        (
            r#"{"Name":"n","Options":{"com.docker.network.bridge.gateway_mode_ipv4":"nat-unprotected"}}"#,
            false,
        ),
        (
            r#"{"Name":"n","Options":{"com.docker.network.bridge.name":"eth0"}}"#,
            false,
        ),
        (
            r#"{"Name":"n","Options":{"com.docker.network.host_ipv4":"192.0.2.1"}}"#,
            false,
        ),
        (r#"{"Name":"n","Options":{"parent":"eth0"}}"#, false),
        (r#"{"Name":"n","Driver":"ipvlan"}"#, false),
        (r#"{"Name":"n","IPAM":{"Driver":"plugin"}}"#, false),
        (r#"{"Name":"n","options":{"Parent":"eth0"}}"#, false),
    ] {
        assert_eq!(asks(body), may, "{body}");
    }
}

#[test]
fn what_a_build_does_to_the_host_is_power_over_it() {
    let builder = |query: &str| {
        request(
            "[roles.x]\nallow = [\"builder\"]",
            "POST",
            &format!("/build?{query}"),
            "",
        )
    };
    for (query, allowed) in [
        ("t=app", true),
        ("networkmode=default", true),
        ("remote=client-session", true),
        ("networkmode=host", false),
        ("networkmode=container%3Apriv", false),
        ("cgroupparent=%2F", false),
        ("isolation=chroot", false),
        ("remote=http%3A%2F%2F127.0.0.1%2Fx", false),
        ("securityopt=seccomp%3Dunconfined", false),
    ] {
        let grant = builder(query);
        assert_eq!(is_allowed(&grant), allowed, "{query}: {grant:?}");
    }
}
