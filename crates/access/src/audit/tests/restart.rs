//! What was done to a trail while no daemon ran is said by the next one, in the trail: its own signatures would
//! cover it up otherwise.

use super::*;
use crate::audit::chain::Sealed;

impl Place {
    fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("audit.log.{name}"))
    }

    fn cut_last(&self, lines: usize) {
        let text = std::fs::read_to_string(self.log()).unwrap();
        let mut kept: Vec<&str> = text.lines().collect();
        kept.truncate(kept.len() - lines);
        std::fs::write(self.log(), kept.join("\n") + "\n").unwrap();
    }

    /// The reasons that daemons gave for doubts, and what verify makes of the whole.
    fn doubts(&self) -> (Vec<String>, Report) {
        let all = lines(&self.log());
        let doubts = all.iter().filter(|line| line["event"] == "unproven");
        let reasons = doubts.map(|line| line["reason"].as_str().unwrap().to_owned());
        (reasons.collect(), self.verify())
    }
}

fn forge(place: &Place, count: usize) {
    for _ in 0..count {
        let text = std::fs::read_to_string(place.log()).unwrap();
        let last = Sealed::read(text.lines().last().unwrap().as_bytes()).unwrap();
        let object = decision(&root()).object(last.sequence + 1, at(0), last.hash);
        let (line, _) = chain::seal(&object.unwrap());
        std::fs::write(place.log(), text + &line + "\n").unwrap();
    }
}

// T: audit-tampering
#[test]
fn ordinary_starts_have_no_doubts() {
    let place = Place::new();
    for _ in 0..3 {
        place.write(2);
    }
    let (reasons, report) = place.doubts();
    assert!(reasons.is_empty() && report.is_whole(), "{report:?}");
}

// T: audit-tampering
#[test]
fn an_end_that_was_cut_off_together_with_the_head_stays_visible() {
    for garble in [false, true] {
        let place = Place::new();
        place.write(6);
        place.cut_last(3);
        if garble {
            let text = std::fs::read_to_string(place.beside("head")).unwrap();
            std::fs::write(place.beside("head"), text.replacen('7', "4", 1)).unwrap();
        } else {
            std::fs::remove_file(place.beside("head")).unwrap();
        }
        place.write(2);
        place.write(2);
        let (reasons, report) = place.doubts();
        let expected = if garble { "foreign_head" } else { "no_head" };
        assert_eq!(reasons, [expected]);
        let found = &report.findings[0];
        assert!(
            matches!(found.what, What::Unproven { through: 4, .. }),
            "{report:?}"
        );
        assert_eq!((&found.file, found.line), (&place.log(), 5));
    }
}

// T: audit-tampering
#[test]
fn a_trail_that_was_made_anew_with_another_key_says_so() {
    let place = Place::new();
    place.write(3);
    for name in ["key", "pub", "head"] {
        std::fs::remove_file(place.beside(name)).unwrap();
    }
    place.write(1);
    let (reasons, report) = place.doubts();
    assert_eq!(reasons, ["new_key"]);
    let found: Vec<_> = report.findings.iter().map(|found| &found.what).collect();
    assert!(
        matches!(found[0], What::OtherKey { sequence: 1, .. }),
        "{found:?}"
    );
}

// T: audit-tampering
#[test]
fn a_trail_that_is_gone_while_its_key_is_not_is_missed() {
    let place = Place::new();
    place.write(3);
    std::fs::remove_file(place.log()).unwrap();
    std::fs::remove_file(place.beside("head")).unwrap();
    place.write(1);
    let (reasons, report) = place.doubts();
    assert_eq!(reasons, ["no_head"]);
    assert!(!report.is_whole());
}

/// A trail whose daemon was killed right after its last records: the head names them, and signs those before.
fn killed(signed: usize, named: usize) -> (Place, String) {
    let place = Place::new();
    place.write(signed);
    let before = std::fs::read_to_string(place.beside("head")).unwrap();
    let signed = before.lines().next().unwrap().to_owned();
    let log = AuditLog::open(&place.log()).unwrap();
    for _ in 0..named {
        log.write(&decision(&root())).unwrap();
    }
    drop(log);
    let after = std::fs::read_to_string(place.beside("head")).unwrap();
    let named = after.lines().nth(1).unwrap();
    std::fs::write(place.beside("head"), format!("{signed}\n{named}\n")).unwrap();
    (place, signed)
}

#[test]
fn what_a_killed_daemon_had_not_signed_yet_is_signed_by_the_next_one() {
    let (place, _) = killed(3, 4);
    let report = place.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.signed_through, report.unsigned), (4, 5));
    place.write(1);
    let (reasons, report) = place.doubts();
    assert!(reasons.is_empty() && report.is_whole(), "{report:?}");
    assert_eq!((report.signed_through, report.unsigned), (11, 0));
}

// T: audit-tampering
#[test]
fn what_it_had_not_signed_yet_cannot_be_cut_off_or_changed_unseen() {
    let (place, _) = killed(3, 4);
    place.cut_last(2);
    let found = place.verify().findings;
    assert_eq!(found[0].what, What::Truncated { from: 8, to: 9 });

    let (place, _) = killed(3, 4);
    place.cut_last(1);
    forge(&place, 1);
    let found = place.verify().findings;
    assert_eq!(found[0].what, What::Replaced { sequence: 9 });

    // Nobody else can make the code of another record, nor pass a signature off as one.
    let (place, signed) = killed(3, 4);
    place.cut_last(5);
    let half = signed.split_at(signed.len() - 64).0;
    for last in [signed.as_str(), half] {
        std::fs::write(place.beside("head"), format!("{signed}\n{last}\n")).unwrap();
        place.write(1);
        let (reasons, report) = place.doubts();
        assert_eq!(reasons.last().map(String::as_str), Some("foreign_head"));
        assert!(!report.is_whole());
    }
}

// T: audit-tampering
#[test]
fn records_that_were_added_are_told_from_one_that_a_killed_process_wrote() {
    let place = Place::new();
    place.write(3);
    forge(&place, 2);
    place.write(1);
    let (reasons, report) = place.doubts();
    assert_eq!(reasons, ["beyond_head"]);
    let expected = What::Unproven {
        signed_through: 4,
        through: 6,
        why: Why::BeyondHead,
    };
    assert_eq!(report.findings[0].what, expected);

    let place = Place::new();
    place.write(3);
    forge(&place, 1);
    place.write(1);
    let (reasons, report) = place.doubts();
    assert_eq!(
        (reasons.as_slice(), report.unproven),
        (&["beyond_head".to_owned()][..], 1)
    );
    assert!(report.is_whole(), "{report:?}");
}

// T: audit-tampering
#[test]
fn a_key_of_a_start_that_died_before_its_first_record_raises_no_doubt() {
    let place = Place::new();
    place.write(0);
    std::fs::write(place.log(), "").unwrap();
    // As the making of the key left it.
    let key = key::SigningKey::load(&place.beside("key")).unwrap();
    let head = head::HeadFile::open(&place.beside("head")).unwrap();
    head.sign(&key, 0, Hash::NONE).unwrap();
    head.name(&key, 0, Hash::NONE).unwrap();
    drop(head);
    place.write(1);
    let (reasons, report) = place.doubts();
    assert!(reasons.is_empty() && report.is_whole(), "{report:?}");
}
