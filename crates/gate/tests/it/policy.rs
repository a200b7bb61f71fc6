//! Roles at the door. THREATS: Authorization bypass.

use lockgate_access::Policy;

use crate::authority::Wish;
use crate::door::{Door, Options, eventually};
use crate::raw::TlsClient;

const POLICY: &str = r#"
[[bindings]]
roles = ["viewer"]
common_name = "vera"

[[bindings]]
roles = ["operator"]
organizational_unit = "ops"
"#;

fn door() -> Door {
    Door::open_with(Options {
        policy: Some(POLICY),
        ..Options::default()
    })
}

fn client(door: &Door, wish: &Wish) -> TlsClient {
    TlsClient::connect(door, Some(&door.authority.issue(wish))).unwrap()
}

fn operator() -> Wish {
    Wish {
        unit: Some("ops".to_owned()),
        ..Wish::client("olga")
    }
}

#[test]
fn a_viewer_looks_and_does_not_touch() {
    let door = door();
    let mut vera = client(&door, &Wish::client("vera"));
    assert_eq!(vera.get("/containers/json").status, 200);
    // T: Tecnativa#182
    for path in [
        "/containers/a/logs?stdout=1",
        "/containers/a/top",
        "/containers/a/export",
        "/containers/a/archive?path=/",
        "/images/a/get",
        "/images/get?names=a",
        "/secrets",
        "/swarm/unlockkey",
        "/debug/vars",
        "/exec/a/json",
        "/distribution/x/json",
        "/containers/a/attach/ws",
    ] {
        assert_eq!(vera.get(path).status, 403, "{path}");
        // The connection may have been one that could become a stream.
        vera = client(&door, &Wish::client("vera"));
    }
    let answer = vera.post("/containers/a/start", "");
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.message(),
        "access denied: certificate of vera has no role that allows ContainerStart"
    );
    assert_eq!(door.fake.served(), ["ContainerList"]);
}

#[test]
fn an_operator_has_containers_but_not_the_host() {
    let door = door();
    let mut olga = client(&door, &operator());
    let harmless = r#"{"Image":"x","HostConfig":{"Binds":["data:/data"],"NetworkMode":"bridge"}}"#;
    assert_eq!(olga.post("/containers/create", harmless).status, 200);
    // T: body-escalation, nextcloud-aio#8458
    for (body, power) in [
        (r#"{"HostConfig":{"Privileged":true}}"#, "privileged mode"),
        (r#"{"hostconfig":{"PRIVILEGED":true}}"#, "privileged mode"),
        (
            r#"{"Ho\u0073tConfig":{"Privile\u0067ed":true}}"#,
            "privileged mode",
        ),
        (
            "{\"HostConfig\":{\"Bind\u{17f}\":[\"/:/h\"]}}",
            "a path of the host",
        ),
        (
            r#"{"HostConfig":{"Binds":["/:/host"]}}"#,
            "a path of the host",
        ),
        (
            r#"{"HostConfig":{"Binds":["../x:/host"]}}"#,
            "a path of the host",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/"}]}}"#,
            "a path of the host",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"o":"bind"}}}}]}}"#,
            "a path of the host",
        ),
        (
            r#"{"HostConfig":{"CapAdd":["SYS_ADMIN"]}}"#,
            "added capabilities",
        ),
        (
            r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/sda"}]}}"#,
            "devices of the host",
        ),
        (
            r#"{"HostConfig":{"DeviceCgroupRules":["a *:* rwm"]}}"#,
            "devices of the host",
        ),
        (
            r#"{"HostConfig":{"PidMode":"host"}}"#,
            "a namespace of the host",
        ),
        (
            r#"{"HostConfig":{"NetworkMode":"host"}}"#,
            "a namespace of the host",
        ),
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp=unconfined"]}}"#,
            "weaker confinement",
        ),
        (r#"{"HostConfig":{"MaskedPaths":[]}}"#, "weaker confinement"),
        (
            r#"{"HostConfig":{"Runtime":"mine"}}"#,
            "a runtime of its choice",
        ),
        (
            r#"{"HostConfig":{"CgroupParent":"/"}}"#,
            "a control group of its choice",
        ),
        (
            r#"{"HostConfig":{"Sysctls":{"kernel.x":"1"}}}"#,
            "kernel parameters",
        ),
    ] {
        let answer = olga.post("/containers/create", body);
        assert_eq!(answer.status, 403, "{body}: {}", answer.text());
        assert!(
            answer.message().ends_with(&format!("but not with {power}")),
            "{}",
            answer.message()
        );
    }
    for (path, body) in [
        ("/containers/a/exec", r#"{"Cmd":["sh"],"Privileged":true}"#),
        (
            "/volumes/create",
            r#"{"Name":"x","DriverOpts":{"device":"/","o":"bind"}}"#,
        ),
        ("/networks/create", r#"{"Name":"x","Driver":"macvlan"}"#),
        ("/plugins/pull?remote=x", "[]"),
        ("/swarm/init", "{}"),
        ("/build", ""),
    ] {
        assert_eq!(olga.post(path, body).status, 403, "{path}");
    }
    assert_eq!(door.fake.served(), ["ContainerCreate"]);
}

// T: nextcloud-aio#8458, content-type
#[test]
fn a_body_that_two_readers_might_read_differently_is_refused() {
    let door = door();
    let mut olga = client(&door, &operator());
    for body in [
        r#"{"HostConfig":{"Privileged":true},"HostConfig":{}}"#,
        r#"{"Image":"x"} {"HostConfig":{"Privileged":true}}"#,
        "\u{feff}{}",
        "{",
        "nonsense",
    ] {
        assert_eq!(olga.post("/containers/create", body).status, 400, "{body}");
    }
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(olga.post("/containers/create", &deep).status, 400);
    for kind in ["text/plain", "application/x-tar", "application/jsonx", ""] {
        let body = r#"{"HostConfig":{"Privileged":true}}"#;
        olga.send(format!(
            "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(olga.answer().status, 400, "{kind}");
    }
    assert!(door.fake.served().is_empty());
}

// T: path-spelling
#[test]
fn no_spelling_of_a_path_gets_around_a_role() {
    let door = door();
    for path in [
        "/containers/a/start",
        "/v1.44/containers/a/start",
        "//containers/a/start",
        "/v1.44/../containers/a/start",
        "/containers/a/%73tart",
        "/containers%2Fa%2Fstart",
        "/containers/json/../a/start",
        "/./containers/a/start",
        "/Containers/a/start",
        "/containers/a/start/",
        "/containers/a/startX",
        "/containers/a/start;x",
        "/containers/a/start%00",
        "http://x/containers/a/start",
        "/libpod/containers/a/start",
        "*",
    ] {
        let mut vera = client(&door, &Wish::client("vera"));
        let status = vera.post(path, "").status;
        assert!([301, 400, 403, 404].contains(&status), "{path}: {status}");
    }
    assert!(door.fake.served().is_empty());
}

#[test]
fn who_asks_too_much_is_told_so_and_nobody_else_is() {
    let text = "[roles.few]\nallow = [\"operator\"]\n[roles.few.limits]\nrequests_per_second = 20\nstreams = 2\n\
        [[bindings]]\nroles = [\"few\"]\ncommon_name = \"noisy\"\n\
        [[bindings]]\nroles = [\"few\"]\ncommon_name = \"quiet\"\n";
    let door = Door::open_with(Options {
        policy: Some(text),
        ..Options::default()
    });
    let mut noisy = client(&door, &Wish::client("noisy"));
    let statuses: Vec<u16> = (0..200).map(|_| noisy.get("/_ping").status).collect();
    assert!(statuses[..20].iter().all(|status| *status == 200));
    assert!(statuses.contains(&429), "never told");
    assert_eq!(door.refused(), "too_many_requests");
    let mut quiet = client(&door, &Wish::client("quiet"));
    assert_eq!(quiet.get("/_ping").status, 200);
    let attach = "POST /containers/chat/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut attached = client(&door, &Wish::client("quiet"));
        attached.send(attach);
        attached.head();
        streams.push(attached);
    }
    let mut third = client(&door, &Wish::client("quiet"));
    third.send(attach);
    assert_eq!(third.answer().status, 429);
    assert_eq!(quiet.get("/info").status, 200);
    // A stream that ends makes room.
    drop(streams.pop());
    eventually("a place", || {
        let mut next = client(&door, &Wish::client("quiet"));
        let free = next.get("/containers/a/logs").status == 200;
        free.then_some(())
    });
}

#[test]
fn a_known_client_without_a_role_may_do_nothing() {
    let door = door();
    let mut nobody = client(&door, &Wish::client("nobody"));
    assert_eq!(nobody.get("/_ping").status, 403);
    let line = door.recorded(|line| line["decision"] == "deny");
    assert_eq!(line["identity"]["common_name"], "nobody");
}

// T: policy-failure
#[test]
fn without_a_policy_every_client_is_admin_and_a_broken_one_denies() {
    let door = Door::open();
    let mut anybody = client(&door, &Wish::client("anybody"));
    assert_eq!(anybody.post("/containers/a/kill", "").status, 200);
    door.handle
        .set_policy(Policy::broken("the policy file is broken"));
    let answer = anybody.get("/_ping");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (403, "access denied: the policy file is broken")
    );
    // The owner of the socket repairs it.
    assert_eq!(door.unix().get("/_ping").status, 200);
}

// T: hijack-lifetime
#[test]
fn a_demotion_ends_what_it_forbids_and_nothing_else() {
    let door = door();
    let mut attached = client(&door, &operator());
    attached.send("POST /containers/idle/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    attached.head();
    let mut events = client(&door, &operator());
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.head();
    door.handle.set_policy(
        Policy::parse("[[bindings]]\nroles = [\"viewer\"]\ncommon_name = \"olga\"\n").unwrap(),
    );
    attached.rest();
    eventually("the end", || {
        door.fake.ended("stream dropped").then_some(())
    });
    for _ in 0..10 {
        events.chunk();
    }
    door.recorded(|line| line["outcome"] == "revoked");
}
