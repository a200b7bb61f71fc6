//! Invitations: taken once, in time, from the right authority, by whoever holds the secret.

use lockgate_enroll::{LinkError, TokenError};
use lockgate_pki::{InviteSecret, Invited, KeyType, PrivateKey};
use lockgate_types::Timestamp;
use std::fmt::Write as _;

use crate::support::Lab;

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256).unwrap()
}

fn told(result: Result<lockgate_enroll::Granted, LinkError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_the_names_of_its_invitation_and_no_others() {
    let lab = Lab::new().await;
    let alice = lab.member(Lab::client("alice")).await;
    let info = alice.info();
    assert_eq!(info.common_name.as_deref(), Some("alice"));
    assert_eq!(info.uris, ["https://lockgate.invalid/client/alice"]);
    assert_eq!(info.extended_key_usage, ["clientAuth"]);
    assert!(!info.is_ca);
    assert_eq!(info.spki_sha256, alice.key.public_key().sha256());
    assert_eq!(alice.granted.hosts, ["tcp://daemon:2376"]);
    assert!(alice.granted.crl.contains("BEGIN X509 CRL"));
    let journal = lab.journal();
    assert!(journal.contains("\"event\":\"joined\""), "{journal}");
    assert!(journal.contains(&info.serial), "{journal}");
    let issued = lab.directory.issued().unwrap();
    assert!(
        issued
            .iter()
            .any(|line| line.serial == info.serial && line.identity() == "alice")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_gets_a_certificate_for_servers() {
    let lab = Lab::new().await;
    let names = vec!["daemon".to_owned(), "192.168.57.3".to_owned()];
    let daemon = lab.member(Invited::Server { names }).await.info();
    assert_eq!(daemon.extended_key_usage, ["serverAuth"]);
    assert_eq!(
        daemon.alternative_names(),
        ["DNS:daemon", "IP:192.168.57.3"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once() {
    let lab = Lab::new().await;
    let token = lab.invite(Lab::client("alice"));
    lockgate_enroll::join(&token, &key()).await.unwrap();
    let again = told(lockgate_enroll::join(&token, &key()).await);
    assert!(again.contains("was used at"), "{again}");
    assert!(
        lab.journal().contains("POST /v1/join: used"),
        "{}",
        lab.journal()
    );
    let clients = lab.directory.issued().unwrap();
    let clients = clients.iter().filter(|line| line.identity() == "alice");
    assert_eq!(clients.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_come_at_once_with_one_token_get_one_certificate() {
    let lab = Lab::new().await;
    let token = lab.invite(Lab::client("alice"));
    let (one, other) = (key(), key());
    let both = tokio::join!(
        lockgate_enroll::join(&token, &one),
        lockgate_enroll::join(&token, &other)
    );
    assert_ne!(both.0.is_ok(), both.1.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends() {
    let lab = Lab::new().await;
    let long_ago = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
    let mut token = lab.invite_at(Lab::client("alice"), long_ago);
    let own_clock = lockgate_enroll::join(&token, &key()).await.unwrap_err();
    assert!(
        matches!(own_clock, LinkError::Token(TokenError::Expired(_))),
        "{own_clock}"
    );
    // Whoever changes the date in the token, or has a wrong clock, is told by the authority.
    token.expires = i64::MAX / 2;
    let theirs = told(lockgate_enroll::join(&token, &key()).await);
    assert!(
        theirs.contains("the invitation expired at 2023-11-14"),
        "{theirs}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_another_secret_is_refused_and_costs_the_right_one_nothing() {
    let lab = Lab::new().await;
    let token = lab.invite(Lab::client("alice"));
    let mut altered = token.clone();
    altered.secret = InviteSecret::from_bytes([7; 32]);
    let refused = told(lockgate_enroll::join(&altered, &key()).await);
    assert!(refused.contains("secret is wrong"), "{refused}");
    altered.id = "0000000000000000".to_owned();
    let unknown = told(lockgate_enroll::join(&altered, &key()).await);
    assert!(unknown.contains("not known here"), "{unknown}");
    lockgate_enroll::join(&token, &key()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_somebody_who_is_not_the_authority() {
    let (lab, impostor) = (Lab::new().await, Lab::new().await);
    let mut token = lab.invite(Lab::client("alice"));
    let real = std::mem::replace(&mut token.address, impostor.address.clone());
    let error = lockgate_enroll::join(&token, &key()).await.unwrap_err();
    assert!(matches!(error, LinkError::WrongPin(_)), "{error}");
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    // It never saw a request, and the invitation is as good as before.
    assert_eq!(impostor.journal(), "");
    token.address = real;
    lockgate_enroll::join(&token, &key()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_of_the_same_authority_cannot_stand_in_for_it() {
    let lab = Lab::new().await;
    let mut token = lab.invite(Lab::client("alice"));
    // The service's certificate names 127.0.0.1 and localhost, not this address of the same host.
    token.address = token.address.replace("127.0.0.1", "127.0.0.2");
    let error = lockgate_enroll::join(&token, &key()).await.unwrap_err();
    assert!(matches!(error, LinkError::WrongName(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_wrong_too_often_has_to_wait() {
    let lab = Lab::new().await;
    let mut token = lab.invite(Lab::client("alice"));
    let right = token.clone();
    token.secret = InviteSecret::from_bytes([7; 32]);
    for _ in 0..10 {
        let refused = told(lockgate_enroll::join(&token, &key()).await);
        assert!(refused.contains("secret is wrong"), "{refused}");
    }
    let waiting = told(lockgate_enroll::join(&right, &key()).await);
    assert!(waiting.contains("too many wrong invitations"), "{waiting}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_nowhere_in_the_directory() {
    let lab = Lab::new().await;
    let token = lab.invite(Lab::client("alice"));
    lockgate_enroll::join(&token, &key()).await.unwrap();
    let secret = token.secret.expose();
    let mut hex = String::new();
    for octet in secret {
        write!(hex, "{octet:02x}").unwrap();
    }
    for file in std::fs::read_dir(lab.directory.path()).unwrap().flatten() {
        let content = std::fs::read(file.path()).unwrap_or_default();
        let found = content.windows(32).any(|window| window == secret);
        assert!(!found, "{file:?}");
        assert!(
            !String::from_utf8_lossy(&content).contains(&hex),
            "{file:?}"
        );
    }
}
