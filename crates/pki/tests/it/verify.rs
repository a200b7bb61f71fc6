//! `verify_set` finds what would fail later.

use std::path::{Path, PathBuf};

use lockgate_pki::{CheckedSet, Clock, Purpose, Verdict, VerifyReport, verify_set};

use crate::support::*;

fn set(directory: &Path) -> CheckedSet {
    CheckedSet {
        ca: directory.join("ca.pem"),
        certificate: directory.join("cert.pem"),
        key: Some(directory.join("key.pem")),
        purpose: None,
        hosts: Vec::new(),
        clock: Clock::System,
    }
}

fn failed(report: &VerifyReport) -> Vec<&str> {
    let failed = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Failed);
    failed.map(|check| check.name).collect()
}

fn two() -> (Bench, PathBuf, PathBuf) {
    let bench = Bench::new();
    let authority = authority();
    let server = bench.put("server", &server(&authority));
    let client = bench.put("client", &client(&authority, "alice"));
    (bench, server, client)
}

#[test]
fn what_was_issued_passes() {
    let (_bench, server, client) = two();
    for (directory, purpose) in [(server, Purpose::Server), (client, Purpose::Client)] {
        let checked = CheckedSet {
            purpose: Some(purpose),
            ..set(&directory)
        };
        let report = verify_set(&checked);
        assert!(
            report
                .checks
                .iter()
                .all(|check| check.verdict == Verdict::Passed),
            "{report:?}"
        );
    }
}

#[test]
fn names_are_compared_as_a_client_does() {
    let (_bench, server, _) = two();
    for good in ["localhost", "LOCALHOST", "127.0.0.1", "::1"] {
        let report = verify_set(&CheckedSet {
            hosts: names(good),
            ..set(&server)
        });
        assert!(report.is_good(), "{good} {report:?}");
    }
    for bad in ["example.org", "127.0.0.2"] {
        let report = verify_set(&CheckedSet {
            hosts: names(bad),
            ..set(&server)
        });
        assert_eq!(failed(&report), ["names"], "{report:?}");
        assert!(
            report
                .checks
                .iter()
                .any(|check| check.text.contains(&format!("--san {bad}")))
        );
    }
}

#[test]
fn a_purpose_that_is_not_stated_fails() {
    let (_bench, server, client) = two();
    for (directory, purpose) in [(server, Purpose::Client), (client, Purpose::Server)] {
        let report = verify_set(&CheckedSet {
            purpose: Some(purpose),
            ..set(&directory)
        });
        assert_eq!(failed(&report), ["purpose"], "{report:?}");
    }
}

#[test]
fn dates_fail_or_warn() {
    let (_bench, server, _) = two();
    for (days, wanted) in [
        (91, &["dates"][..]),
        (-1, &["authority", "dates"]),
        (400, &["authority", "dates"]),
    ] {
        let report = verify_set(&CheckedSet {
            clock: in_days(days),
            ..set(&server)
        });
        assert_eq!(failed(&report), wanted, "{days} {report:?}");
    }
    let report = verify_set(&CheckedSet {
        clock: in_days(80),
        ..set(&server)
    });
    assert!(report.is_good());
    assert!(
        report
            .checks
            .iter()
            .any(|check| check.verdict == Verdict::Warning)
    );
}

#[test]
fn keys_and_authorities_of_another_set_fail() {
    let (bench, server, client) = two();
    let swapped = CheckedSet {
        key: Some(client.join("key.pem")),
        ..set(&server)
    };
    assert_eq!(failed(&verify_set(&swapped)), ["key"]);
    let foreign = bench.put("foreign", &self::server(&authority()));
    let mixed = CheckedSet {
        ca: foreign.join("ca.pem"),
        ..set(&server)
    };
    assert_eq!(failed(&verify_set(&mixed)), ["chain"]);
    let own = CheckedSet {
        certificate: server.join("ca.pem"),
        key: None,
        ..set(&server)
    };
    assert!(failed(&verify_set(&own)).contains(&"purpose"));
    let leaf = CheckedSet {
        ca: server.join("cert.pem"),
        ..set(&server)
    };
    assert!(failed(&verify_set(&leaf)).contains(&"authority"));
}

#[test]
fn modes_that_let_others_in_fail() {
    let (bench, server, _) = two();
    bench.ok("chmod 0440 server/key.pem; chmod 0666 server/ca.pem");
    assert_eq!(failed(&verify_set(&set(&server))), ["key", "permissions"]);
}

#[test]
fn missing_files_are_findings_and_not_the_end() {
    let (bench, server, _) = two();
    bench.ok("rm -f server/ca.pem");
    assert_eq!(failed(&verify_set(&set(&server))), ["authority"]);
    assert_eq!(
        failed(&verify_set(&set(&bench.path("none")))),
        ["authority", "certificate", "key"]
    );
}

// T: no-san
#[test]
fn certificates_of_the_old_tutorials_are_judged_too() {
    let bench = Bench::new();
    bench.ok(
        "umask 077; mkdir old
         openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -days 900 -out old/ca.pem
         openssl req -newkey rsa:2048 -nodes -keyout old/key.pem -subj /CN=host -out csr
         openssl x509 -req -in csr -CA old/ca.pem -CAkey ca.key -CAcreateserial -days 800 -out old/cert.pem",
    );
    let failed_old = verify_set(&set(&bench.path("old")));
    assert!(failed(&failed_old).contains(&"names"), "{failed_old:?}");
    bench.ok(
        "printf 'subjectAltName=DNS:*.example.org\\nextendedKeyUsage=serverAuth,clientAuth\\n' > ext
         openssl x509 -req -in csr -CA old/ca.pem -CAkey ca.key -CAcreateserial -days 800 -extfile ext -out old/cert.pem",
    );
    let both = CheckedSet {
        hosts: names("a.example.org"),
        ..set(&bench.path("old"))
    };
    let report = verify_set(&both);
    let warned = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Warning);
    assert_eq!(
        warned.map(|check| check.name).collect::<Vec<_>>(),
        ["purpose", "dates"],
        "{report:?}"
    );
    let deep = CheckedSet {
        hosts: names("a.b.example.org"),
        ..both
    };
    assert_eq!(failed(&verify_set(&deep)), ["names"]);
}
