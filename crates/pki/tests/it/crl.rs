//! Revocation lists: signed here, judged here and by openssl.

use std::process::Command;

use lockgate_pki::{
    AuthorityDirectory, Clock, CrlError, Overwrite, Protection, Reason, RevocationList,
    Revocations, Standing,
};
use lockgate_types::Timestamp;
use proptest::prelude::*;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use crate::support::{authority, client};

/// A CA of another make.
struct Foreign {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
}

impl Foreign {
    fn new(name: &str, usages: Vec<KeyUsagePurpose>) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = usages;
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        params.key_usages = Vec::new();
        Self {
            issuer: Issuer::new(params, key),
            der,
        }
    }

    fn list(&self, change: impl FnOnce(&mut CertificateRevocationListParams)) -> Vec<u8> {
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateRevocationListParams {
            this_update: now - Duration::minutes(1),
            next_update: now + Duration::days(7),
            crl_number: SerialNumber::from(5_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![entry(&[0x7f, 1, 2])],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

fn entry(serial: &[u8]) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: OffsetDateTime::now_utc(),
        reason_code: None,
        invalidity_date: None,
    }
}

fn signer() -> Foreign {
    Foreign::new(
        "ca",
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
    )
}

fn judge(der: &[u8], authorities: &[CertificateDer<'_>]) -> Result<RevocationList, CrlError> {
    RevocationList::from_der(der, authorities, Timestamp::now())
}

fn name_of(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let (_, x509) = x509_parser::parse_x509_certificate(certificate).unwrap();
    x509.subject().as_raw().to_vec()
}

// T: crl-wrong-issuer, crl-future-dated
#[test]
fn a_list_is_believed_only_whole_current_and_signed_by_an_authority_that_may() {
    let ca = signer();
    let good = ca.list(|_| {});
    let trusted = [ca.der.clone()];
    assert_eq!(judge(&good, &trusted).unwrap().len(), 1);

    let stranger = signer();
    let forged = judge(&good, std::slice::from_ref(&stranger.der)).unwrap_err();
    assert_eq!(
        forged,
        CrlError::BadSignature,
        "the same name with another key"
    );
    let other = Foreign::new("other", vec![KeyUsagePurpose::CrlSign]);
    let wrong = judge(&good, &[other.der]).unwrap_err();
    assert_eq!(wrong, CrlError::WrongIssuer("CN=ca".to_owned()));
    let mute = Foreign::new("ca", vec![KeyUsagePurpose::KeyCertSign]);
    assert_eq!(
        judge(&mute.list(|_| {}), std::slice::from_ref(&mute.der)).unwrap_err(),
        CrlError::NotASigner
    );

    let future = ca.list(|list| list.this_update += Duration::days(1));
    assert!(matches!(
        judge(&future, &trusted).unwrap_err(),
        CrlError::NotYetValid(_)
    ));
    for cut in [0, 1, good.len() / 2, good.len() - 1] {
        assert_eq!(
            judge(&good[..cut], &trusted).unwrap_err(),
            CrlError::Malformed
        );
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(judge(&longer, &trusted).unwrap_err(), CrlError::Malformed);
}

// T: RUSTSEC-2026-0049, GHSA-pwjx-qhcg-rvj4
#[test]
fn a_list_for_a_part_of_the_certificates_is_refused_however_many_points_it_names() {
    let ca = signer();
    for uris in [1, 3] {
        let partial = ca.list(|list| {
            list.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint {
                    uris: vec!["http://crl.test/a".to_owned(); uris],
                },
                scope: None,
            });
        });
        let refused = judge(&partial, std::slice::from_ref(&ca.der)).unwrap_err();
        assert_eq!(refused, CrlError::Unsupported("2.5.29.28".to_owned()));
    }
}

// T: crl-expired, crl-missing
#[test]
fn standing_is_good_revoked_stale_or_unknown() {
    let ca = signer();
    let pem = pem::encode(&pem::Pem::new("X509 CRL", ca.list(|_| {})));
    let trusted = [ca.der.clone()];
    let now = Timestamp::now();
    let lists = Revocations::parse(pem.as_bytes(), "x".as_ref(), &trusted, 60, now).unwrap();
    let (issuer, now) = (name_of(&ca.der), now.unix_seconds());
    let week = 7 * 86_400;
    assert_eq!(
        lists.standing(&issuer, &[0x7f, 1, 2], now),
        Standing::Revoked
    );
    assert_eq!(
        lists.standing(&issuer, &[0, 0x7f, 1, 2], now),
        Standing::Revoked
    );
    assert_eq!(lists.standing(&issuer, &[0x7f, 1, 3], now), Standing::Good);
    assert_eq!(
        lists.standing(&issuer, &[0x7f, 1, 3], now + week + 30),
        Standing::Good
    );
    assert_eq!(
        lists.standing(&issuer, &[0x7f, 1, 3], now + week + 90),
        Standing::Stale
    );
    assert_eq!(
        lists.standing(&issuer, &[0x7f, 1, 2], now + 2 * week),
        Standing::Revoked
    );
    assert_eq!(
        lists.standing(b"another", &[0x7f, 1, 3], now),
        Standing::Unknown
    );

    let older = ca.list(|list| list.crl_number = SerialNumber::from(4_u64));
    let older = pem::encode(&pem::Pem::new("X509 CRL", older));
    let older = Revocations::parse(
        older.as_bytes(),
        "x".as_ref(),
        &trusted,
        60,
        Timestamp::now(),
    )
    .unwrap();
    let refused = older
        .check_newer_than(&lists, Timestamp::now())
        .unwrap_err();
    assert_eq!(refused, CrlError::Older { found: 4, known: 5 });
}

#[test]
fn openssl_believes_our_lists_and_refuses_who_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, set) = (dir.path().join("ca"), dir.path().join("alice"));
    let mut authority = authority();
    authority
        .save(&ca, &Protection::Plain, Overwrite::Refuse)
        .unwrap();
    let directory = AuthorityDirectory::new(&ca);
    let alice = client(&authority, "alice");
    authority.publish(&alice, &set, Overwrite::Refuse).unwrap();
    let opened = directory.open(None, Clock::System).unwrap();
    let verify = || {
        let both = dir.path().join("both.pem");
        let text =
            ["ca.pem", "crl.pem"].map(|name| std::fs::read_to_string(ca.join(name)).unwrap());
        std::fs::write(&both, text.concat()).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args([
            "verify",
            "-x509_strict",
            "-crl_check",
            "-purpose",
            "sslclient",
            "-CAfile",
        ]);
        let ended = openssl
            .arg(both)
            .arg(set.join("cert.pem"))
            .output()
            .unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr)
        )
    };
    directory.publish_crl(&opened.all(), 7).unwrap();
    assert!(verify().contains(": OK"), "{}", verify());
    let now = Timestamp::now();
    directory
        .revoke("alice", Reason::CertificateHold, now)
        .unwrap();
    directory.publish_crl(&opened.all(), 7).unwrap();
    assert!(verify().contains("certificate revoked"), "{}", verify());
    directory.release("alice", now).unwrap();
    directory.publish_crl(&opened.all(), 7).unwrap();
    assert!(verify().contains(": OK"), "{}", verify());
    directory
        .revoke(&alice.info().serial, Reason::KeyCompromise, now)
        .unwrap();
    let back = directory.release("alice", now).unwrap_err();
    assert!(back.to_string().contains("for good"), "{back}");
    let nobody = directory
        .revoke("nobody", Reason::Unspecified, now)
        .unwrap_err();
    assert!(
        nobody.to_string().contains("nothing that could be used"),
        "{nobody}"
    );
}

proptest! {
    // T: GHSA-82j2-j2ch-gfr8, RUSTSEC-2026-0104
    #[test]
    fn no_octets_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let refused = judge(&bytes, &[]).is_err();
        prop_assert!(refused);
    }

    #[test]
    fn no_change_of_a_list_is_believed(at in 0_usize..10_000, to in any::<u8>()) {
        let ca = signer();
        let mut der = ca.list(|_| {});
        let at = at % der.len();
        prop_assume!(der[at] != to);
        der[at] = to;
        let refused = judge(&der, &[ca.der]).is_err();
        prop_assert!(refused, "octet {at}");
    }

    #[test]
    fn no_octets_make_the_reader_of_requests_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let refused = lockgate_pki::CertificateRequest::from_der(&bytes).is_err();
        prop_assert!(refused);
    }
}

#[test]
fn numbers_go_on_although_the_clock_went_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut here = authority();
    here.save(dir.path(), &Protection::Plain, Overwrite::Replace)
        .unwrap();
    let directory = AuthorityDirectory::new(dir.path());
    let newest = directory.publish_crl(&[&here], 7).unwrap().number;
    let then = Timestamp::from_unix_nanos(
        i128::from(Timestamp::now().unix_seconds() - 10 * 86_400) * 1_000_000_000,
    );
    let late = here.with_clock(Clock::Fixed(then));
    let next = directory.publish_crl(&[&late], 7).unwrap().number;
    assert_eq!(next, newest + 1);
    assert_eq!(
        directory.publish_crl(&[&late], 7).unwrap().number,
        newest + 2
    );
}
