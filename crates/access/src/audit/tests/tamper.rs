//! A trail of several files in the hands of whoever has everything but the key: each change is found, where it is.

use std::collections::BTreeMap;

use super::*;
use crate::audit::chain::{Sealed, seal};

/// Every so many bytes are tried; `LOCKGATE_TAMPER_STEP=1` tries all.
fn step() -> usize {
    let asked = std::env::var("LOCKGATE_TAMPER_STEP").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(19)
}

/// A trail of some files, and how they were.
struct Whole {
    place: Place,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The files of records, in their order.
    logs: Vec<PathBuf>,
}

impl Whole {
    fn new() -> Self {
        Self::of(14)
    }

    fn of(records: usize) -> Self {
        let place = Place::new();
        let mut config = AuditConfig::new(&place.log());
        config.max_bytes = 2500;
        let log = AuditLog::open_with(config).unwrap();
        for _ in 0..records {
            log.write(&decision(&root())).unwrap();
        }
        log.close();
        drop(log);
        let files = std::fs::read_dir(place.dir.path()).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        let files = files.map(|path| (path.clone(), std::fs::read(path).unwrap()));
        let logs = AuditFiles::find(&place.log()).unwrap().paths().to_vec();
        let whole = Self {
            place,
            files: files.collect(),
            logs,
        };
        assert!(whole.place.verify().is_whole());
        whole
    }

    fn lines(&self, log: usize) -> Vec<String> {
        let text = std::str::from_utf8(&self.files[&self.logs[log]]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The findings after one file was given other lines.
    fn with(&self, log: usize, lines: &[String]) -> Vec<Finding> {
        self.with_bytes(log, &(lines.join("\n") + "\n").into_bytes())
    }

    fn with_bytes(&self, log: usize, bytes: &[u8]) -> Vec<Finding> {
        let path = &self.logs[log];
        std::fs::write(path, bytes).unwrap();
        let found = self.place.verify().findings;
        std::fs::write(path, &self.files[path]).unwrap();
        found
    }

    /// All lines of all files, as file and line.
    fn places(&self) -> Vec<(usize, usize)> {
        let logs = 0..self.logs.len();
        logs.flat_map(|log| (0..self.lines(log).len()).map(move |line| (log, line)))
            .collect()
    }

    fn sequence(&self, log: usize, line: usize) -> u64 {
        Sealed::read(self.lines(log)[line].as_bytes())
            .unwrap()
            .sequence
    }

    fn last(&self) -> u64 {
        self.place.verify().last.unwrap()
    }
}

fn what(found: &[Finding]) -> Vec<What> {
    found.iter().map(|finding| finding.what.clone()).collect()
}

// T: audit-tampering
#[test]
fn every_record_that_is_taken_out_is_missed_where_it_was() {
    let whole = Whole::new();
    assert!(whole.logs.len() > 2, "{:?}", whole.logs);
    let last = whole.last();
    for (log, line) in whole.places() {
        let number = whole.sequence(log, line);
        let mut lines = whole.lines(log);
        lines.remove(line);
        let is_empty_end = line == lines.len();
        let found = whole.with(log, &lines);
        let expected = if number == last {
            What::Truncated {
                from: number,
                to: number,
            }
        } else {
            What::Missing {
                from: number,
                to: number,
            }
        };
        assert!(what(&found).contains(&expected), "{number}: {found:?}");
        if number != last && !is_empty_end {
            assert_eq!(found[0].file, whole.logs[log]);
            assert_eq!(found[0].line, line as u64 + 1, "{found:?}");
        }
    }
}

// T: audit-tampering
#[test]
fn every_edited_byte_is_found_in_its_line() {
    let whole = Whole::new();
    for log in 0..whole.logs.len() {
        let bytes = &whole.files[&whole.logs[log]];
        for at in (0..bytes.len()).step_by(step()) {
            let mut changed = bytes.clone();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let line = bytes[..at].split(|byte| *byte == b'\n').count() as u64;
            let found = whole.with_bytes(log, &changed);
            let is_here = |finding: &Finding| {
                finding.file == whole.logs[log] && (line..=line + 1).contains(&finding.line)
            };
            // The last newline of all joins nothing.
            let is_last_of_all = log + 1 == whole.logs.len() && at + 1 == bytes.len();
            assert!(
                found.iter().any(is_here) || is_last_of_all,
                "{at}: {found:?}"
            );
            assert!(!found.is_empty());
        }
    }
}

// T: audit-tampering
#[test]
fn every_record_that_changes_places_or_comes_twice_is_found() {
    let whole = Whole::new();
    for (log, line) in whole.places() {
        let lines = whole.lines(log);
        if line + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(line, line + 1);
            let found = whole.with(log, &swapped);
            assert!(!found.is_empty(), "swapped {log}:{line}");
            assert_eq!(found[0].file, whole.logs[log]);
        }
        let mut twice = lines.clone();
        twice.insert(line, lines[line].clone());
        let found = whole.with(log, &twice);
        let sequence = whole.sequence(log, line);
        let again = What::Reordered {
            sequence,
            expected: sequence + 1,
        };
        assert_eq!(what(&found), [again], "twice {log}:{line}");
        assert_eq!(found[0].line, line as u64 + 2);
    }
}

/// A record by somebody who knows how a chain is made.
fn forged(before: &str) -> String {
    let before = Sealed::read(before.as_bytes()).unwrap();
    let object = decision(&root())
        .object(before.sequence + 1, at(0), before.hash)
        .unwrap();
    seal(&object).0
}

// T: audit-tampering
#[test]
fn a_record_of_ones_own_is_found_wherever_it_is_put() {
    let whole = Whole::new();
    for (log, line) in whole.places() {
        let mut lines = whole.lines(log);
        lines.insert(line + 1, forged(&lines[line]));
        let found = whole.with(log, &lines);
        assert!(!found.is_empty(), "{log}:{line}");
    }
    // At the end of all, where nothing follows that it could contradict.
    let (log, last) = (whole.logs.len() - 1, whole.last());
    let mut lines = whole.lines(log);
    for more in 1..4 {
        lines.push(forged(lines.last().unwrap()));
        let found = whole.with(log, &lines);
        let expected = What::Beyond {
            from: last + 1,
            to: last + more,
        };
        assert_eq!(what(&found), [expected]);
        assert_eq!(found[0].line, lines.len() as u64 - more + 1);
    }
}

// T: audit-tampering
#[test]
fn a_chain_that_is_made_anew_from_anywhere_is_found_by_a_signature() {
    let whole = Whole::new();
    for (log, line) in whole.places() {
        // Everything from here on is rewritten and hangs together.
        let mut previous = None;
        for later in log..whole.logs.len() {
            let mut lines = whole.lines(later);
            for (at, text) in lines.iter_mut().enumerate() {
                if later == log && at < line {
                    continue;
                }
                let sealed = Sealed::read(text.as_bytes()).unwrap();
                let (object, _) = text.split_once(",\"hash\":").unwrap();
                let object = match previous {
                    None => object.replace("\"event\"", "\"more\":1,\"event\""),
                    Some(hash) => object.replace(&sealed.previous.to_string(), &format!("{hash}")),
                };
                let (line, hash) = seal(&(object + "}"));
                *text = line;
                previous = Some(hash);
            }
            std::fs::write(&whole.logs[later], lines.join("\n") + "\n").unwrap();
        }
        let found = whole.place.verify().findings;
        for path in &whole.logs {
            std::fs::write(path, &whole.files[path]).unwrap();
        }
        assert!(!found.is_empty(), "from {log}:{line} on");
    }
}

// T: audit-tampering
#[test]
fn a_cut_is_found_at_whatever_byte() {
    let whole = Whole::new();
    let log = whole.logs.len() - 1;
    let bytes = &whole.files[&whole.logs[log]];
    for length in (0..bytes.len() - 1).step_by(step()) {
        let found = whole.with_bytes(log, &bytes[..length]);
        let is_cut = |what: &What| matches!(what, What::Truncated { .. } | What::Torn);
        // But for its newline the last record is there.
        let is_whole = length + 1 == bytes.len();
        assert!(
            what(&found).iter().any(is_cut) || is_whole,
            "{length}: {found:?}"
        );
    }
}

// T: audit-tampering
#[test]
fn a_file_that_is_taken_away_or_changed_for_another_is_missed() {
    let whole = Whole::new();
    for (index, path) in whole.logs.iter().enumerate() {
        std::fs::remove_file(path).unwrap();
        let found = whole.place.verify().findings;
        std::fs::write(path, &whole.files[path]).unwrap();
        let is_missed = |what: &What| {
            matches!(what, What::Truncated { .. } | What::Missing { .. })
                && (index + 1 == whole.logs.len()) == matches!(what, What::Truncated { .. })
        };
        assert!(what(&found).iter().any(is_missed), "{index}: {found:?}");
    }
    let other = Whole::new();
    for log in 0..whole.logs.len() {
        let theirs = &other.files[&other.logs[log]];
        assert!(!whole.with_bytes(log, theirs).is_empty(), "changed {log}");
        let mut both = whole.files[&whole.logs[log]].clone();
        both.extend_from_slice(theirs);
        assert!(!whole.with_bytes(log, &both).is_empty(), "merged {log}");
    }
}

// T: audit-tampering
#[test]
fn an_older_copy_of_the_log_or_of_the_head_is_found_and_of_both_is_not() {
    let place = Place::new();
    place.write(3);
    let head = place.dir.path().join("audit.log.head");
    let older = (
        std::fs::read(place.log()).unwrap(),
        std::fs::read(&head).unwrap(),
    );
    place.write(3);
    let newer = std::fs::read(place.log()).unwrap();
    std::fs::write(place.log(), &older.0).unwrap();
    let found = place.verify().findings;
    assert_eq!(what(&found), [What::Truncated { from: 5, to: 8 }]);
    std::fs::write(&head, &older.1).unwrap();
    // As the documentation says: that shows by a copy of the head that is kept elsewhere, and no other way.
    assert!(place.verify().is_whole());
    std::fs::write(place.log(), &newer).unwrap();
    let found = place.verify().findings;
    assert_eq!(what(&found), [What::Beyond { from: 5, to: 8 }]);
}

// T: audit-tampering
#[test]
fn another_key_is_found_in_signatures_and_starts() {
    let whole = Whole::new();
    let other = Whole::new();
    let theirs = &other.files[&other.place.dir.path().join("audit.log.pub")];
    std::fs::write(whole.place.dir.path().join("audit.log.pub"), theirs).unwrap();
    let found = what(&whole.place.verify().findings);
    assert!(
        matches!(found[0], What::OtherKey { sequence: 1, .. }),
        "{found:?}"
    );
    assert!(matches!(found.last(), Some(What::Signature { .. })));
}

// T: audit-tampering
#[test]
fn what_editors_and_other_systems_leave_is_found() {
    let whole = Whole::new();
    for log in 0..whole.logs.len() {
        let bytes = &whole.files[&whole.logs[log]];
        let text = std::str::from_utf8(bytes).unwrap();
        let with_bom = [b"\xef\xbb\xbf", bytes.as_slice()].concat();
        let with_crlf = text.replace('\n', "\r\n").into_bytes();
        for (what, changed) in [
            ("a mark at the beginning", with_bom),
            ("other ends of lines", with_crlf),
            ("a zero byte", [bytes, b"\0".as_slice()].concat()),
            ("a blank line", [bytes, b"\n".as_slice()].concat()),
            ("zeroes", [bytes, [0; 4096].as_slice()].concat()),
        ] {
            let found = whole.with_bytes(log, &changed);
            let is_here = |finding: &Finding| finding.file == whole.logs[log];
            assert!(found.iter().any(is_here), "{what}: {found:?}");
        }
    }
}

// T: audit-tampering
#[test]
fn no_number_depth_or_length_breaks_the_reader() {
    let whole = Whole::of(1);
    let lines = whole.lines(0);
    let hash = Hash::NONE;
    let record = |rest: &str| seal(&format!("{{\"previous\":\"{hash}\",{rest}}}")).0;
    let max = u64::MAX;
    let end = record(&format!(
        "\"sequence\":{max},\"event\":\"lost\",\"records\":{max}"
    ));
    let removed = record(&format!(
        "\"sequence\":{max},\"event\":\"rotated\",\"removed_through\":{max}"
    ));
    let unproven = record(&format!(
        "\"sequence\":{max},\"event\":\"unproven\",\"reason\":\"beyond_head\",\"signed_through\":{max},\"through\":0"
    ));
    let deep = record(&format!(
        "\"sequence\":9,\"a\":{}1{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ));
    for hostile in [&end, &removed, &unproven, &deep] {
        for at in 0..=lines.len() {
            let mut changed = lines.clone();
            changed.insert(at, hostile.clone());
            changed.insert(at, hostile.clone());
            assert!(!whole.with(0, &changed).is_empty());
        }
    }
    // And a daemon that starts on it goes on with numbers of its own.
    std::fs::write(whole.place.log(), lines.join("\n") + "\n" + &end + "\n").unwrap();
    whole.place.write(1);
    assert!(!whole.place.verify().is_whole());
}

// T: audit-tampering
#[test]
fn a_line_without_end_is_one_line_and_read_in_pieces() {
    let whole = Whole::of(1);
    let mut bytes = whole.files[&whole.logs[0]].clone();
    let before = bytes.clone();
    bytes.splice(0..0, std::iter::repeat_n(b'x', 9 << 20).chain([b'\n']));
    bytes.extend_from_slice(b"y\n");
    let found = whole.with_bytes(0, &bytes);
    let lines: Vec<u64> = found.iter().map(|finding| finding.line).collect();
    let count = before.split(|byte| *byte == b'\n').count() as u64 - 1;
    assert_eq!(lines, [1, count + 2]);
}

// T: audit-tampering
#[test]
fn numbers_that_nobody_ever_writes_are_findings_and_no_end_of_the_verifier() {
    for number in [0, 1, u64::MAX - 1, u64::MAX] {
        let whole = Whole::new();
        let previous = Hash::of(b"x");
        let (line, _) = seal(&format!(
            "{{\"sequence\":{number},\"previous\":\"{previous}\",\"event\":\"end\"}}"
        ));
        for log in 0..whole.logs.len() {
            for at in 0..=whole.lines(log).len() {
                let mut lines = whole.lines(log);
                lines.insert(at, line.clone());
                assert!(!whole.with(log, &lines).is_empty(), "{number} at {at}");
            }
        }
        assert!(!whole.with(0, std::slice::from_ref(&line)).is_empty());
        // The second line of the head has no signature that anybody could check.
        let head = whole.place.dir.path().join("audit.log.head");
        let text = std::fs::read_to_string(&head).unwrap();
        let (signed, named) = text.split_once('\n').unwrap();
        for forged in [0, 1, u64::MAX] {
            let named = named.replacen(
                &format!("{:020}", whole.last()),
                &format!("{forged:020}"),
                1,
            );
            std::fs::write(&head, format!("{signed}\n{named}")).unwrap();
            let last = whole.logs.len() - 1;
            let mut lines = whole.lines(last);
            lines.push(line.clone());
            assert!(!whole.with(last, &lines).is_empty(), "{number}, {forged}");
            std::fs::write(&head, &text).unwrap();
        }
    }
}
