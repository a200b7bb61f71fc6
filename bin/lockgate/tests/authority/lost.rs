//! What the record does not know, and roots that follow offline roots.

use std::fs;

use crate::support::{Bench, both};

const PASSPHRASE: [(&str, &str); 2] = [
    ("LOCKGATE_CA_PASSPHRASE", "correct horse"),
    ("LOCKGATE_BACKUP_PASSPHRASE", "battery staple"),
];

fn run(bench: &Bench, words: &str) -> String {
    let output = bench.lockgate(words).envs(PASSPHRASE).output().unwrap();
    let text = both(&output);
    assert!(output.status.success(), "lockgate {words}\n{text}");
    text
}

fn refused(bench: &Bench, words: &str) -> String {
    bench.refused_with(words, &PASSPHRASE)
}

/// `openssl verify` of a set, with every certificate of its chain asked for.
fn strict(set: &str, purpose: &str) -> String {
    format!(
        "awk '/BEGIN CERT/{{n++}} n>1' {set}/cert.pem > rest; cat tree/ca/ca.pem tree/ca/crl.pem > both; \
         u=; test -s rest && u='-untrusted rest'; \
         openssl verify -x509_strict -crl_check_all -CAfile both $u -purpose {purpose} {set}/cert.pem"
    )
}

fn is_refused(bench: &Bench, set: &str) {
    let verify = strict(set, "sslclient");
    bench.sh(&format!("if ( {verify} ); then exit 1; fi"));
}

#[test]
fn what_was_issued_after_a_backup_can_be_locked_out_after_its_restoration() {
    let bench = Bench::new();
    run(&bench, "ca init --pki tree");
    run(&bench, "ca crl --pki tree");
    run(&bench, "ca backup saved --pki tree");
    // Both are in no backup; their sets are all that is left of them.
    for name in ["mallory", "trudy", "walter"] {
        run(
            &bench,
            &format!("cert client {name} --pki tree --out {name}"),
        );
    }
    bench.sh("cp tree/ca/issued.jsonl before; mv tree/ca lost");
    let told = run(&bench, "ca restore saved --crl lost/crl.pem --pki tree");
    assert!(told.contains("--unrecorded SERIAL"), "{told}");
    assert!(!run(&bench, "cert list --pki tree").contains("mallory"));
    let told = refused(&bench, "cert revoke mallory --pki tree");
    assert!(told.contains("--certificate FILE"), "{told}");

    let told = run(
        &bench,
        "cert revoke --certificate mallory/cert.pem --reason keyCompromise --pki tree",
    );
    assert!(told.contains("revoked mallory ("), "{told}");
    let serial = "openssl x509 -in trudy/cert.pem -noout -serial | cut -d= -f2";
    let serial = bench.sh(serial).trim().to_owned();
    let told = refused(&bench, &format!("cert revoke {serial} --pki tree"));
    assert!(told.contains("--unrecorded"), "{told}");
    run(
        &bench,
        &format!("cert revoke --unrecorded {serial} --reason certificateHold --pki tree"),
    );
    for gone in ["mallory", "trudy"] {
        is_refused(&bench, gone);
    }
    bench.sh(&strict("walter", "sslclient"));
    run(&bench, &format!("cert unrevoke {serial} --pki tree"));
    bench.sh(&strict("trudy", "sslclient"));

    let told = refused(
        &bench,
        "cert revoke --certificate mallory/cert.pem --pki tree",
    );
    assert!(
        told.contains("is revoked already (keyCompromise)"),
        "{told}"
    );
    let told = refused(&bench, "cert revoke --unrecorded 00xyz --pki tree");
    assert!(told.contains("no serial number"), "{told}");
    run(&bench, "ca init --no-passphrase --pki other");
    run(&bench, "cert client eve --pki other --out eve");
    let told = refused(&bench, "cert revoke --certificate eve/cert.pem --pki tree");
    assert!(told.contains("no authority here signed"), "{told}");

    // Whom daemons see, and nobody recorded.
    let seen = format!(
        "{{\"{}\":{{\"at\":\"2026-01-02T03:04:05Z\",\"from\":\"10.0.0.9\"}}}}",
        serial.to_lowercase()
    );
    fs::write(bench.path("tree/ca/seen.json"), seen).unwrap();
    let status = run(&bench, "ca status --pki tree");
    assert!(
        status.contains("not in the record: serial") && status.contains("10.0.0.9"),
        "{status}"
    );

    // Numbers are drawn anew: none of those that were lost comes twice.
    for round in 0..6 {
        run(
            &bench,
            &format!("cert client again-{round} --pki tree --out again-{round}"),
        );
    }
    let serials = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(bench.path(file)).unwrap();
        let line = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
        text.lines()
            .map(|text| line(text)["serial"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = serials("before");
    let (same, fresh) = (1, serials("tree/ca/issued.jsonl"));
    let again = fresh.iter().filter(|serial| before.contains(serial));
    assert_eq!(again.count(), same, "the root's own");
    assert_eq!(fresh.len(), 7);
}

#[test]
fn a_new_offline_root_comes_beside_the_old_one_without_its_key() {
    let bench = Bench::new();
    run(&bench, "ca init --pki tree --offline-root safe --name Lab");
    bench.sh("mv safe away");
    run(&bench, "cert server --pki tree --no-detect --san localhost");
    run(&bench, "cert client alice --pki tree");
    let told = refused(&bench, "ca rotate --pki tree");
    assert!(
        told.contains("lockgate ca rotate --offline-root NEWDIR"),
        "{told}"
    );
    let told = refused(&bench, "ca rotate --pki tree --offline-root tree/ca/root");
    assert!(told.contains("name one elsewhere"), "{told}");

    run(&bench, "ca rotate --pki tree --offline-root safe2");
    assert!(refused(&bench, "ca rotate --pki tree --offline-root safe3").contains("under way"));
    bench.sh("mv safe2 away2; test ! -e away2/../tree/ca/safe2");
    bench.sh("test $(grep -c BEGIN tree/ca/ca.pem) = 2; grep -q . away2/ca-key.pem");
    let status = run(&bench, "ca status --pki tree");
    assert!(
        status.contains("Lab 2 Issuing 1") && status.contains("client alice"),
        "{status}"
    );
    run(&bench, "cert client bob --pki tree");
    run(
        &bench,
        "cert server --pki tree --no-detect --san localhost --force",
    );
    for client in ["alice", "bob"] {
        bench.sh(&strict(&format!("tree/client-{client}"), "sslclient"));
    }
    bench.sh(&strict("tree/server", "sslserver"));
    // Both roots keep their lists; each is signed anew without the other.
    run(&bench, "ca root-crl --pki tree --offline-root away");
    run(&bench, "ca root-crl --pki tree --offline-root away2");
    bench.sh(&strict("tree/client-alice", "sslclient"));
    run(&bench, "cert revoke alice --pki tree");
    is_refused(&bench, "tree/client-alice");
    bench.sh(&strict("tree/client-bob", "sslclient"));
    run(&bench, "ca retire --pki tree --force");
    bench.sh(
        "cmp tree/ca/ca.pem away2/ca.pem; test $(grep -c 'BEGIN X509 CRL' tree/ca/crl.pem) = 2",
    );
    bench.sh(&strict("tree/client-bob", "sslclient"));
    run(&bench, "ca reissue --pki tree --offline-root away2");
    bench.sh(&strict("tree/client-bob", "sslclient"));
}

#[test]
fn a_root_that_is_here_gives_way_to_one_that_is_elsewhere() {
    let bench = Bench::new();
    run(&bench, "ca init --pki tree");
    run(&bench, "cert client alice --pki tree");
    run(&bench, "ca rotate --pki tree --offline-root safe");
    run(&bench, "cert client bob --pki tree");
    for client in ["alice", "bob"] {
        bench.sh(&strict(&format!("tree/client-{client}"), "sslclient"));
    }
    let told = refused(&bench, "ca retire --pki tree");
    assert!(told.contains("still needed by alice"), "{told}");
    run(&bench, "ca retire --pki tree --force");
    bench.sh("cmp tree/ca/ca.pem safe/ca.pem");
    bench.sh(&strict("tree/client-bob", "sslclient"));
    is_refused(&bench, "tree/client-alice");
}
