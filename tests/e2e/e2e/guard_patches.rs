//! Virtual patches before daemons of other versions, which this machine does not have.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use crate::guard_hostile::{Hostile, OK};
use lockgate_testkit::{HttpResponse, request_with};

/// A daemon that says it is this: what it answers to `/version`, which a test may change while it runs.
struct Claimed {
    hostile: Hostile,
    version: Arc<Mutex<String>>,
}

/// The state of its only container.
const RUNS: &str = r#"{"Running":true,"Paused":false}"#;

impl Claimed {
    fn with(args: &[&str], state: &'static str, mounts: &'static str) -> Self {
        let version = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&version);
        let hostile = Hostile::with(args, move |head, stream| {
            let mut words = head.split(' ');
            let body = match (words.next().unwrap(), words.next().unwrap()) {
                (_, "/version") => match told.lock().unwrap().as_str() {
                    "" => return false,
                    answer => answer.to_owned(),
                },
                (_, target) if target.ends_with("/json") => {
                    answer(200, &format!(r#"{{"State":{state},"Mounts":{mounts}}}"#))
                }
                _ => answer(200, "done"),
            };
            // The body of an archive is not read: its connection is good for no second call.
            stream.write_all(body.as_bytes()).is_ok() && !head.starts_with("PUT")
        });
        Self { hostile, version }
    }

    fn that_is(&self, version: &str) -> &Self {
        self.that_says(&answer(200, &format!(r#"{{"Version":"{version}"}}"#)))
    }

    /// Nothing is the end of the connection.
    fn that_says(&self, answer: &str) -> &Self {
        answer.clone_into(&mut self.version.lock().unwrap());
        self
    }

    fn put(&self, archive: &[u8]) -> HttpResponse {
        let body = Some(("application/x-tar", archive));
        request_with(
            self.hostile.door.socket().as_path(),
            "PUT",
            "/containers/c/archive?path=/",
            body,
        )
    }

    fn get(&self) -> HttpResponse {
        self.hostile
            .door
            .api("GET", "/containers/c/archive?path=/x", None)
    }

    fn stat(&self) -> HttpResponse {
        self.hostile
            .door
            .api("HEAD", "/containers/c/archive?path=/x", None)
    }
}

fn answer(status: u16, body: &str) -> String {
    let head = OK.replace("200", &status.to_string());
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0";
const PLAIN: &[u8] = b"some text that is no archive";
/// Before the fix, and what nobody can place.
const AFFECTED: [&str; 7] = [
    "20.10.24+dfsg1",
    "28.5.2+dfsg4",
    "29.5.0",
    "29.5.1-rc.1",
    "dev",
    "",
    "29",
];
const FIXED: [&str; 4] = ["29.5.1", "29.5.1+dfsg1", "29.6.0", "30.0.0"];

#[track_caller]
fn refused_by(answer: &HttpResponse, patches: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, 403, "{text}");
    assert!(patches.iter().any(|id| text.contains(id)), "{text}");
}

// T: CVE-2026-41567
#[test]
fn compressed_archives_are_refused_before_the_fix_and_not_after() {
    let daemon = Claimed::with(&[], r#"{"Running":false}"#, "[]");
    for version in AFFECTED {
        refused_by(&daemon.that_is(version).put(GZIP), &["CVE-2026-41567"]);
        assert_eq!(daemon.put(PLAIN).status, 200, "{version}");
    }
    for version in FIXED {
        let answer = daemon.that_is(version).put(GZIP);
        assert_eq!(answer.status, 200, "{version}: {}", answer.text());
    }
}

// T: CVE-2026-41568, CVE-2026-42306
#[test]
fn copies_while_mounts_can_move_are_refused_before_the_fix_and_not_after() {
    let both = ["CVE-2026-41568", "CVE-2026-42306"];
    let daemon = Claimed::with(&[], RUNS, r#"[{"Type":"volume"}]"#);
    for version in AFFECTED {
        daemon.that_is(version);
        refused_by(&daemon.get(), &both);
        refused_by(&daemon.put(PLAIN), &both);
        assert_eq!(daemon.stat().status, 403, "{version}");
    }
    for version in FIXED {
        daemon.that_is(version);
        for answer in [daemon.get(), daemon.put(PLAIN), daemon.stat()] {
            assert_eq!(answer.status, 200, "{version}: {}", answer.text());
        }
    }
}

#[test]
fn copies_from_what_cannot_move_its_mounts_are_passed_on() {
    for (state, mounts) in [
        (r#"{"Running":false}"#, r#"[{"Type":"volume"}]"#),
        (
            r#"{"Running":true,"Paused":true}"#,
            r#"[{"Type":"volume"}]"#,
        ),
        (RUNS, "[]"),
    ] {
        let daemon = Claimed::with(&[], state, mounts);
        assert_eq!(
            daemon.that_is("28.5.2").get().status,
            200,
            "{state} {mounts}"
        );
    }
    // What cannot be read counts as moving.
    for (state, mounts) in [
        ("{}", r#"[{"Type":"volume"}]"#),
        (RUNS, "null"),
        ("null", "7"),
    ] {
        let daemon = Claimed::with(&[], state, mounts);
        assert_eq!(
            daemon.that_is("28.5.2").get().status,
            403,
            "{state} {mounts}"
        );
    }
}

#[test]
fn each_patch_is_switched_off_by_its_name_alone() {
    let off = ["--guard-without=CVE-2026-41567"];
    let daemon = Claimed::with(&off, RUNS, r#"[{"Type":"volume"}]"#);
    refused_by(&daemon.that_is("28.5.2").put(GZIP), &["CVE-2026-41568"]);
    let off = ["--guard-without=CVE-2026-41568"];
    let daemon = Claimed::with(&off, RUNS, r#"[{"Type":"volume"}]"#);
    refused_by(&daemon.that_is("28.5.2").get(), &["CVE-2026-42306"]);
    let off = [
        "--guard-without=CVE-2026-41568",
        "--guard-without=CVE-2026-42306",
    ];
    let daemon = Claimed::with(&off, RUNS, r#"[{"Type":"volume"}]"#);
    assert_eq!(daemon.that_is("28.5.2").get().status, 200);
    refused_by(&daemon.put(GZIP), &["CVE-2026-41567"]);
}

#[test]
fn a_daemon_that_is_replaced_under_the_door_is_asked_who_it_is_again() {
    let daemon = Claimed::with(&[], r#"{"Running":false}"#, "[]");
    for (version, status) in [("28.5.2", 403), ("29.5.1", 200), ("28.5.2", 403)] {
        assert_eq!(
            daemon.that_is(version).put(GZIP).status,
            status,
            "{version}"
        );
    }
}

#[test]
fn a_version_that_cannot_be_had_switches_no_patch_off() {
    let daemon = Claimed::with(&[], r#"{"Running":false}"#, "[]");
    let podman = r#"{"Version":"4.3.1","Components":[{"Name":"Podman Engine"}]}"#;
    for odd in [
        answer(500, r#"{"Version":"99.0.0"}"#),
        answer(404, podman),
        answer(200, "no JSON"),
        answer(200, ""),
        answer(200, "[]"),
        answer(200, r#"{"Version":["99.0.0"]}"#),
    ] {
        refused_by(&daemon.that_says(&odd).put(GZIP), &["CVE-2026-41567"]);
    }
    // It answers nothing at all, at the start of the door and later.
    let silent = daemon.that_says("").put(GZIP);
    assert_eq!(silent.status, 502, "{}", silent.text());
    // Of podman it is known that it is no relative.
    assert_eq!(daemon.that_says(&answer(200, podman)).put(GZIP).status, 200);
}
