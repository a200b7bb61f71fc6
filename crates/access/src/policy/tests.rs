use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use bytes::Bytes;
use lockgate_api::{Operation, route};
use proptest::prelude::*;

use super::*;
use crate::{
    Certificate, Facts, JudgedBody, Kind, NoObjects, Object, Objects, Power, Principal, UnixPeer,
    Wish,
};

fn certificate(common_name: &str, unit: &str) -> Principal {
    Principal::Certificate(Box::new(Certificate {
        common_name: common_name.to_owned(),
        sans: vec!["build.example".to_owned()],
        roles: Vec::new(),
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
    let wish = |power: &Power| Wish {
        power: *power,
        detail: String::new(),
        read_only: false,
    };
    let facts = Facts {
        wishes: powers.iter().map(wish).collect(),
        ..Facts::default()
    };
    policy.decide(
        &owners,
        Question {
            principal,
            operation,
            target: None,
            facts: &facts,
            objects: &NoObjects,
            lent: &[],
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
            .operations
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

/// A host with two identities' things.
#[derive(Debug)]
struct Host;

impl Objects for Host {
    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        let labels =
            |owner: &str| BTreeMap::from([("lockgate.owner".to_owned(), owner.to_owned())]);
        let wish = |power| Wish {
            power,
            detail: String::new(),
            read_only: false,
        };
        let plain = |id: &str, owner: &str| Object {
            id: id.to_owned(),
            labels: labels(owner),
            ..Object::default()
        };
        let found = match (kind, name) {
            // Names, ids and prefixes of one container.
            (Kind::Container, "priv" | "aaaa" | "aa") => Object {
                wishes: vec![wish(Power::Privileged)],
                ..plain("aaaa", "uid=0")
            },
            (Kind::Container, "alices" | "bbbb" | "b") => plain("bbbb", "cn=alice"),
            (Kind::Container, "bobs" | "cccc" | "c") => plain("cccc", "cn=bob"),
            (Kind::Container, "teams") => Object {
                labels: BTreeMap::from([("team".to_owned(), "ci".to_owned())]),
                ..plain("dddd", "cn=bob")
            },
            (Kind::Exec, "exec-of-bob") => Object {
                creator: Some("cn=bob".to_owned()),
                ..plain("exec-of-bob", "cn=alice")
            },
            (Kind::Exec, "exec-in-priv") => Object {
                creator: Some("cn=alice".to_owned()),
                wishes: vec![wish(Power::Privileged)],
                ..plain("exec-in-priv", "cn=alice")
            },
            (Kind::Network, "bridge") => Object {
                is_common: true,
                ..Object::default()
            },
            (Kind::Network, "bobs-net") => plain("net", "cn=bob"),
            (Kind::Volume, "bobs-data") => plain("bobs-data", "cn=bob"),
            (Kind::Volume, "etc") => Object {
                wishes: vec![wish(Power::Driver)],
                ..plain("etc", "uid=0")
            },
            _ => return None,
        };
        Some(found)
    }
}

/// What a policy says of a request of alice, who has the role `x` (and what else is bound).
fn request(policy: &str, method: &str, target: &str, body: &str) -> Grant {
    let bind = "\n[[bindings]]\nroles = [\"x\"]\ncommon_name = \"alice\"\n";
    let policy = Policy::parse(&format!("{policy}{bind}")).unwrap();
    judged(&policy, method, target, body)
}

fn judged(policy: &Policy, method: &str, target: &str, body: &str) -> Grant {
    let call = route(method, target).unwrap();
    let kind = Some("application/json".to_owned());
    let body = JudgedBody::new(Bytes::from(body.to_owned()), kind);
    let facts = Facts::read(&call, body).unwrap();
    policy.decide(
        &SocketOwners::default(),
        Question {
            principal: &certificate("alice", ""),
            operation: call.operation(),
            target: call.target(),
            facts: &facts,
            objects: &Host,
            lent: &[],
        },
    )
}

fn is_allowed(grant: &Grant) -> bool {
    matches!(grant, Grant::Allow { .. })
}

const OPERATOR: &str = "[roles.x]\nallow = [\"operator\"]";

// T: indirect-object
#[test]
fn an_operator_does_not_get_into_a_container_that_has_more_power_than_it() {
    for (method, target, body) in [
        ("POST", "/containers/priv/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/aaaa/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/aa/exec", "{\"Cmd\":[\"sh\"]}"),
        ("POST", "/containers/priv/attach", ""),
        ("GET", "/containers/priv/attach/ws", ""),
        ("GET", "/containers/priv/archive?path=/", ""),
        ("PUT", "/containers/priv/archive?path=/", ""),
        ("GET", "/containers/priv/export", ""),
        ("POST", "/exec/exec-in-priv/start", "{}"),
        ("POST", "/commit?container=priv", ""),
    ] {
        let grant = request(
            "[roles.x]\nallow = [\"operator\", \"build\"]",
            method,
            target,
            body,
        );
        assert!(
            matches!(&grant, Grant::Power { wish } if wish.power == Power::Privileged),
            "{method} {target}: {grant:?}"
        );
    }
    for body in [
        r#"{"Image":"i","HostConfig":{"PidMode":"container:priv"}}"#,
        r#"{"Image":"i","HostConfig":{"NetworkMode":"container:aa"}}"#,
        r#"{"Image":"i","HostConfig":{"VolumesFrom":["priv:ro"]}}"#,
        r#"{"Image":"i","HostConfig":{"Binds":["etc:/x"]}}"#,
        r#"{"Image":"i","HostConfig":{"Mounts":[{"Type":"volume","Source":"etc","Target":"/x"}]}}"#,
    ] {
        let grant = request(OPERATOR, "POST", "/containers/create", body);
        assert!(matches!(grant, Grant::Power { .. }), "{body}: {grant:?}");
    }
    assert!(is_allowed(&request(
        OPERATOR,
        "POST",
        "/containers/bobs/exec",
        "{}"
    )));
    assert!(is_allowed(&request(
        OPERATOR,
        "POST",
        "/containers/priv/stop",
        ""
    )));
    let admin = "[roles.x]\nallow = [\"*\"]\npowers = true";
    assert!(is_allowed(&request(
        admin,
        "POST",
        "/containers/priv/exec",
        "{}"
    )));
}

// T: indirect-object
#[test]
fn what_one_prepared_another_does_not_start() {
    for (method, target) in [
        ("POST", "/exec/exec-of-bob/start"),
        ("POST", "/exec/exec-of-bob/resize"),
        ("GET", "/exec/exec-of-bob/json"),
    ] {
        let grant = request(OPERATOR, method, target, "");
        assert!(
            matches!(
                grant,
                Grant::Hidden {
                    kind: Kind::Exec,
                    ..
                }
            ),
            "{grant:?}"
        );
    }
}

#[test]
fn a_role_for_its_own_objects_sees_no_others() {
    let own = "[roles.x]\nallow = [\"operator\"]\nown = true";
    for (method, target, body, allowed) in [
        ("GET", "/containers/alices/json", "", true),
        ("GET", "/containers/b/json", "", true),
        ("GET", "/containers/bobs/json", "", false),
        ("GET", "/containers/cccc/json", "", false),
        ("DELETE", "/containers/bobs", "", false),
        ("POST", "/containers/bobs/exec", "{}", false),
        ("DELETE", "/volumes/bobs-data", "", false),
        ("POST", "/volumes/create", r#"{"Name":"bobs-data"}"#, false),
        ("POST", "/volumes/create", r#"{"Name":"new"}"#, true),
        ("GET", "/networks/bridge", "", true),
        ("GET", "/networks/bobs-net", "", false),
        (
            "POST",
            "/networks/bridge/connect",
            r#"{"Container":"bobs"}"#,
            false,
        ),
        ("POST", "/containers/create", r#"{"Image":"i"}"#, true),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"Binds":["bobs-data:/x"]}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"VolumesFrom":["bobs"]}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"NetworkMode":"container:bobs"}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"NetworkMode":"bobs-net"}}"#,
            false,
        ),
        (
            "POST",
            "/containers/create",
            r#"{"Image":"i","HostConfig":{"Links":["bobs:db"]}}"#,
            false,
        ),
    ] {
        let grant = request(own, method, target, body);
        assert_eq!(
            is_allowed(&grant),
            allowed,
            "{method} {target} {body}: {grant:?}"
        );
        if !allowed {
            assert!(matches!(grant, Grant::Hidden { .. }), "{grant:?}");
        }
    }
    let Grant::Allow { view, target, .. } = request(own, "GET", "/containers/b/json", "") else {
        panic!("refused")
    };
    assert_eq!(
        target.as_deref(),
        Some("bbbb"),
        "what was judged is what is done"
    );
    let scope = view.scope.unwrap();
    assert_eq!(
        scope.filters().collect::<Vec<_>>(),
        ["lockgate.owner=cn=alice"]
    );
    assert_eq!(view.owner.as_deref(), Some("cn=alice"));
}

// T: indirect-object
#[test]
fn labels_that_say_whose_an_object_is_are_not_for_everybody_to_set() {
    let team = "[roles.x]\nallow = [\"operator\"]\nown = true\nown_labels = { team = \"ci\" }";
    assert!(is_allowed(&request(
        team,
        "GET",
        "/containers/teams/json",
        ""
    )));
    let other = "[roles.x]\nallow = [\"operator\"]\n[roles.other]\nown_labels = { team = \"ci\" }";
    for (policy, labels, allowed) in [
        (team, r#"{"team":"ci"}"#, true),
        (team, r#"{"team":"prod"}"#, false),
        (other, r#"{"team":"ci"}"#, false),
        (other, r#"{"else":"x"}"#, true),
        (OPERATOR, r#"{"team":"ci"}"#, true),
        (OPERATOR, r#"{"lockgate.owner":"cn=bob"}"#, false),
    ] {
        for (target, body) in [
            (
                "/containers/create",
                format!("{{\"Image\":\"i\",\"Labels\":{labels}}}"),
            ),
            ("/volumes/create", format!("{{\"Labels\":{labels}}}")),
            (
                "/networks/create",
                format!("{{\"Name\":\"n\",\"Labels\":{labels}}}"),
            ),
        ] {
            let grant = request(policy, "POST", target, &body);
            assert_eq!(is_allowed(&grant), allowed, "{target} {labels}: {grant:?}");
        }
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
        ("/images/evil/tag?repo=ci/app", "", true),
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
fn a_mistake_is_named_with_line_and_column() {
    for (text, place) in [
        (
            "[roles.x]\nallow = [\"container.read\", \"nope\"]\n",
            "line 2, column 28",
        ),
        (
            "[[bindings]]\nuid = 1\nroles = [\"nope\"]\n",
            "line 3, column 10",
        ),
        (
            "[roles.x.host]\npaths = [\"relative\"]\n",
            "line 2, column 10",
        ),
        (
            "[roles.x.host]\npaths = [\"/a/../b\"]\n",
            "line 2, column 10",
        ),
        (
            "[roles.x.only]\npublished_ports = [\"x\"]\n",
            "line 2, column 20",
        ),
        ("[roles.x.only]\nmemory = \"much\"\n", "line 2, column 10"),
        ("[roles.x]\nalow = []\n", "line 2, column 1"),
        ("[roles.x.limits]\nstreams = -1\n", "line 2, column 11"),
        (
            "[[tests]]\nwho = { uid = 1 }\ndoes = \"ps\"\nexpect = \"maybe\"\n",
            "line 4, column 10",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(place), "{text}: {error}");
    }
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

proptest! {
    /// Whatever is denied in addition, nothing becomes allowed by it.
    #[test]
    fn another_denied_power_never_allows_more(
        powers in proptest::sample::subsequence(Power::ALL.to_vec(), 0..10),
        more in proptest::sample::select(Power::ALL.to_vec()),
        asked in proptest::sample::subsequence(Power::ALL.to_vec(), 0..4),
    ) {
        let policy = |deny: &[Power]| {
            let names: Vec<String> = deny.iter().map(|power| format!("\"{}\"", power.name())).collect();
            Policy::parse(&format!(
                "[roles.x]\nallow = [\"ContainerCreate\"]\npowers = true\ndeny = [{}]\n[[bindings]]\nroles = [\"x\"]\nuid = 7\n",
                names.join(", ")
            )).unwrap()
        };
        let wider: Vec<Power> = powers.iter().copied().chain([more]).collect();
        let somebody = unix(7, 7, &[]);
        let before = is_allowed(&ask(&policy(&powers), &somebody, Operation::ContainerCreate, &asked));
        let after = is_allowed(&ask(&policy(&wider), &somebody, Operation::ContainerCreate, &asked));
        prop_assert_eq!(before, asked.iter().all(|power| !powers.contains(power)));
        prop_assert!(before || !after);
    }

    /// The order and the spelling of keys do not matter, nor does how an object is named.
    #[test]
    fn a_decision_does_not_depend_on_spelling(
        upper in any::<u32>(),
        reverse in any::<bool>(),
        privileged in any::<bool>(),
        name in proptest::sample::select(vec!["priv", "aaaa", "aa"]),
    ) {
        let spell = |key: &str, shift: usize| -> String {
            key.chars().enumerate().map(|(index, letter)| {
                if upper >> ((index + shift) % 32) & 1 == 1 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            }).collect()
        };
        let mut members = [
            format!("\"{}\":\"i\"", spell("Image", 0)),
            format!("\"{}\":{{\"{}\":{privileged},\"{}\":[\"container:x\"]}}", spell("HostConfig", 3), spell("Privileged", 7), spell("SecurityOpt", 1)),
        ];
        if reverse {
            members.reverse();
        }
        let body = format!("{{{}}}", members.join(","));
        let grant = request(OPERATOR, "POST", "/containers/create", &body);
        let power = if privileged { Power::Privileged } else { Power::Security };
        prop_assert!(matches!(&grant, Grant::Power { wish } if wish.power == power), "{} {:?}", body, grant);
        let exec = request(OPERATOR, "POST", &format!("/containers/{name}/exec"), "{}");
        let is_refused = matches!(exec, Grant::Power { .. });
        prop_assert!(is_refused);
        let stop = request(OPERATOR, "POST", &format!("/containers/{name}/stop"), "");
        let is_that_one = matches!(stop, Grant::Allow { target: Some(id), .. } if id == "aaaa");
        prop_assert!(is_that_one);
    }
}

// T: Body escalation list
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
