//! Roles lent for a time.

use serde_json::Value;

use crate::door::{Door, Options};
use crate::raw::{Answer, TlsClient};

const POLICY: &str = r#"
[roles.reader]
allow = ["container.read"]

[roles.nothing]
deny = ["exec"]

[[bindings]]
common_name = "alice"
roles = ["reader"]

[[bindings]]
common_name = "carol"
roles = ["nothing"]
"#;

fn open() -> Door {
    Door::open_with(Options {
        policy: Some(POLICY),
        ..Options::default()
    })
}

fn elevate(door: &Door, who: &str, role: &str, seconds: u64) -> Answer {
    let body = serde_json::json!({"Who": who, "Role": role, "Seconds": seconds});
    door.unix().post("/lockgate/elevations", &body.to_string())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Lends until the borrower's next call comes in time: on a busy machine a second is soon over, and
/// whoever is being served at that moment is cut off.
fn lend_long_enough_to_be_used(door: &Door) -> Value {
    for seconds in [1, 2, 4, 8] {
        let mut alice = TlsClient::of(door, "alice");
        let answer = elevate(door, "alice", "viewer", seconds);
        assert_eq!(answer.status, 201);
        alice.send("GET /info HTTP/1.1\r\nHost: x\r\n\r\n");
        if alice.is_answered() && alice.answer().status == 200 {
            return json(&answer);
        }
    }
    panic!("no call came while a role was lent for 8 seconds");
}

#[test]
fn a_role_is_lent_and_ends_by_itself_and_both_are_recorded() {
    let door = open();
    let mut alice = TlsClient::of(&door, "alice");
    assert_eq!(alice.get("/info").status, 403);
    let lent = lend_long_enough_to_be_used(&door);
    let id = &lent["ID"];
    let by_elevation = door.recorded(|line| {
        let rule = line["rule"].as_str().unwrap_or_default();
        line["operation"] == "SystemInfo" && rule.ends_with(id.as_str().unwrap())
    });
    assert_eq!(
        (&by_elevation["decision"], &by_elevation["role"]),
        (&"allow".into(), &"viewer".into())
    );
    // Nobody ends it: the record is the moment.
    let ended =
        door.recorded(|line| line["event"] == "elevation_ended" && &line["elevation"] == id);
    assert_eq!(ended["reason"], "expired");
    assert_eq!(alice.get("/info").status, 403);
    let started = door.recorded(|line| line["event"] == "elevated" && &line["elevation"] == id);
    assert_eq!(started["who"], "cn=alice");
    assert_eq!(started["by"]["uid"], 0);
    assert!(started["sequence"].as_u64() < ended["sequence"].as_u64());
}

#[test]
fn what_depends_on_a_lent_role_ends_with_it_and_nothing_else_does() {
    let door = open();
    let id = json(&elevate(&door, "alice", "admin", 60))["ID"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut lent = TlsClient::of(&door, "alice");
    lent.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    lent.head();
    let mut own = TlsClient::of(&door, "alice");
    own.send("POST /containers/x/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(own.answer().status, 200);
    let mut unix = door.unix();
    unix.send(format!(
        "DELETE /lockgate/elevations/{id} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert_eq!(unix.answer().status, 204);
    lent.rest();
    let line = door.recorded(|line| line["outcome"] == "revoked");
    let call = door.recorded(|begun| begun["call"] == line["call"] && begun["event"] == "decision");
    assert_eq!(call["operation"], "SystemEvents");
    assert_eq!(own.get("/containers/json").status, 200);
    assert_eq!(own.get("/events").status, 403);
    assert_eq!(
        door.recorded(|line| line["event"] == "elevation_ended")["reason"],
        "ended"
    );
    unix.send(format!(
        "DELETE /lockgate/elevations/{id} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert_eq!(unix.answer().status, 404);
}

#[test]
fn only_the_owner_of_the_socket_lends_and_only_there() {
    let door = open();
    elevate(&door, "alice", "admin", 60);
    let mut alice = TlsClient::of(&door, "alice");
    // An admin by elevation, over the network: not from there.
    let body = r#"{"Who":"alice","Role":"admin","Seconds":3600}"#;
    assert_eq!(alice.post("/lockgate/elevations", body).status, 403);
    assert_eq!(alice.get("/lockgate/elevations").status, 403);
    assert_eq!(
        json(&door.unix().get("/lockgate/elevations"))
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_denial_of_another_role_stays_in_force() {
    let door = open();
    let mut carol = TlsClient::of(&door, "carol");
    assert_eq!(elevate(&door, "carol", "admin", 60).status, 201);
    assert_eq!(carol.get("/info").status, 200);
    assert_eq!(carol.post("/containers/x/exec", "{}").status, 403);
}

#[test]
fn what_cannot_be_lent_is_refused_with_its_reason() {
    let door = open();
    for (who, role, seconds, status, reason) in [
        (
            "alice",
            "nosuch",
            60,
            400,
            "there is no role `nosuch`; there are admin, operator",
        ),
        (
            "alice",
            "admin",
            0,
            400,
            "at least a second and at most 24 hours",
        ),
        ("alice", "admin", 86_401, 400, "at most 24 hours"),
        ("", "admin", 60, 400, "names nobody"),
        ("gid=0", "admin", 60, 400, "names nobody"),
        ("uid=x", "admin", 60, 400, "names nobody"),
    ] {
        let answer = elevate(&door, who, role, seconds);
        assert_eq!(answer.status, status, "{who} {role} {seconds}");
        assert!(answer.message().contains(reason), "{}", answer.message());
    }
    for body in [
        "",
        "{}",
        r#"{"Who":"a","Role":"admin","Seconds":1,"More":1}"#,
        r#"{"Who":"a","Who":"b","Role":"admin","Seconds":1}"#,
    ] {
        assert_eq!(
            door.unix().post("/lockgate/elevations", body).status,
            400,
            "{body}"
        );
    }
    let free = Door::open();
    let answer = elevate(&free, "alice", "admin", 60);
    assert_eq!(
        (answer.status, answer.message().contains("no policy file")),
        (409, true)
    );
}

#[test]
fn without_a_record_no_role_is_lent() {
    let door = Door::open_with(Options {
        policy: Some(POLICY),
        audit: Some("/dev/full"),
        ..Options::default()
    });
    assert_eq!(elevate(&door, "alice", "admin", 60).status, 503);
    assert_eq!(TlsClient::of(&door, "alice").get("/info").status, 403);
}

#[test]
fn a_daemon_that_stops_takes_back_what_it_lent() {
    let mut door = open();
    elevate(&door, "alice", "admin", 3600);
    door.begin_stop();
    door.join();
    assert_eq!(
        door.recorded(|line| line["event"] == "elevation_ended")["reason"],
        "daemon_stopped"
    );
}

#[test]
fn those_who_learn_are_told_what_one_identity_does() {
    let door = open();
    let mut ears = door.unix();
    ears.send("GET /lockgate/observe?identity=alice HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(ears.head().status, 200);
    let (mut alice, mut carol) = (TlsClient::of(&door, "alice"), TlsClient::of(&door, "carol"));
    carol.get("/info");
    alice.get("/containers/json");
    alice.get("/info");
    let line = |ears: &mut crate::raw::Client<_>| -> Value {
        serde_json::from_slice(&ears.chunk()).unwrap()
    };
    let first = line(&mut ears);
    assert_eq!(
        (&first["operation"], &first["allowed"]),
        (&"ContainerList".into(), &true.into())
    );
    let second = line(&mut ears);
    assert_eq!(
        (&second["operation"], &second["allowed"]),
        (&"SystemInfo".into(), &false.into())
    );
    assert_eq!(alice.get("/lockgate/observe?identity=alice").status, 403);
}
