//! Backups, roots whose key is elsewhere, and files for browsers: each judged by another program.

use std::fs;

use crate::support::Bench;

const PASSPHRASE: [(&str, &str); 3] = [
    ("LOCKGATE_CA_PASSPHRASE", "correct horse"),
    ("LOCKGATE_BACKUP_PASSPHRASE", "battery staple"),
    ("LOCKGATE_EXPORT_PASSPHRASE", "for the browser"),
];

fn run(bench: &Bench, words: &str) -> String {
    let output = bench.lockgate(words).envs(PASSPHRASE).output().unwrap();
    let text = crate::support::both(&output);
    assert!(output.status.success(), "lockgate {words}\n{text}");
    text
}

fn refused(bench: &Bench, words: &str) -> String {
    let output = bench.lockgate(words).envs(PASSPHRASE).output().unwrap();
    let text = crate::support::both(&output);
    assert_eq!(output.status.code(), Some(1), "lockgate {words}\n{text}");
    text
}

#[test]
fn a_backup_is_the_authority_and_nothing_is_overwritten() {
    let bench = Bench::new();
    run(&bench, "ca init --pki tree");
    run(&bench, "cert client alice --pki tree");
    run(&bench, "ca crl --pki tree --ca tree/ca");
    run(&bench, "ca backup saved --pki tree");
    assert!(refused(&bench, "ca backup saved --pki tree").contains("is there already"));
    bench.sh("refuse grep -q 'BEGIN' saved; test $(stat -c %a saved) = 600");
    assert!(
        refused(&bench, "ca restore saved --without-crl --pki tree").contains("is there already")
    );
    run(&bench, "ca restore saved --without-crl --ca back");
    bench.sh(
        "set -e; for f in ca.pem ca-key.pem issued.jsonl crl.pem; do cmp tree/ca/$f back/$f; \
         test $(stat -c %a tree/ca/$f) = $(stat -c %a back/$f); done; test $(stat -c %a back) = 700; \
         test -z \"$(ls -A | grep '^\\.back')\"",
    );
    run(
        &bench,
        "cert client bob --pki other --ca-cert back/ca.pem --ca-key back/ca-key.pem",
    );

    let sealed = fs::read_to_string(bench.path("saved")).unwrap();
    for (name, text, said) in [
        ("cut", sealed[..sealed.len() - 40].to_owned(), "damaged"),
        ("flipped", flip(&sealed, sealed.len() / 2), "damaged"),
        ("text", "hello".to_owned(), "no backup"),
    ] {
        fs::write(bench.path(name), text).unwrap();
        let told = refused(
            &bench,
            &format!("ca restore {name} --without-crl --ca gone"),
        );
        assert!(told.contains(said), "{name}: {told}");
        assert!(!bench.path("gone").exists());
    }
    fs::write(bench.path("wrong"), "guess").unwrap();
    let told = refused(
        &bench,
        "ca restore saved --without-crl --ca gone --passphrase-file wrong",
    );
    assert!(told.contains("passphrase of the backup is wrong"), "{told}");
}

fn flip(text: &str, at: usize) -> String {
    let mut octets = text.as_bytes().to_vec();
    octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(octets).unwrap()
}

/// A list that goes back would free whoever was revoked.
#[test]
fn a_restored_authority_frees_nobody_and_its_lists_go_on() {
    let bench = Bench::new();
    run(&bench, "ca init --no-passphrase --pki tree");
    run(&bench, "cert client alice --pki tree");
    run(&bench, "cert client bob --pki tree");
    run(&bench, "invite client carol --pki tree --address ca:2378");
    run(&bench, "ca backup saved --pki tree");
    run(&bench, "cert revoke alice --pki tree");
    bench.sh("cp tree/ca/crl.pem newest.pem; mv tree/ca lost");
    let refused = bench
        .lockgate("ca restore saved --pki tree")
        .envs(PASSPHRASE)
        .output();
    assert_eq!(
        refused.unwrap().status.code(),
        Some(125),
        "the list has to be named, or done without"
    );
    let told = run(&bench, "ca restore saved --crl newest.pem --pki tree");
    assert!(told.contains("1 more revoked"), "{told}");
    let list = run(&bench, "cert list --state revoked --pki tree");
    assert!(list.contains("alice") && !list.contains("bob"), "{list}");
    run(&bench, "ca crl --pki tree");
    bench.sh(
        "n() { openssl crl -in $1 -noout -crlnumber | sed 's/.*=0x//;s/.*=//'; }; \
         test $((0x$(n tree/ca/crl.pem))) -gt $((0x$(n newest.pem)))",
    );
    bench.sh("cat tree/ca/ca.pem tree/ca/crl.pem > both; openssl verify -crl_check -CAfile both tree/client-bob/cert.pem");
    bench.sh("refuse openssl verify -crl_check -CAfile both tree/client-alice/cert.pem");
    let invites: serde_json::Value =
        serde_json::from_slice(&fs::read(bench.path("tree/ca/invites.json")).unwrap()).unwrap();
    let expires = invites[0]["expires"].as_str().unwrap();
    let now = lockgate_types::Timestamp::now();
    assert!(expires.parse::<lockgate_types::Timestamp>().unwrap() <= now);

    bench.sh("mv tree/ca lost2");
    fs::write(
        bench.path("foreign"),
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    )
    .unwrap();
    self::refused(&bench, "ca restore saved --crl foreign --pki tree");
    assert!(!bench.path("tree/ca").exists());
}

#[test]
fn a_backup_opens_with_another_implementation_of_jwe() {
    let bench = Bench::new();
    run(&bench, "ca init --no-passphrase --pki tree");
    run(&bench, "ca backup saved --pki tree");
    fs::write(
        bench.path("open.py"),
        "import io, tarfile\nfrom jwcrypto import jwa, jwe, jwk\nfrom jwcrypto.common import base64url_encode\n\
         jwa.default_max_pbkdf2_iterations = 1000000\n\
         key = jwk.JWK(kty='oct', k=base64url_encode('battery staple'))\n\
         t = jwe.JWE(algs=['PBES2-HS512+A256KW', 'A256GCM'])\n\
         t.deserialize(open('saved').read().strip(), key)\n\
         print(sorted(tarfile.open(fileobj=io.BytesIO(t.payload)).getnames()))\n",
    )
    .unwrap();
    let names = bench.sh("/usr/bin/python3 open.py");
    assert!(
        names.contains("'backup.json', 'ca-key.pem', 'ca.pem', 'issued.jsonl'"),
        "{names}"
    );
}

#[test]
fn a_root_that_is_elsewhere_is_all_that_peers_know() {
    let bench = Bench::new();
    run(
        &bench,
        "ca init --no-passphrase --pki tree --offline-root safe --name Lab",
    );
    bench.sh("mv safe away");
    run(&bench, "cert server --pki tree --no-detect --san localhost");
    run(&bench, "cert client alice --pki tree");
    bench.sh("cmp tree/ca/ca.pem away/ca.pem; cmp tree/client-alice/ca.pem away/ca.pem");
    bench.sh("test $(grep -c BEGIN tree/client-alice/cert.pem) = 2");
    // The root and the lists are enough for openssl, with every certificate of the chain asked for.
    let strict = |set: &str, purpose: &str| {
        format!(
            "awk '/BEGIN CERT/{{n++}} n>1' tree/{set}/cert.pem > rest; cat away/ca.pem tree/ca/crl.pem > both; \
             openssl verify -x509_strict -crl_check_all -CAfile both -untrusted rest -purpose {purpose} tree/{set}/cert.pem"
        )
    };
    bench.sh(&strict("client-alice", "sslclient"));
    bench.sh(&strict("server", "sslserver"));
    run(&bench, "cert verify tree/client-alice --purpose client");
    run(
        &bench,
        "cert verify tree/server --purpose server --host localhost",
    );
    let told = refused(&bench, "ca rotate --pki tree");
    assert!(
        told.contains("lockgate ca reissue --offline-root"),
        "{told}"
    );

    run(&bench, "ca reissue --pki tree --offline-root away");
    let status = run(&bench, "ca status --pki tree");
    assert!(
        status.contains("Lab Issuing 2") && status.contains("client alice"),
        "{status}"
    );
    run(&bench, "cert client bob --pki tree");
    bench.sh(&strict("client-alice", "sslclient"));
    bench.sh(&strict("client-bob", "sslclient"));
    let told = refused(&bench, "ca retire --pki tree");
    assert!(told.contains("still needed by"), "{told}");
    run(&bench, "ca retire --pki tree --force");
    bench.sh(&strict("client-bob", "sslclient"));
    bench.sh(&format!(
        "if ( {} ); then exit 1; fi",
        strict("client-alice", "sslclient")
    ));

    // The root itself takes an issuing authority back, and everybody below it.
    let serial = bench.sh("openssl x509 -in tree/ca/issuer.pem -noout -serial | cut -d= -f2");
    run(
        &bench,
        &format!(
            "ca root-crl --pki tree --offline-root away --revoke {}",
            serial.trim()
        ),
    );
    let all = format!(
        "if ( {} ); then exit 1; fi",
        strict("client-bob", "sslclient")
    );
    bench.sh(&all);
}

#[test]
fn browsers_get_one_file_with_todays_encryption() {
    let bench = Bench::new();
    run(
        &bench,
        "ca init --no-passphrase --pki tree --offline-root safe",
    );
    run(&bench, "cert client alice --pki tree");
    let told = run(&bench, "cert export alice --p12 alice.p12 --pki tree");
    assert!(told.contains("CN=alice"), "{told}");
    bench.sh("test $(stat -c %a alice.p12) = 600");
    let info =
        bench.sh("openssl pkcs12 -in alice.p12 -passin 'pass:for the browser' -info -nokeys 2>&1");
    assert!(
        info.contains("PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256"),
        "{info}"
    );
    assert!(info.contains("MAC: sha256, Iteration 600000"), "{info}");
    bench.sh(
        "openssl pkcs12 -in alice.p12 -passin 'pass:for the browser' -nodes -out all.pem && \
         openssl pkey -in all.pem -pubout > a && openssl x509 -in tree/client-alice/cert.pem -noout -pubkey > b && cmp a b && \
         test $(grep -c 'BEGIN CERT' all.pem) = 3",
    );
    bench.sh("refuse openssl pkcs12 -in alice.p12 -passin pass:wrong -nokeys");
    assert!(refused(&bench, "cert export alice --p12 alice.p12 --pki tree").contains("alice.p12"));
    bench.sh("cp -r tree/client-alice mixed; openssl genpkey -algorithm ed25519 > k; cat k > new; chmod 0400 new; mv -f new mixed/key.pem");
    let told = refused(&bench, "cert export alice --p12 other.p12 --set mixed");
    assert!(told.contains("does not belong"), "{told}");
    assert!(!bench.path("other.p12").exists());
}
