use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lockgate_types::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{Certificate, Power, Principal, UnixPeer};

fn root() -> Principal {
    Principal::Unix(UnixPeer {
        uid: 0,
        gid: 0,
        pid: Some(812),
        groups: Vec::new(),
    })
}

fn at(seconds: i128) -> Timestamp {
    // 2026-11-22T10:00:00Z
    Timestamp::from_unix_nanos((1_795_341_600 + seconds) * 1_000_000_000)
}

fn decision(identity: &Principal) -> Record<'_> {
    Record::Decision(Decision {
        call: "41d0…",
        verdict: "allow",
        identity,
        peer: "unix",
        operation: "ContainerCreate",
        target: Some("web"),
        version: "1.50".to_owned(),
        role: Some("admin"),
        reason: None,
        powers: &[Power::Privileged],
    })
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_drawing_is_what_is_written() {
    let root = root();
    let end = Record::End(Ending {
        call: "41d0…",
        outcome: "done",
        status: Some(201),
        duration_ms: 12,
        bytes: 88,
    });
    let refused = Refusal {
        peer: "192.0.2.7:41022",
        identity: None,
        reason: "expired_certificate",
        detail: "…",
    };
    let written = [
        decision(&root).line(7, at(0)).unwrap(),
        end.line(8, at(1)).unwrap(),
        Record::Refused(&refused).line(9, at(2)).unwrap(),
    ];
    let drawn = include_str!("record.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! {"));
    let drawn: Vec<String> = drawn.map(|line| format!("{{{line}\n")).collect();
    assert_eq!(drawn, written);
}

#[test]
fn numbers_go_on_over_restarts_and_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let principal = root();
    for _ in 0..2 {
        let log = AuditLog::open(&path).unwrap();
        log.write(&decision(&principal)).unwrap();
        log.write(&decision(&principal)).unwrap();
    }
    let log = AuditLog::open(&path).unwrap();
    std::fs::rename(&path, dir.path().join("audit.log.1")).unwrap();
    log.write(&decision(&principal)).unwrap();
    log.reopen().unwrap();
    log.write(&decision(&principal)).unwrap();
    let numbers = |name: &str| -> Vec<u64> {
        let lines = lines(&dir.path().join(name));
        lines
            .iter()
            .map(|line| line["sequence"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers("audit.log.1"), [1, 2, 3, 4, 5]);
    assert_eq!(numbers("audit.log"), [6]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_torn_line_stays_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    std::fs::write(&path, "{\"sequence\":4}\n{\"sequence\":5,\"ti").unwrap();
    let principal = root();
    AuditLog::open(&path)
        .unwrap()
        .write(&decision(&principal))
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["sequence"], 5);
}

#[test]
fn what_cannot_be_written_is_an_error_and_uses_no_number() {
    let log = AuditLog::open(Path::new("/dev/full")).unwrap();
    let principal = root();
    for _ in 0..2 {
        let error = log.write(&decision(&principal)).unwrap_err();
        assert!(matches!(error, AuditError::Write(_)));
    }
}

proptest! {
    #[test]
    fn no_name_can_end_a_line_or_move_a_cursor(name in any::<String>(), target in any::<String>()) {
        let principal = Principal::Certificate(Box::new(Certificate {
            common_name: name.clone(),
            sans: vec![target],
            organization: Vec::new(),
            organizational_unit: Vec::new(),
            serial: "1".to_owned(),
            issuer: name.clone(),
            spki_sha256: String::new(),
            not_after: std::time::SystemTime::UNIX_EPOCH,
        }));
        let line = decision(&principal).line(1, at(0)).unwrap();
        let inner = line.strip_suffix('\n').unwrap();
        prop_assert!(!inner.chars().any(must_be_escaped), "{:?}", inner);
        let read: Value = serde_json::from_str(inner).unwrap();
        prop_assert_eq!(read["identity"]["common_name"].as_str().unwrap(), name);
        prop_assert!(!principal.to_string().chars().any(must_be_escaped));
    }
}
