use bytes::Bytes;
use lockgate_api::{Call, route};
use proptest::prelude::*;

use super::*;
use crate::observer::Entered;
use crate::{Facts, JudgedBody, NoObjects, Policy, Principal, SocketOwners};

type Request<'a> = (&'a str, &'a str, &'a str);

fn read((method, target, body): Request<'_>) -> (Call, Facts) {
    let call = route(method, target).unwrap();
    let body = JudgedBody::new(
        Bytes::from(body.to_owned()),
        Some("application/json".to_owned()),
    );
    let facts = Facts::read(&call, body).unwrap();
    (call, facts)
}

fn line(request: Request<'_>, allowed: bool, entered: &Entered) -> String {
    let (call, facts) = read(request);
    let principal = Principal::described("ci").unwrap();
    Lesson::line(&Decided {
        principal: &principal,
        operation: call.operation(),
        allowed,
        role: None,
        rule: "allow",
        facts: &facts,
        entered: &|| entered.clone(),
    })
}

fn lesson(requests: &[Request<'_>]) -> Lesson {
    let mut lesson = Lesson::default();
    for request in requests {
        let line = line(*request, true, &Entered::default());
        lesson.add(&line, false).unwrap();
    }
    lesson
}

/// The policy in which `ci` has what was learnt.
fn policy(lesson: &Lesson) -> Policy {
    let role = lesson.role("ci").unwrap();
    let bind = "[[bindings]]\ncommon_name = \"ci\"\nroles = [\"ci\"]\n";
    Policy::parse(&format!("{role}\n{bind}")).unwrap_or_else(|error| panic!("{error}: {role}"))
}

fn allows(policy: &Policy, request: Request<'_>) -> bool {
    let (call, facts) = read(request);
    let who = Principal::described("ci").unwrap();
    policy
        .explain(&SocketOwners::default(), &who, &call, &facts, &NoObjects)
        .allowed
}

const DAY: [Request<'_>; 7] = [
    ("GET", "/containers/json", ""),
    (
        "POST",
        "/containers/create",
        r#"{"Image":"registry.example/ci/app:1","User":"1000","HostConfig":{"Binds":["/srv/ci:/work","/etc/ssl:/ssl:ro","cache:/cache"],
           "CapAdd":["NET_ADMIN"],"Memory":536870912,"NanoCpus":300000000,"PidsLimit":100,"NetworkMode":"backend",
           "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}],"81/tcp":[{"HostIp":"::1","HostPort":""}]}}}"#,
    ),
    (
        "POST",
        "/containers/create",
        r#"{"Image":"busybox","HostConfig":{"Memory":1024,"NanoCpus":1,"PidsLimit":1}}"#,
    ),
    ("POST", "/containers/web/start", ""),
    (
        "POST",
        "/containers/web/exec",
        r#"{"Cmd":["sh"],"User":"root"}"#,
    ),
    ("POST", "/images/create?fromImage=busybox&tag=1.36", ""),
    ("POST", "/volumes/create", r#"{"Name":"cache"}"#),
];

#[test]
fn what_was_seen_is_allowed_again_and_anything_beyond_is_not() {
    let policy = policy(&lesson(&DAY));
    for request in DAY {
        assert!(allows(&policy, request), "{request:?}");
    }
    let create = DAY[1].2;
    for (from, to) in [
        ("ci/app:1", "ci/app:2"),
        ("/srv/ci:", "/srv:"),
        ("/etc/ssl:/ssl:ro", "/etc/ssl:/ssl"),
        ("cache:/cache", "other:/cache"),
        ("NET_ADMIN", "SYS_ADMIN"),
        ("536870912", "536870913"),
        ("300000000", "300000001"),
        ("100,", "101,"),
        ("backend", "frontend"),
        ("8080", "8081"),
        ("127.0.0.1", "0.0.0.0"),
        ("\"User\":\"1000\"", "\"User\":\"1001\""),
        ("\"Memory\"", "\"Privileged\":true,\"Memory\""),
        ("\"Memory\"", "\"PidMode\":\"host\",\"Memory\""),
    ] {
        let other = create.replacen(from, to, 1);
        assert_ne!(other, create, "{from}");
        assert!(
            !allows(&policy, (DAY[1].0, DAY[1].1, &other)),
            "{from} -> {to}"
        );
    }
    for (method, target) in [
        ("DELETE", "/containers/web"),
        ("POST", "/containers/web/stop"),
        ("GET", "/info"),
    ] {
        assert!(!allows(&policy, (method, target, "")), "{target}");
    }
}

#[test]
fn the_power_of_what_was_entered_and_whose_it_was_are_learnt() {
    let exec = ("POST", "/containers/web/exec", r#"{"Cmd":["sh"]}"#);
    let wish = Wish {
        power: crate::Power::Devices,
        detail: "/dev/fuse".to_owned(),
        read_only: false,
    };
    let mut lesson = Lesson::default();
    let own = Entered {
        wishes: vec![wish],
        own: Some(true),
    };
    lesson.add(&line(exec, true, &own), false).unwrap();
    let role = lesson.role("ci").unwrap();
    assert!(
        role.contains("own = true") && role.contains("/dev/fuse"),
        "{role}"
    );
    let others = Entered {
        own: Some(false),
        ..Entered::default()
    };
    lesson.add(&line(exec, true, &others), false).unwrap();
    assert!(!lesson.role("ci").unwrap().contains("own ="));
}

#[test]
fn what_was_denied_is_named_and_learnt_only_on_request() {
    let denied = line(DAY[3], false, &Entered::default());
    let mut lesson = lesson(&DAY[..1]);
    lesson.add(&denied, false).unwrap();
    let role = lesson.role("ci").unwrap();
    assert!(
        role.starts_with("# denied and not learnt (--with-denied): ContainerStart\n"),
        "{role}"
    );
    assert!(!allows(&policy(&lesson), DAY[3]));
    lesson.add(&denied, true).unwrap();
    assert!(allows(&policy(&lesson), DAY[3]));
}

#[test]
fn what_a_role_cannot_say_is_a_remark() {
    let mut lesson = lesson(&[(
        "POST",
        "/containers/create",
        r#"{"Image":"deadbeef","HostConfig":{"Memory":1}}"#,
    )]);
    lesson.add(r#"{"missed":3}"#, false).unwrap();
    let role = lesson.role("a \"b\"").unwrap();
    assert!(
        role.contains("# no `images`: \"deadbeef\" was used, which is no name\n"),
        "{role}"
    );
    assert!(role.contains("# 3 calls were missed"), "{role}");
    assert!(
        !role.contains("\nimages") && role.contains("memory = \"1\""),
        "{role}"
    );
    Policy::parse(&role).unwrap();
    assert!(lesson.add("{}", false).is_err());
}

#[test]
fn builds_archives_and_registries_are_learnt_as_what_lets_them_happen_again() {
    let create = ("POST", "/containers/create", r#"{"Image":"ci/app:1"}"#);
    for request in [
        ("POST", "/build?t=ci%2Fapp", ""),
        ("POST", "/images/load", ""),
        ("POST", "/images/create?fromSrc=-&repo=ci%2Fapp", ""),
        (
            "POST",
            "/auth",
            r#"{"serveraddress":"https://registry.example/"}"#,
        ),
    ] {
        let lesson = lesson(&[create, request]);
        let role = lesson.role("ci").unwrap();
        assert!(role.starts_with("# no `images`: "), "{role}");
        assert!(allows(&policy(&lesson), request), "{request:?}: {role}");
    }
    let push = ("POST", "/images/ci%2Fapp/push", "");
    let policy = policy(&lesson(&[create, push]));
    assert!(allows(&policy, push));
    assert!(!allows(&policy, ("POST", "/images/evil/push", "")));
}

#[test]
fn no_environment_is_told() {
    let create = (
        "POST",
        "/containers/create",
        r#"{"Image":"a","Env":["P=hunter2"]}"#,
    );
    assert!(!line(create, true, &Entered::default()).contains("hunter2"));
}

proptest! {
    #[test]
    fn whatever_was_seen_is_allowed_again(
        image in "[a-z]{1,8}(:[a-z0-9]{1,4})?",
        source in "(/[a-z.]{1,5}){1,4}|[a-z][a-z0-9_.-]{1,6}",
        mode in prop::sample::select(vec!["", ":ro"]),
        user in "[a-z0-9:]{0,6}",
        port in prop::sample::select(vec!["", "80", "8000-8005", "0"]),
        address in prop::sample::select(vec!["", "127.0.0.1", "::1", "0:0::1", "0.0.0.0"]),
        memory in 0_i64..5000,
        nano in 0_i64..4_000_000_000,
        security in prop::sample::select(vec!["seccomp=unconfined", "no-new-privileges", "label=disable"]),
        privileged in any::<bool>(),
    ) {
        let body = serde_json::json!({"Image": image, "User": user, "HostConfig": {
            "Binds": [format!("{source}:/x{mode}")], "Memory": memory, "NanoCpus": nano, "Privileged": privileged,
            "SecurityOpt": [security], "PortBindings": {"80/tcp": [{"HostIp": address, "HostPort": port}]},
        }}).to_string();
        let request = ("POST", "/containers/create", body.as_str());
        prop_assert!(allows(&policy(&lesson(&[request])), request));
    }
}
