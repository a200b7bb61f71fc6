//! Name constraints hold for us, for openssl and for rustls.

use std::sync::Arc;

use lockgate_pki::{Authority, Clock, Constraints, IssueError, KeyType, NewAuthority, Overwrite};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::support::*;

fn confined(to: &[&str]) -> Authority {
    let permitted = to.iter().map(|text| text.parse().unwrap()).collect();
    let constraints = Constraints::only(permitted);
    let new = NewAuthority {
        constraints,
        ..new_authority(KeyType::EcdsaP256, 365)
    };
    Authority::create(&new, Clock::System).unwrap()
}

#[test]
fn names_outside_are_not_issued() {
    let authority = confined(&["example.org", "10.0.0.0/8"]);
    for good in ["example.org", "a.b.example.org", "10.1.2.3"] {
        authority.issue_server(&server_request(good)).unwrap();
    }
    for bad in [
        "example.com",
        "badexample.org",
        "localhost",
        "11.0.0.1",
        "::1",
    ] {
        let refused = authority.issue_server(&server_request(bad)).unwrap_err();
        assert!(
            matches!(refused, IssueError::Constrained(_)),
            "{bad}: {refused}"
        );
    }
}

#[test]
fn the_extension_is_critical_and_openssl_agrees() {
    let bench = Bench::new();
    let mut authority = confined(&["example.org", "10.0.0.0/8"]);
    authority
        .save(&bench.path("ca"), &passphrase("x"), Overwrite::Refuse)
        .unwrap();
    bench.put(
        "server",
        &authority
            .issue_server(&server_request("a.example.org,10.1.2.3"))
            .unwrap(),
    );
    bench.put("client", &client(&authority, "alice"));
    let text = bench.ok("openssl x509 -in ca/ca.pem -noout -text");
    assert!(text.contains("X509v3 Name Constraints: critical"), "{text}");
    assert!(text.contains("IP:10.0.0.0/255.0.0.0"), "{text}");
    bench.ok(
        "openssl verify -CAfile ca/ca.pem -purpose sslserver server/cert.pem
         openssl verify -CAfile ca/ca.pem -purpose sslclient client/cert.pem
         # A thief of the key signs a name outside: every client refuses it.
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout evil.key -subj /CN=evil -out evil.csr
         printf 'subjectAltName=DNS:bank.example\\nextendedKeyUsage=serverAuth\\n' > ext
         openssl x509 -req -in evil.csr -CA ca/ca.pem -CAkey ca/ca-key.pem -passin pass:x -CAserial s -CAcreateserial -days 9 -extfile ext -out evil.pem
         refuse openssl verify -CAfile ca/ca.pem -purpose sslserver evil.pem 2>/dev/null",
    );
}

#[test]
fn constraints_of_an_existing_authority_are_read() {
    let bench = Bench::new();
    let mut made = confined(&["example.org"]);
    made.save(&bench.path("ca"), &passphrase("x"), Overwrite::Refuse)
        .unwrap();
    let files = lockgate_pki::AuthorityFiles::in_directory(&bench.path("ca"));
    let opened = Authority::open(&files, Some(&secret("x")), Clock::System).unwrap();
    assert_eq!(opened.constraints(), made.constraints());
    for bad in ["example.com", "10.0.0.1", "::1"] {
        let refused = opened.issue_server(&server_request(bad)).unwrap_err();
        assert!(
            matches!(refused, IssueError::Constrained(_)),
            "{bad}: {refused}"
        );
    }
}

/// Whether rustls believes a certificate that the authority's key signed, whatever stands in it.
fn rustls_believes(bench: &Bench, file: &str, host: &str) -> bool {
    let read = |file: &str| CertificateDer::from_pem_file(bench.path(file)).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(read("ca/ca.pem")).unwrap();
    let verifier = WebPkiServerVerifier::builder(Arc::new(roots))
        .build()
        .unwrap();
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let verdict = verifier.verify_server_cert(&read(file), &[], &host, &[], UnixTime::now());
    verdict.is_ok()
}

// T: RUSTSEC-2026-0098, RUSTSEC-2026-0099, GHSA-965h-392x-2mh5, GHSA-xgp8-3hg3-c2mh
#[test]
fn a_wildcard_or_an_address_of_the_web_is_no_way_around_them() {
    let bench = Bench::new();
    let mut authority = confined(&["example.org"]);
    authority
        .save(
            &bench.path("ca"),
            &lockgate_pki::Protection::Plain,
            Overwrite::Refuse,
        )
        .unwrap();
    bench.ok("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout evil.key -subj / -out evil.csr");
    for (names, host, good) in [
        ("DNS:a.example.org", "a.example.org", true),
        ("DNS:*.example.org", "a.example.org", true),
        ("DNS:*.org", "example.org", false),
        ("DNS:*.example.com", "a.example.com", false),
        ("DNS:*", "localhost", false),
        ("DNS:*.example.org,DNS:bank.example", "a.example.org", false),
        ("DNS:badexample.org", "badexample.org", false),
    ] {
        let sign = format!(
            "printf 'subjectAltName=critical,{names}\nextendedKeyUsage=serverAuth\n' > ext
             openssl x509 -req -in evil.csr -CA ca/ca.pem -CAkey ca/ca-key.pem -CAserial s -CAcreateserial -days 9 -extfile ext -out evil.pem 2>/dev/null"
        );
        bench.ok(&sign);
        let verify = format!("openssl verify -CAfile ca/ca.pem -verify_hostname {host} evil.pem");
        assert_eq!(bench.sh(&verify).status.success(), good, "openssl {names}");
        assert_eq!(
            rustls_believes(&bench, "evil.pem", host),
            good,
            "rustls {names}"
        );
    }
    // Addresses of the web are compared differently everywhere: there is no such constraint of ours.
    for uri in ["URI:example.org", "https://example.org", "*.example.org"] {
        drop(uri.parse::<lockgate_pki::Constraint>().unwrap_err());
    }
}
