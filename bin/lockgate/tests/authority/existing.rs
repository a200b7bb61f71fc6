//! Authorities that were made with openssl.

use crate::support::*;

#[test]
fn the_authority_of_the_usual_tutorial_is_used_as_it_is() {
    let bench = Bench::new();
    bench.sh(
        "openssl genrsa -aes256 -passout pass:tutorial -out ca-key.pem 4096
         openssl req -new -x509 -days 365 -key ca-key.pem -passin pass:tutorial -sha256 -subj /C=AU/O=Example/CN=host -out ca.pem
         umask 077; echo tutorial > phrase",
    );
    let authority = "--ca-cert ca.pem --ca-key ca-key.pem --passphrase-file phrase";
    bench.ok(&format!("cert server --san build.example.org {authority}"));
    bench.ok(&format!("cert client alice {authority} --out certs/alice"));
    bench.ok("cert verify server --host build.example.org");
    bench.ok("cert verify certs/alice");
    bench.sh(
        "openssl verify -CAfile ca.pem -purpose sslserver server/cert.pem
         openssl verify -CAfile ca.pem -purpose sslclient certs/alice/cert.pem
         test $(wc -l < issued.jsonl) = 2
         test \"$(find . -name '*.csr' -o -name '*.srl' -o -name '*.new' | wc -l)\" = 0",
    );
}

#[test]
fn an_authority_near_its_end_shortens_what_it_issues() {
    let bench = Bench::new();
    bench.sh("umask 077; openssl genrsa -out ca-key.pem 2048
         openssl req -new -x509 -days 20 -key ca-key.pem -subj /CN=old -out ca.pem");
    let authority = "--ca-cert ca.pem --ca-key ca-key.pem";
    let text = bench.ok(&format!("cert client alice {authority}"));
    assert!(text.contains("when the authority ends"), "{text}");
    let text = bench.refused(&format!("cert client bob --days 60 {authority}"));
    assert!(text.contains("use at most --days 20"), "{text}");
    bench.ok(&format!("cert client bob --days 19 {authority}"));
}

#[test]
fn the_legacy_form_names_the_command_that_converts_it() {
    let bench = Bench::new();
    bench.sh(
        "openssl genrsa -aes256 -traditional -passout pass:old -out ca-key.pem 2048
         openssl req -new -x509 -days 20 -key ca-key.pem -passin pass:old -subj /CN=old -out ca.pem",
    );
    let text = bench.refused("cert client alice --ca-cert ca.pem --ca-key ca-key.pem");
    assert!(
        text.contains("`openssl pkcs8 -topk8 -v2 aes-256-cbc"),
        "{text}"
    );
    let command = text.split('`').nth(1).unwrap();
    bench.sh(&format!(
        "umask 077; {command} -passin pass:old -passout pass:new"
    ));
    let mut command =
        bench.lockgate("cert client alice --ca-cert ca.pem --ca-key ca-key.pkcs8.pem");
    let output = command
        .env("LOCKGATE_CA_PASSPHRASE", "new")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", both(&output));
}
