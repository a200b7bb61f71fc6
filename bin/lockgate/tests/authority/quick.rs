//! `lockgate ca quick`: everything in one go.

use crate::support::*;

#[test]
fn makes_all_sets_with_the_modes_and_names_that_docker_expects() {
    let bench = Bench::new();
    let mut command =
        bench.lockgate("ca quick pki --client alice --client bob --san build.example.org,10.9.9.9");
    let output = command
        .env("LOCKGATE_CA_PASSPHRASE", "correct horse")
        .output()
        .unwrap();
    let text = both(&output);
    assert!(output.status.success(), "{text}");
    let found: Vec<(String, u32)> = bench
        .tree()
        .into_iter()
        .map(|(path, mode, _)| {
            (
                path.strip_prefix(bench.path("."))
                    .unwrap()
                    .display()
                    .to_string(),
                mode,
            )
        })
        .collect();
    let mut wanted = vec![
        ("pki".to_owned(), 0o700),
        ("pki/ca".to_owned(), 0o700),
        ("pki/ca/ca-key.pem".to_owned(), 0o400),
        ("pki/ca/ca.pem".to_owned(), 0o444),
        ("pki/ca/issued.jsonl".to_owned(), 0o600),
    ];
    for set in ["client-alice", "client-bob", "server"] {
        wanted.push((format!("pki/{set}"), 0o700));
        wanted.push((format!("pki/{set}/ca.pem"), 0o444));
        wanted.push((format!("pki/{set}/cert.pem"), 0o444));
        wanted.push((format!("pki/{set}/key.pem"), 0o400));
    }
    assert_eq!(found, wanted);
    bench.sh(
        "openssl pkey -in pki/ca/ca-key.pem -passin 'pass:correct horse' -noout
         openssl verify -CAfile pki/ca/ca.pem -purpose sslserver -verify_hostname build.example.org pki/server/cert.pem
         openssl verify -CAfile pki/ca/ca.pem -purpose sslserver -verify_ip 127.0.0.1 pki/server/cert.pem
         openssl verify -CAfile pki/ca/ca.pem -purpose sslclient pki/client-alice/cert.pem
         test $(wc -l < pki/ca/issued.jsonl) = 4",
    );
}

#[test]
fn shows_the_names_and_the_next_commands() {
    let bench = Bench::new();
    let text = bench.ok("ca quick pki --no-passphrase --client alice --san build.example.org");
    let root = bench.path("pki").display().to_string();
    for wanted in [
        "DNS:build.example.org",
        "DNS:localhost",
        "IP:127.0.0.1",
        "IP:::1",
        "\"tlsverify\": true",
        &format!("\"tlskey\": \"{root}/server/key.pem\""),
        &format!("export DOCKER_CERT_PATH={root}/client-alice"),
        "export DOCKER_HOST=tcp://build.example.org:2376",
        "export DOCKER_TLS_VERIFY=1",
        "warning: the key of the authority is not encrypted",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let json = text
        .split_once("  {\n")
        .unwrap()
        .1
        .split_once("\n  }")
        .unwrap()
        .0;
    let json: serde_json::Value = serde_json::from_str(&format!("{{{json}}}")).unwrap();
    assert_eq!(json["tlscacert"], format!("{root}/server/ca.pem"));
}

#[test]
fn without_a_client_name_the_first_client_is_admin() {
    let bench = Bench::new();
    bench.ok("ca quick pki --no-passphrase");
    bench.ok("cert verify pki/client-admin --purpose client");
    bench.ok("cert verify pki/server --purpose server --host localhost --host ::1");
}

#[test]
fn leaves_everything_alone_when_one_file_is_there_already() {
    let bench = Bench::new();
    bench.ok("ca quick pki --no-passphrase --client alice");
    let text = bench.refused("ca quick pki --no-passphrase --client bob");
    assert!(
        text.contains("pki/ca/ca.pem exists already") && text.contains("--force"),
        "{text}"
    );
    bench.sh("mv pki/ca away");
    let text = bench.refused("ca quick pki --no-passphrase --client bob");
    assert!(text.contains("pki/server/ca.pem exists already"), "{text}");
    bench.sh("mv pki/server away/");
    let text = bench.refused("ca quick pki --no-passphrase --client alice");
    assert!(
        text.contains("pki/client-alice/ca.pem exists already"),
        "{text}"
    );
    bench.ok("ca quick pki --no-passphrase --client alice --force");
    bench.ok("cert verify pki/client-alice");
}

#[test]
fn a_confined_authority_leaves_out_what_it_may_not_certify() {
    let bench = Bench::new();
    let text = bench.ok("ca quick pki --no-passphrase --permit example.org --san a.example.org");
    assert!(text.contains("localhost is left out"), "{text}");
    assert!(text.contains("DNS:a.example.org, until"), "{text}");
    bench.refused("ca quick other --no-passphrase --permit example.org --san a.example.com");
}
