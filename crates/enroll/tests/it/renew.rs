//! Renewal over the connection that the old certificate secures.

use lockgate_enroll::{Seen, last_seen};
use lockgate_pki::{Invited, Reason};
use lockgate_types::Timestamp;

use crate::support::{Lab, eventually};

fn server() -> Invited {
    Invited::Server {
        names: vec!["daemon".to_owned(), "10.0.0.3".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_has_the_same_names_and_another_key() {
    let lab = Lab::new().await;
    for invited in [Lab::client("alice"), server()] {
        let old = lab.member(invited).await;
        let new = lab.renew(&old).await.unwrap();
        let (old, new) = (old.info(), new.info());
        assert_eq!(old.subject, new.subject);
        assert_eq!(old.alternative_names(), new.alternative_names());
        assert_eq!(old.extended_key_usage, new.extended_key_usage);
        assert_ne!(old.spki_sha256, new.spki_sha256);
        assert_ne!(old.serial, new.serial);
    }
    assert!(lab.journal().contains("\"event\":\"renewed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_renew_or_report() {
    let (lab, other) = (Lab::new().await, Lab::new().await);
    let alice = lab.member(Lab::client("alice")).await;
    let mallory = other.member(Lab::client("alice")).await;
    // Trusts the right authority, shows a certificate of another one with the same name.
    let refused = lockgate_enroll::renew(
        &lab.address,
        &alice.trusting(),
        &mallory.credentials(),
        &mallory.key,
    )
    .await
    .unwrap_err();
    assert!(
        refused.to_string().contains("another authority"),
        "{refused}"
    );
    let seen = [Seen {
        serial: "00".to_owned(),
        at: Timestamp::now(),
        from: "10.0.0.1".to_owned(),
    }];
    let (trusting, ours) = (alice.trusting(), alice.credentials());
    let report = lockgate_enroll::report_seen(&lab.address, &trusting, &ours, &seen);
    let refused = report.await.unwrap_err().to_string();
    assert!(refused.contains("only daemons"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_cannot_renew_itself() {
    let lab = Lab::new().await;
    let alice = lab.member(Lab::client("alice")).await;
    let now = Timestamp::now();
    lab.directory
        .revoke("alice", Reason::CertificateHold, now)
        .unwrap();
    let opened = lab.opened();
    lab.directory.publish_crl(&opened.all(), 7).unwrap();
    let mut refused = String::new();
    for _ in 0..100 {
        match lab.renew(&alice).await {
            Err(error) => {
                refused = error.to_string();
                break;
            }
            // The service looks at its directory five times a second.
            Ok(_too_early) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    assert!(refused.contains("revoked"), "{refused}");
    lab.directory.release("alice", Timestamp::now()).unwrap();
    lab.directory.publish_crl(&opened.all(), 7).unwrap();
    let start = std::time::Instant::now();
    while lab.renew(&alice).await.is_err() {
        assert!(start.elapsed().as_secs() < 20, "a hold that was taken back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_daemon_saw_is_in_the_book() {
    let lab = Lab::new().await;
    let (alice, daemon) = (
        lab.member(Lab::client("alice")).await,
        lab.member(server()).await,
    );
    let serial = alice.info().serial;
    let report = [
        Seen {
            serial: serial.clone(),
            at: Timestamp::now(),
            from: "10.0.0.9".to_owned(),
        },
        Seen {
            serial: "../../etc/passwd".to_owned(),
            at: Timestamp::now(),
            from: "10.0.0.9".to_owned(),
        },
    ];
    lockgate_enroll::report_seen(
        &lab.address,
        &daemon.trusting(),
        &daemon.credentials(),
        &report,
    )
    .await
    .unwrap();
    eventually("the book", || {
        last_seen(lab.directory.path()).contains_key(&serial)
    })
    .await;
    let book = last_seen(lab.directory.path());
    assert_eq!(book[&serial].1, "10.0.0.9");
    // The daemon was seen by the service itself.
    assert_eq!(book[&daemon.info().serial].1, "127.0.0.1");
    assert_eq!(book.len(), 2);
}
