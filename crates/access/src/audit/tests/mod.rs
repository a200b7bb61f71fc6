mod hostile;
mod restart;
mod tamper;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::chain::Sealed;
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
        rule: Some("allow *"),
        reason: None,
        powers: &[Power::Privileged],
        facts: "9f86…",
    })
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn numbers(path: &Path) -> Vec<u64> {
    let number = |line: &Value| line["sequence"].as_u64().unwrap();
    lines(path).iter().map(number).collect()
}

/// A folder with a trail.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("audit.log")
    }

    /// Opens it, writes some records and leaves as a killed process does.
    fn write(&self, records: usize) {
        let log = AuditLog::open(&self.log()).unwrap();
        for _ in 0..records {
            log.write(&decision(&root())).unwrap();
        }
    }

    fn verify(&self) -> Report {
        let files = AuditFiles::find(&self.log()).unwrap();
        files.verify(&files.key().unwrap()).unwrap()
    }

    /// What verify finds after the lines were turned into others.
    fn after(&self, change: impl FnOnce(&mut Vec<String>)) -> Vec<What> {
        let text = std::fs::read_to_string(self.log()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.push(String::new());
        std::fs::write(self.log(), lines.join("\n")).unwrap();
        let found = self.verify().findings;
        std::fs::write(self.log(), text).unwrap();
        found.into_iter().map(|finding| finding.what).collect()
    }
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
    let key = "5feceb66ffc86f38";
    let records = [
        decision(&root),
        end,
        Record::Refused(&refused),
        Record::Checkpoint {
            key,
            signature: "…",
        },
        Record::Rotated {
            from: "audit.log.00000000000000000001",
            removed_through: 0,
        },
        Record::Start {
            version: "0.1.0",
            key: Some(key),
        },
        Record::Recovered {
            bytes: 71,
            sha256: Hash::NONE,
            reason: "torn",
        },
        Record::Lost { records: 3 },
        Record::Elevated {
            elevation: "6b86b273ff34",
            who: "cn=alice",
            role: "admin",
            until: at(908),
            by: &root,
        },
        Record::ElevationEnded {
            elevation: "6b86b273ff34",
            who: "cn=alice",
            role: "admin",
            reason: "expired",
        },
        Record::Unproven {
            reason: "no_head",
            signed_through: 0,
            through: 16,
        },
    ];
    let previous = format!("\"previous\":\"{}\",", Hash::NONE);
    let written: Vec<String> = records
        .iter()
        .zip(0_u64..)
        .map(|(record, index)| {
            let object = record
                .object(7 + index, at(i128::from(index)), Hash::NONE)
                .unwrap();
            object.replacen(&previous, "", 1)
        })
        .collect();
    let drawn: Vec<&str> = include_str!("../record.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|line| line.starts_with('{'))
        .collect();
    assert_eq!(drawn, written);
}

#[test]
fn numbers_and_chain_go_on_over_restarts_and_a_moved_file() {
    let place = Place::new();
    place.write(2);
    place.write(1);
    let log = AuditLog::open(&place.log()).unwrap();
    let moved = place.dir.path().join("audit.log.00000000000000000001");
    std::fs::rename(place.log(), &moved).unwrap();
    log.write(&decision(&root())).unwrap();
    log.reopen().unwrap();
    log.write(&decision(&root())).unwrap();
    assert_eq!(numbers(&moved), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(numbers(&place.log()), [8]);
    let mode = std::fs::metadata(place.log()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!((report.records, report.last), (8, Some(8)));
    // The last is signed a moment later, or when the trail is left.
    assert_eq!(report.signed_through + report.unsigned, 8);
    drop(log);
    assert_eq!(place.verify().signed_through, 8);
}

#[test]
fn the_key_is_made_once_and_is_for_its_owner_alone() {
    let place = Place::new();
    place.write(0);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(place.dir.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("audit.log.key"), 0o400);
    assert_eq!(mode("audit.log.pub"), 0o444);
    let first = AuditLog::open(&place.log()).unwrap().key().unwrap();
    let second = AuditLog::open(&place.log()).unwrap().key().unwrap();
    assert_eq!(first, second);
    assert_eq!(lines(&place.log())[0]["key"], first.id());
    let key = place.dir.path().join("audit.log.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o440)).unwrap();
    let refused = AuditLog::open(&place.log()).unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("0400"), "{cause}");
}

// T: audit-tampering
#[test]
fn verify_names_the_record_that_was_tampered_with() {
    let place = Place::new();
    place.write(9);
    assert!(place.verify().is_whole());
    assert_eq!(
        place.after(|lines| drop(lines.remove(4))),
        [What::Missing { from: 5, to: 5 }]
    );
    assert_eq!(
        place.after(|lines| drop(lines.drain(2..5))),
        [What::Missing { from: 3, to: 5 }]
    );
    assert_eq!(
        place.after(|lines| drop(lines.drain(..3))),
        [What::Missing { from: 1, to: 3 }]
    );
    assert_eq!(
        place.after(|lines| lines[6] = lines[6].replace("web", "wxb")),
        [What::Edited { sequence: 7 }]
    );
    assert_eq!(
        place.after(|lines| lines[6] = lines[6].replace("\"peer\":", "\"peer\": ")),
        [What::Edited { sequence: 7 }]
    );
    assert_eq!(
        place.after(|lines| lines.swap(4, 5)),
        [
            What::Reordered {
                sequence: 6,
                expected: 5
            },
            What::Reordered {
                sequence: 5,
                expected: 7
            }
        ]
    );
    assert_eq!(
        place.after(|lines| lines.truncate(7)),
        [What::Truncated { from: 8, to: 10 }]
    );
    assert_eq!(
        place.after(|lines| lines.insert(3, "{\"sequence\":4}".to_owned())),
        [What::NoRecord]
    );
    assert_eq!(
        place.after(|lines| lines.insert(3, lines[2].clone())),
        [What::Reordered {
            sequence: 3,
            expected: 4
        }]
    );
}

// T: audit-tampering
#[test]
fn a_record_that_was_hashed_anew_shows_in_the_next_one_or_in_the_head() {
    let place = Place::new();
    place.write(5);
    let forge = |line: &str| {
        let (text, _) = line.split_once(",\"hash\":").unwrap();
        chain::seal(&format!("{}}}", text.replace("web", "wxb"))).0
    };
    assert_eq!(
        place.after(|lines| lines[2] = forge(&lines[2])),
        [What::Replaced { sequence: 3 }]
    );
    assert_eq!(
        place.after(|lines| lines[5] = forge(&lines[5])),
        [What::Replaced { sequence: 6 }]
    );
    // A whole trail that hangs together, and a head to go with it: only the key is missing.
    let head = place.dir.path().join("audit.log.head");
    let text = std::fs::read_to_string(&head).unwrap();
    let forged = text.replacen('6', "5", 1);
    std::fs::write(&head, &forged).unwrap();
    let found = place.verify().findings;
    assert!(
        found
            .iter()
            .any(|finding| finding.what == What::Signature { sequence: 5 }),
        "{found:?}"
    );
    std::fs::remove_file(&head).unwrap();
    assert_eq!(place.verify().findings[0].what, What::NoHead);
}

#[test]
fn checkpoints_are_signed_by_the_key_and_no_other() {
    let place = Place::new();
    let log = AuditLog::open(&place.log()).unwrap();
    for _ in 0..1005 {
        log.write(&decision(&root())).unwrap();
    }
    log.close();
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(report.signatures, 3);
    let other = Place::new();
    other.write(0);
    let files = AuditFiles::find(&place.log()).unwrap();
    let key = AuditKey::load(&other.dir.path().join("audit.log.pub")).unwrap();
    let report = files.verify(&key).unwrap();
    assert!(matches!(report.findings[0].what, What::OtherKey { .. }));
    let signatures = report.findings.iter().skip(1);
    assert_eq!(signatures.len(), 3);
    let is_signature = |finding: &Finding| matches!(finding.what, What::Signature { .. });
    assert!(signatures.clone().all(is_signature));
}

#[test]
fn a_record_that_was_cut_short_is_closed_off_wherever_it_was_cut() {
    let place = Place::new();
    place.write(2);
    let whole = std::fs::read(place.log()).unwrap();
    let head = std::fs::read(place.dir.path().join("audit.log.head")).unwrap();
    place.write(1);
    let longer = std::fs::read(place.log()).unwrap();
    // A start that dies anywhere in its first line, with the head of before.
    let next_line = whole.len()
        + longer[whole.len()..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap();
    for cut in [whole.len() + 1, whole.len() + 40, next_line - 1, next_line] {
        std::fs::write(place.log(), &longer[..cut]).unwrap();
        std::fs::write(place.dir.path().join("audit.log.head"), &head).unwrap();
        let torn = place.verify();
        if cut == next_line {
            // Only the newline is missing, and the head.
            assert_eq!(torn.findings[0].what, What::Beyond { from: 4, to: 4 });
        } else {
            assert_eq!(torn.findings[0].what, What::Torn, "{cut}");
        }
        place.write(1);
        let report = place.verify();
        assert!(report.is_whole(), "{cut}: {:?}", report.findings);
        assert_eq!(report.closed_off, u64::from(cut != next_line), "{cut}");
        assert_eq!(report.unproven, u64::from(cut == next_line), "{cut}");
    }
}

#[test]
fn debris_that_nobody_closed_off_is_found_whatever_a_forged_record_says() {
    let place = Place::new();
    place.write(1);
    let mut file = OpenOptions::new().append(true).open(place.log()).unwrap();
    file.write_all(b"torn").unwrap();
    place.write(1);
    assert!(place.verify().is_whole());
    let found = place.after(|lines| {
        let debris = lines.iter().position(|line| line == "torn").unwrap();
        lines[debris] = "teared".to_owned();
    });
    assert_eq!(found, [What::NoRecord]);
}

#[test]
fn a_trail_from_before_the_chain_stays_readable_and_is_covered_by_a_hash() {
    let place = Place::new();
    std::fs::write(place.log(), "{\"sequence\":4}\n{\"sequence\":5}\n").unwrap();
    place.write(1);
    let all = lines(&place.log());
    assert_eq!(numbers(&place.log()), [4, 5, 6, 7, 8]);
    assert_eq!(all[2]["event"], "recovered");
    assert_eq!(all[2]["reason"], "unchained");
    assert!(place.verify().is_whole());
    let found = place.after(|lines| lines[0] = "{\"sequence\":3}".to_owned());
    assert_eq!(found, [What::NoRecord]);
}

#[test]
fn full_files_are_put_away_and_the_oldest_forgotten() {
    let place = Place::new();
    let mut config = AuditConfig::new(&place.log());
    config.max_bytes = 2000;
    config.max_files = 3;
    let log = AuditLog::open_with(config).unwrap();
    for _ in 0..40 {
        log.write(&decision(&root())).unwrap();
    }
    let files = AuditFiles::find(&place.log()).unwrap();
    assert_eq!(files.paths().len(), 4);
    for path in files.paths() {
        assert!(std::fs::metadata(path).unwrap().len() < 4000);
    }
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert!(report.first.unwrap() > 1);
    // Forgetting one more than the trail says is not forgetting but taking away.
    std::fs::remove_file(&files.paths()[0]).unwrap();
    let gone = place.verify().findings;
    assert!(
        matches!(gone[0].what, What::Missing { from: 1, .. }),
        "{gone:?}"
    );
}

#[test]
fn what_is_put_away_while_it_is_read_is_read_where_it_was_found() {
    let place = Place::new();
    let mut config = AuditConfig::new(&place.log());
    config.max_bytes = 2000;
    let log = AuditLog::open_with(config).unwrap();
    let write = |count: usize| (0..count).for_each(|_| log.write(&decision(&root())).unwrap());
    write(10);
    let files = AuditFiles::find(&place.log()).unwrap();
    let before = files.paths().len();
    write(20);
    assert!(AuditFiles::find(&place.log()).unwrap().paths().len() > before + 1);
    for seen in [0, 3] {
        let mut read = Vec::new();
        let number = |line: &[u8]| Sealed::read(line).unwrap().sequence;
        files
            .each_after(seen, &mut |line| read.push(number(line)))
            .unwrap();
        let first = read[0];
        assert!(first <= seen + 1);
        assert_eq!(read, (first..first + read.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_process_that_dies_between_two_files_leaves_a_chain_that_goes_on() {
    let place = Place::new();
    place.write(3);
    let archive = place.dir.path().join("audit.log.00000000000000000001");
    std::fs::rename(place.log(), archive).unwrap();
    place.write(1);
    assert_eq!(numbers(&place.log()), [5, 6]);
    assert!(place.verify().is_whole());
}

#[test]
fn what_cannot_be_written_is_an_error_and_uses_no_number() {
    let log = AuditLog::open(Path::new("/dev/full")).unwrap();
    let principal = root();
    for _ in 0..2 {
        let error = log.write(&decision(&principal)).unwrap_err();
        assert!(matches!(error, AuditError::Write(_)));
    }
    assert!(!Path::new("/dev/full.key").exists());
}

// T: policy-failure
#[test]
fn a_full_disk_loses_records_but_neither_the_chain_nor_the_count() {
    let disk = SmallDisk::new();
    let path = disk.path().join("audit.log");
    let log = AuditLog::open(&path).unwrap();
    let ballast = disk.path().join("ballast");
    let mut filler = std::fs::File::create(&ballast).unwrap();
    while filler.write_all(&[0; 512]).is_ok() {}
    let mut written = 0;
    while log.write(&decision(&root())).is_ok() {
        written += 1;
        assert!(written < 100, "the disk is not full");
    }
    for _ in 0..4 {
        log.write(&decision(&root())).unwrap_err();
    }
    let files = AuditFiles::find(&path).unwrap();
    let key = files.key().unwrap();
    assert!(files.verify(&key).unwrap().is_whole(), "while it is full");
    // A start on the full disk is no reason not to start.
    drop(log);
    let log = AuditLog::open(&path).unwrap();
    log.write(&decision(&root())).unwrap_err();
    drop(filler);
    std::fs::remove_file(&ballast).unwrap();
    log.write(&decision(&root())).unwrap();
    let report = files.verify(&key).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(report.lost, 1, "those of this process");
}

/// A tmpfs of 64 KiB.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "lockgate-test"])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(mounted.success(), "this test needs root");
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
        drop(unmounted);
    }
}

#[test]
fn a_killed_writer_leaves_a_trail_that_is_whole_after_the_next_start() {
    let place = Place::new();
    for round in 0..5_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "audit::tests::writes_until_it_is_killed",
                "--ignored",
            ])
            .env("LOCKGATE_TEST_AUDIT", place.log())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let grown = |length: u64| {
            std::fs::metadata(place.log()).is_ok_and(|metadata| metadata.len() > length)
        };
        while !grown((round + 1) * 20_000) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.write(1);
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert!(report.records > 5);
}

#[test]
#[ignore = "is killed by the test above"]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os("LOCKGATE_TEST_AUDIT") else {
        return;
    };
    let log = AuditLog::open(Path::new(&path)).unwrap();
    loop {
        log.write(&decision(&root())).unwrap();
    }
}

proptest! {
    #[test]
    fn no_name_can_end_a_line_or_move_a_cursor(name in any::<String>(), target in any::<String>()) {
        let principal = Principal::Certificate(Box::new(Certificate {
            common_name: name.clone(),
            sans: vec![target.clone()],
            roles: vec![target],
            organization: Vec::new(),
            organizational_unit: Vec::new(),
            serial: "1".to_owned(),
            issuer: name.clone(),
            spki_sha256: String::new(),
            not_after: std::time::SystemTime::UNIX_EPOCH,
        }));
        let inner = decision(&principal).object(1, at(0), Hash::NONE).unwrap();
        prop_assert!(!inner.chars().any(must_be_escaped), "{:?}", inner);
        let read: Value = serde_json::from_str(&inner).unwrap();
        prop_assert_eq!(read["identity"]["common_name"].as_str().unwrap(), name);
        prop_assert!(!principal.to_string().chars().any(must_be_escaped));
    }

    /// Any byte of any record changed, and verify says so.
    #[test]
    fn no_byte_of_a_trail_can_change_unseen(position in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let place = Place::new();
        place.write(3);
        let mut bytes = std::fs::read(place.log()).unwrap();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        std::fs::write(place.log(), &bytes).unwrap();
        // The last newline carries nothing.
        prop_assume!(index + 1 < bytes.len());
        prop_assert!(!place.verify().is_whole(), "byte {}", index);
    }
}

#[test]
fn a_clock_that_is_set_back_breaks_nothing_and_is_told() {
    let place = Place::new();
    let mut trail = trail::Trail::open(AuditConfig::new(&place.log())).unwrap();
    let who = root();
    let now = Timestamp::now().unix_seconds() - 1_795_341_600;
    let mut say = |seconds| {
        let time = at(i128::from(now) + seconds);
        trail.append(&decision(&who), time).unwrap();
        trail.next - 1
    };
    say(0);
    // As a time server sets it right.
    say(-1);
    assert_eq!(place.verify().set_back, None);
    say(0);
    let first = say(-10);
    say(3000);
    let furthest = say(-600);
    say(-599);
    let report = place.verify();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert!(first < furthest);
    assert_eq!(
        report.set_back,
        Some((furthest, std::time::Duration::from_hours(1)))
    );
}
