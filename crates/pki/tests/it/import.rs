//! Authorities that were made with openssl are used as they are.

use lockgate_pki::{Authority, AuthorityFiles, Clock, Overwrite, key_needs_passphrase};
use lockgate_types::Secret;

use crate::support::*;

fn open(bench: &Bench, phrase: Option<&str>) -> Authority {
    let files = AuthorityFiles::in_directory(&bench.path("."));
    let phrase: Option<Secret<String>> = phrase.map(secret);
    Authority::open(&files, phrase.as_ref(), Clock::System).unwrap()
}

/// Issues both kinds of certificate and lets openssl verify them.
fn works(bench: &Bench, phrase: Option<&str>) {
    let authority = open(bench, phrase);
    authority
        .publish(
            &server(&authority),
            &bench.path("server"),
            Overwrite::Refuse,
        )
        .unwrap();
    authority
        .publish(
            &client(&authority, "alice"),
            &bench.path("client"),
            Overwrite::Refuse,
        )
        .unwrap();
    bench.ok(
        "openssl verify -CAfile ca.pem -purpose sslserver -verify_hostname localhost server/cert.pem
         openssl verify -CAfile ca.pem -purpose sslclient client/cert.pem
         cmp ca.pem server/ca.pem
         test \"$(openssl x509 -in ca.pem -noout -subject_hash)\" = \"$(openssl x509 -in client/cert.pem -noout -issuer_hash)\"
         test \"$(wc -l < issued.jsonl)\" = 2",
    );
}

const SELF_SIGN: &str = "openssl req -new -x509 -days 365 -key ca-key.pem -sha256 -out ca.pem";

#[test]
fn the_authority_of_the_usual_tutorial_issues_at_once() {
    let bench = Bench::new();
    bench.ok(&format!(
        "openssl genrsa -aes256 -passout pass:tutorial -out ca-key.pem 4096
         {SELF_SIGN} -passin pass:tutorial -subj '/C=AU/ST=Some-State/L=City/O=Internet Widgits Pty Ltd/OU=IT/CN=host.example/emailAddress=me@example.org'"
    ));
    assert!(key_needs_passphrase(&bench.path("ca-key.pem")).unwrap());
    works(&bench, Some("tutorial"));
}

#[test]
fn plain_keys_are_read_in_all_three_forms() {
    for make in [
        "openssl genrsa -traditional -out ca-key.pem 2048",
        "openssl genrsa -out ca-key.pem 2048",
        "openssl ecparam -name prime256v1 -genkey -out ca-key.pem",
        "openssl ecparam -name secp384r1 -genkey -noout -out ca-key.pem",
        "openssl ecparam -name secp521r1 -genkey -noout -out ca-key.pem",
        "openssl genpkey -algorithm ed25519 -out ca-key.pem",
        "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384 -out ca-key.pem",
    ] {
        let bench = Bench::new();
        bench.ok(&format!("umask 077; {make}; {SELF_SIGN} -subj /CN=plain"));
        assert!(
            !key_needs_passphrase(&bench.path("ca-key.pem")).unwrap(),
            "{make}"
        );
        works(&bench, None);
    }
}

#[test]
fn encrypted_keys_are_read_with_every_modern_derivation() {
    for options in [
        "-v2 aes-256-cbc -v2prf hmacWithSHA256",
        "-v2 aes-128-cbc -v2prf hmacWithSHA256 -iter 100000",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512",
        "-scrypt",
    ] {
        let bench = Bench::new();
        bench.ok(&format!(
            "umask 077; openssl genrsa -out plain.pem 2048
             openssl pkcs8 -topk8 {options} -in plain.pem -passout pass:word -out ca-key.pem
             {SELF_SIGN} -passin pass:word -subj /CN=encrypted"
        ));
        works(&bench, Some("word"));
    }
}

#[test]
fn issuer_names_are_copied_octet_by_octet() {
    for subject in [
        "-subj /DC=org/DC=example/OU=one/OU=two/CN=directory",
        "-multivalue-rdn -subj /O=Example+OU=Unit/CN=several",
        "-utf8 -subj /CN=B\u{fc}ro",
        "-subj /O=only",
    ] {
        let bench = Bench::new();
        bench.ok(&format!(
            "umask 077; openssl ecparam -name prime256v1 -genkey -noout -out ca-key.pem
             {SELF_SIGN} {subject}"
        ));
        works(&bench, None);
    }
}

#[test]
fn an_authority_without_key_usage_or_identifier_is_good_enough() {
    let bench = Bench::new();
    bench.ok(
        "umask 077; openssl ecparam -name prime256v1 -genkey -noout -out ca-key.pem
         printf '[req]\\ndistinguished_name=dn\\nx509_extensions=v3\\n[dn]\\n[v3]\\nbasicConstraints=CA:TRUE\\nsubjectKeyIdentifier=none\\nauthorityKeyIdentifier=none\\n' > conf
         openssl req -new -x509 -days 365 -key ca-key.pem -subj /CN=bare -config conf -out ca.pem",
    );
    works(&bench, None);
}

#[test]
fn the_certificate_that_belongs_to_the_key_is_found_in_a_chain() {
    let bench = Bench::new();
    bench.ok(
        "umask 077
         openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -subj /CN=root -days 365 -out root.pem
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -subj /CN=middle -out middle.csr
         printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n' > ext
         openssl x509 -req -in middle.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile ext -out middle.pem
         cat root.pem middle.pem > ca.pem",
    );
    let authority = open(&bench, None);
    assert_eq!(authority.info().subject, "CN=middle");
    bench.put("client", &client(&authority, "alice"));
    bench.ok("openssl verify -CAfile client/ca.pem -purpose sslclient client/cert.pem");
}

#[test]
fn our_own_authority_opens_again_and_keeps_its_record() {
    let bench = Bench::new();
    let mut made = authority();
    made.save(&bench.path("ca"), &passphrase("word"), Overwrite::Refuse)
        .unwrap();
    let files = AuthorityFiles::in_directory(&bench.path("ca"));
    let opened = Authority::open(&files, Some(&secret("word")), Clock::System).unwrap();
    assert_eq!(opened.info(), made.info());
    opened
        .publish(
            &client(&opened, "alice"),
            &bench.path("alice"),
            Overwrite::Refuse,
        )
        .unwrap();
    made.publish(&client(&made, "bob"), &bench.path("bob"), Overwrite::Refuse)
        .unwrap();
    let record = std::fs::read_to_string(bench.path("ca/issued.jsonl")).unwrap();
    let subjects: Vec<String> = record
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(subjects, ["CN=Test CA", "CN=alice", "CN=bob"]);
}
