//! What is in the certificates, as openssl reads them.

use std::collections::HashSet;

use lockgate_pki::{
    Authority, Clock, IssueError, KeyType, PrivateKey, Profile, PublicKey, Validity,
};

use crate::support::*;

fn text(bench: &Bench, file: &str) -> String {
    bench.ok(&format!("openssl x509 -in {file} -noout -text"))
}

#[test]
fn every_key_type_makes_chains_that_openssl_accepts_for_one_purpose_only() {
    for key_type in [
        KeyType::EcdsaP256,
        KeyType::EcdsaP384,
        KeyType::Ed25519,
        KeyType::Rsa4096,
    ] {
        let bench = Bench::new();
        let mut authority =
            Authority::create(&new_authority(key_type, 365), Clock::System).unwrap();
        authority
            .save(
                &bench.path("ca"),
                &passphrase("secret"),
                lockgate_pki::Overwrite::Refuse,
            )
            .unwrap();
        let mut request = server_request("localhost,127.0.0.1");
        request.key_type = key_type;
        bench.put("server", &authority.issue_server(&request).unwrap());
        let mut request = client_request("alice");
        request.key_type = key_type;
        bench.put("client", &authority.issue_client(&request).unwrap());
        bench.ok(
            "openssl pkey -in ca/ca-key.pem -passin pass:secret -check -noout
             refuse openssl pkey -in ca/ca-key.pem -passin pass:wrong -noout 2>/dev/null
             v='openssl verify -x509_strict -CAfile ca/ca.pem'
             $v -purpose sslserver -verify_hostname localhost server/cert.pem
             $v -purpose sslserver -verify_ip 127.0.0.1 server/cert.pem
             $v -purpose sslclient client/cert.pem
             refuse $v -purpose sslclient server/cert.pem 2>/dev/null
             refuse $v -purpose sslserver client/cert.pem 2>/dev/null
             for set in server client; do
               openssl pkey -in $set/key.pem -check -noout
               test \"$(openssl pkey -in $set/key.pem -pubout)\" = \"$(openssl x509 -in $set/cert.pem -noout -pubkey)\"
             done",
        );
    }
}

#[test]
fn authorities_say_what_they_are_in_critical_extensions() {
    let bench = Bench::new();
    bench.put("set", &server(&authority()));
    let ca = text(&bench, "set/ca.pem");
    for wanted in [
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "Version: 3 (0x2)",
    ] {
        assert!(ca.contains(wanted), "{wanted}\n{ca}");
    }
    let leaf = text(&bench, "set/cert.pem");
    for wanted in [
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
        "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(leaf.contains(wanted), "{wanted}\n{leaf}");
    }
}

#[test]
fn identifiers_link_a_certificate_to_its_authority() {
    let authority = authority();
    let issued = client(&authority, "alice");
    assert_eq!(
        issued.info().authority_key_id,
        authority.info().subject_key_id
    );
    assert_ne!(issued.info().subject_key_id, issued.info().authority_key_id);
    assert_eq!(issued.info().issuer, authority.info().subject);
}

// T: no-san
#[test]
fn no_certificate_has_a_common_name_alone() {
    let authority = authority();
    assert_eq!(
        client(&authority, "ci-1").info().uris,
        ["https://lockgate.invalid/client/ci-1"]
    );
    let long = format!("{0}.{0}.example.org", "a".repeat(60));
    let issued = authority.issue_server(&server_request(&long)).unwrap();
    assert_eq!(
        issued.info().common_name,
        None,
        "too long for a common name"
    );
    assert_eq!(issued.info().dns_names, [long]);
    assert!(matches!(
        authority.issue_server(&lockgate_pki::ServerRequest {
            names: vec![],
            ..server_request("a")
        }),
        Err(IssueError::NoNames)
    ));
}

#[test]
fn serials_are_positive_random_and_fit_in_twenty_octets() {
    let authority = authority();
    let mut seen = HashSet::new();
    for number in 0..50 {
        let serial = client(&authority, &format!("c{number}"))
            .info()
            .serial
            .clone();
        assert_eq!(serial.len(), 40, "{serial}");
        assert!(serial.as_str() < "80", "{serial}");
        assert!(seen.insert(serial));
    }
}

// T: outlives-authority
#[test]
fn a_leaf_lives_ninety_days_at_most_and_never_longer_than_its_authority() {
    let day = 86_400;
    let life = |issued: &lockgate_pki::Issued| {
        issued.info().not_after.unix_seconds() - issued.info().not_before.unix_seconds() + 1
    };
    let old = authority();
    assert_eq!(life(&client(&old, "a")), 90 * day);
    for days in [0, 91, u32::MAX] {
        let mut request = client_request("a");
        request.validity = Validity::Days(days);
        assert!(
            matches!(old.issue_client(&request), Err(IssueError::Days { .. })),
            "{days}"
        );
    }
    let short = Authority::create(&new_authority(KeyType::EcdsaP256, 10), Clock::System).unwrap();
    assert_eq!(client(&short, "a").info().not_after, short.info().not_after);
    let mut request = client_request("a");
    request.validity = Validity::Days(30);
    let refused = short.issue_client(&request).unwrap_err();
    assert!(
        matches!(refused, IssueError::Outlives { limit: 10, .. }),
        "{refused}"
    );
    request.validity = Validity::Days(10);
    assert_eq!(life(&short.issue_client(&request).unwrap()), 10 * day);
}

#[test]
fn dates_are_written_as_the_standard_wants_on_both_sides_of_2050() {
    let bench = Bench::new();
    let clock = at("2049-11-15T12:00:00Z");
    let authority = Authority::create(&new_authority(KeyType::EcdsaP256, 365), clock).unwrap();
    bench.put("set", &client(&authority, "alice"));
    let kinds = bench.ok("openssl asn1parse -in set/cert.pem | grep -E 'UTCTIME|GENERALIZEDTIME'");
    let kinds: Vec<&str> = kinds
        .lines()
        .map(|line| line.rsplit("prim: ").next().unwrap().trim())
        .collect();
    assert_eq!(
        kinds,
        [
            "UTCTIME           :491115115500Z",
            "GENERALIZEDTIME   :20500213115459Z"
        ]
    );
}

#[test]
fn an_expired_authority_issues_nothing() {
    let authority = authority().with_clock(in_days(366));
    let refused = authority.issue_client(&client_request("late")).unwrap_err();
    assert!(
        matches!(refused, IssueError::AuthorityNotValid { .. }),
        "{refused}"
    );
}

#[test]
fn tests_can_issue_certificates_that_have_expired() {
    let past = Authority::create(&new_authority(KeyType::EcdsaP256, 365), in_days(-200)).unwrap();
    let issued = client(&past, "old");
    assert!(issued.info().not_after < lockgate_types::Timestamp::now());
    assert!(past.info().not_after > lockgate_types::Timestamp::now());
}

#[test]
fn only_the_public_key_of_an_applicant_is_used() {
    let authority = authority();
    let key = PrivateKey::generate(KeyType::EcdsaP384).unwrap();
    let public = PublicKey::from_der(key.public_key().as_der()).unwrap();
    let name = "alice".parse().unwrap();
    let profile = Profile::Client {
        name,
        organization: None,
        unit: None,
        role: None,
    };
    let der = authority
        .certify(&public, &profile, Validity::Longest)
        .unwrap();
    let info = lockgate_pki::CertificateInfo::from_der(&der).unwrap();
    assert_eq!(info.spki_sha256, public.sha256());
    assert_eq!(
        (info.is_ca, info.extended_key_usage),
        (false, vec!["clientAuth".to_owned()])
    );
    drop(PublicKey::from_der(b"no key").unwrap_err());
}

#[test]
fn organisation_and_unit_of_a_client_are_there_for_policies() {
    let mut request = client_request("ci");
    request.organization = Some("Example".parse().unwrap());
    request.unit = Some("Build farm".parse().unwrap());
    let issued = authority().issue_client(&request).unwrap();
    assert_eq!(issued.info().organizations, ["Example"]);
    assert_eq!(issued.info().organizational_units, ["Build farm"]);
    assert_eq!(issued.info().subject, "O=Example, OU=Build farm, CN=ci");
}

#[test]
fn a_client_cannot_choose_its_role_in_its_request() {
    let wish = |uri: &str| rcgen::SanType::URI(uri.try_into().unwrap());
    let mut wanted = rcgen::CertificateParams::default();
    wanted.subject_alt_names = vec![
        wish("https://lockgate.invalid/client/root"),
        wish("https://lockgate.invalid/role/admin"),
    ];
    let der = wanted
        .serialize_request(&rcgen::KeyPair::generate().unwrap())
        .unwrap();
    let request = lockgate_pki::CertificateRequest::from_der(der.der()).unwrap();
    for role in [None, Some("deployer")] {
        let profile = Profile::Client {
            name: "alice".parse().unwrap(),
            organization: None,
            unit: None,
            role: role.map(|role| role.parse().unwrap()),
        };
        let granted = authority().certify_request(&request, &profile, Validity::Longest);
        let (_, info) = granted.unwrap();
        assert_eq!(info.role().map(|role| role.to_string()).as_deref(), role);
        assert_eq!(info.uris[0], "https://lockgate.invalid/client/alice");
        assert_eq!(info.uris.len(), 1 + usize::from(role.is_some()));
    }
}
