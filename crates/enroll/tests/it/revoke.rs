//! What peers are told when somebody is locked out.

use std::time::{Duration, Instant};

use lockgate_enroll::TrustPoll;
use lockgate_pki::{Protection, Reason, Revocations};
use lockgate_types::Timestamp;

use crate::support::{Lab, pem, root};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_news_hears_of_a_revocation_within_a_second() {
    let lab = Lab::new().await;
    let alice = lab.member(Lab::client("alice")).await;
    let trusting = alice.trusting();
    let ask = |tag: String, wait| {
        let (address, trusting) = (lab.address.clone(), trusting.clone());
        async move {
            let poll = TrustPoll { tag: &tag, wait };
            lockgate_enroll::poll_trust(&address, &trusting, None, poll)
                .await
                .unwrap()
        }
    };
    let known = ask(String::new(), 0).await.unwrap();
    assert_eq!(ask(known.tag.clone(), 0).await, None);
    let waiting = tokio::spawn(ask(known.tag.clone(), 30));
    // It must really wait, or the answer below would mean nothing.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    lab.directory
        .revoke("alice", Reason::KeyCompromise, Timestamp::now())
        .unwrap();
    let opened = lab.opened();
    lab.directory.publish_crl(&opened.all(), 7).unwrap();
    let start = Instant::now();
    let news = waiting.await.unwrap().unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let lists = Revocations::parse(
        news.crl.as_bytes(),
        "news".as_ref(),
        &pem(&news.ca),
        0,
        Timestamp::now(),
    );
    assert_eq!(lists.unwrap().lists()[0].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_lost_or_damaged_is_signed_anew() {
    let lab = Lab::new().await;
    let opened = lab.opened();
    let alice = lab.member(Lab::client("alice")).await;
    lab.directory
        .revoke("alice", Reason::Unspecified, Timestamp::now())
        .unwrap();
    let first = lab.directory.publish_crl(&opened.all(), 7).unwrap();
    let file = lab.directory.crl_path();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "-----BEGIN X509 CRL-----\nAAAA").unwrap();
    crate::support::eventually("a new list", || {
        let lists = lab.directory.crl(&opened.all());
        lists.is_ok_and(|lists| lists.is_some_and(|lists| lists.lists()[0].len() == 1))
    })
    .await;
    let lists = lab.directory.crl(&opened.all()).unwrap().unwrap();
    assert!(lists.lists()[0].number().unwrap() >= first.number);
    drop(alice);
}

/// Whoever has the key of an authority that its root took back can make certificates of any name; none of them
/// is worth another one.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_below_a_revoked_authority_cannot_renew() {
    let (lab, place, above) = Lab::below().await;
    let alice = lab.member(Lab::client("alice")).await;
    let before = lab.opened().issuing;
    let after = lab.directory.reissue(
        &place,
        &above,
        &before,
        &root("Lab Issuing 2"),
        &Protection::Plain,
    );
    let after = after.unwrap();
    let now = Timestamp::now();
    place
        .revoke_below(&before.info().serial, Reason::KeyCompromise, now)
        .unwrap();
    lab.directory.take_root_list(&place, &above).unwrap();
    lab.directory.publish_crl(&[&after, &before], 7).unwrap();
    let mut refused = String::new();
    for _ in 0..200 {
        match lab.renew(&alice).await {
            Err(error) => {
                refused = error.to_string();
                break;
            }
            // The service looks at its directory ten times a second.
            Ok(_too_early) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    assert!(
        refused.contains("CN=alice") && refused.contains("is revoked"),
        "{refused}"
    );
}
