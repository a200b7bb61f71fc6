//! The audit trail as the door writes it.

use crate::door::{Door, Options};

#[test]
fn every_call_has_two_lines_and_a_number_each() {
    let door = Door::open();
    let secret = "hunter2";
    door.unix().post(
        "/containers/create?name=web",
        &format!("{{\"Env\":[\"P={secret}\"]}}"),
    );
    door.unix().get("/containers/web/json?token=hunter2");
    let text = std::fs::read_to_string(door.dir.path().join("audit.log")).unwrap();
    assert!(!text.contains(secret), "{text}");
    door.recorded(|line| line["sequence"] == 5);
    let lines = door.audit();
    let numbers: Vec<_> = lines
        .iter()
        .map(|line| line["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let (decision, end) = (&lines[1], &lines[2]);
    assert_eq!(decision["event"], "decision");
    assert_eq!(decision["decision"], "allow");
    assert_eq!(decision["role"], "admin");
    assert_eq!(decision["identity"]["uid"], 0);
    assert_eq!(decision["operation"], "ContainerCreate");
    assert_eq!(end["call"], decision["call"]);
    assert_eq!(
        (&end["outcome"], &end["status"]),
        (&"done".into(), &200.into())
    );
    assert_eq!(lines[3]["target"], "web");
}

// T: policy-failure
#[test]
fn without_a_record_nothing_is_changed() {
    let door = Door::open_with(Options {
        audit: Some("/dev/full"),
        ..Options::default()
    });
    let answer = door.unix().post("/containers/create", "{}");
    assert_eq!(answer.status, 503);
    assert!(
        answer.message().contains("audit log"),
        "{}",
        answer.message()
    );
    assert_eq!(door.unix().get("/info").status, 200);
    assert_eq!(door.fake.served(), ["SystemInfo"]);
}
