use lockgate_api::Operation;

use super::*;

#[test]
fn roles_beyond_a_number_are_one_label() {
    let metrics = Metrics::new("1").unwrap();
    for number in 0..ROLES + 10 {
        let role = format!("role-{number}");
        assert_eq!(metrics.role(&role) == "other", number >= ROLES);
    }
    assert_eq!(metrics.role("role-3"), "role-3");
}

#[test]
fn what_is_held_is_counted_until_it_is_dropped() {
    let metrics = Metrics::new("1").unwrap();
    let count = || {
        let text = metrics.text(&Scrape::default()).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("lockgate_streams{kind=\"down\"}"));
        line.map(str::to_owned)
    };
    let held = metrics.stream(StreamKind::Down);
    let second = metrics.stream(StreamKind::Down);
    assert_eq!(count().unwrap(), "lockgate_streams{kind=\"down\"} 2");
    drop((held, second));
    assert_eq!(count().unwrap(), "lockgate_streams{kind=\"down\"} 0");
    assert!(metrics.stream(StreamKind::None).is_none());
}

#[test]
fn a_counter_kept_elsewhere_never_counts_twice() {
    let metrics = Metrics::new("1").unwrap();
    let scrape = Scrape {
        audit: lockgate_access::AuditCounts {
            written: 7,
            failed: 1,
        },
        ..Scrape::default()
    };
    metrics.text(&scrape).unwrap();
    let text = metrics.text(&scrape).unwrap();
    assert!(text.contains("lockgate_audit_records_total{result=\"written\"} 7\n"));
    assert!(text.contains("lockgate_audit_records_total{result=\"failed\"} 1\n"));
}

#[test]
fn statuses_are_counted_by_class() {
    let metrics = Metrics::new("1").unwrap();
    metrics.answered(Operation::SystemInfo, 200, Duration::from_millis(2));
    metrics.answered(Operation::SystemInfo, 404, Duration::from_mins(1));
    let text = metrics.text(&Scrape::default()).unwrap();
    for line in [
        "lockgate_requests_total{operation=\"SystemInfo\",status=\"2xx\"} 1",
        "lockgate_requests_total{operation=\"SystemInfo\",status=\"4xx\"} 1",
        "lockgate_request_duration_seconds_bucket{operation=\"SystemInfo\",le=\"0.0025\"} 1",
        "lockgate_request_duration_seconds_bucket{operation=\"SystemInfo\",le=\"30\"} 1",
        "lockgate_request_duration_seconds_bucket{operation=\"SystemInfo\",le=\"+Inf\"} 2",
        "lockgate_request_duration_seconds_count{operation=\"SystemInfo\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
