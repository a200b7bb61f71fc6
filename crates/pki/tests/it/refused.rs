//! What is refused: one sentence that names the file and the remedy, and nothing is written.

use std::fs;

use lockgate_pki::{
    Authority, AuthorityError, AuthorityFiles, CertificateError, CertificateInfo, Clock, KeyError,
    KeyType, Overwrite, PrivateKey, certificates,
};

use crate::support::*;

fn open(bench: &Bench, phrase: Option<&str>) -> AuthorityError {
    let files = AuthorityFiles::in_directory(&bench.path("."));
    let before = tree(&bench.path("."));
    let error = Authority::open(&files, phrase.map(secret).as_ref(), Clock::System).unwrap_err();
    assert_eq!(before, tree(&bench.path(".")), "nothing may be written");
    let text = error.to_string();
    assert!(!text.contains('\n') && text.contains(".pem"), "{text}");
    error
}

/// An authority of ours in the bench itself.
fn ours(phrase: &str) -> Bench {
    let bench = Bench::new();
    authority()
        .save(&bench.path("."), &passphrase(phrase), Overwrite::Refuse)
        .unwrap();
    bench
}

#[test]
fn wrong_missing_and_empty_passphrases() {
    let bench = ours("right");
    for wrong in ["wrong", "Right", "right ", ""] {
        let error = open(&bench, Some(wrong));
        assert!(
            matches!(error, AuthorityError::Key(KeyError::WrongPassphrase(_))),
            "{error}"
        );
        assert!(!error.to_string().contains("right"), "{error}");
    }
    let error = open(&bench, None);
    assert!(error.to_string().contains("--passphrase-file"), "{error}");
}

#[test]
fn an_expired_authority() {
    let bench = Bench::new();
    let mut past = Authority::create(&new_authority(KeyType::EcdsaP256, 30), in_days(-40)).unwrap();
    past.save(&bench.path("."), &passphrase("x"), Overwrite::Refuse)
        .unwrap();
    let error = open(&bench, Some("x"));
    assert!(matches!(error, AuthorityError::Expired { .. }), "{error}");
    assert!(error.to_string().contains("lockgate ca init"), "{error}");
}

#[test]
fn an_authority_from_the_future() {
    let bench = Bench::new();
    let mut future =
        Authority::create(&new_authority(KeyType::EcdsaP256, 30), in_days(10)).unwrap();
    future
        .save(&bench.path("."), &passphrase("x"), Overwrite::Refuse)
        .unwrap();
    assert!(matches!(
        open(&bench, Some("x")),
        AuthorityError::NotYetValid { .. }
    ));
}

// T: version-1-certificate
#[test]
fn certificates_that_are_no_authority() {
    for (extensions, lacking) in [
        ("basicConstraints=CA:FALSE", "do not say CA"),
        ("keyUsage=critical,keyCertSign", "do not say CA"),
        (
            "basicConstraints=CA:TRUE\\nkeyUsage=digitalSignature",
            "does not allow signing",
        ),
    ] {
        let bench = Bench::new();
        bench.ok(&format!(
            "umask 077; printf '[req]\\ndistinguished_name=dn\\nx509_extensions=v3\\n[dn]\\n[v3]\\n{extensions}\\n' > conf
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -subj /CN=x -days 9 -config conf -out ca.pem"
        ));
        let error = open(&bench, None);
        assert!(error.to_string().contains(lacking), "{error}");
    }
    let bench = Bench::new();
    bench.ok(
        "umask 077; openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -subj /CN=v1 -out csr
         openssl x509 -req -in csr -signkey ca-key.pem -days 9 -out ca.pem",
    );
    let error = open(&bench, None);
    assert!(
        matches!(error, AuthorityError::NotAnAuthority { .. }),
        "{error}"
    );
}

#[test]
fn a_key_of_another_authority() {
    let bench = ours("x");
    fs::remove_file(bench.path("ca.pem")).unwrap();
    fs::write(bench.path("ca.pem"), authority().certificate_pem()).unwrap();
    let error = open(&bench, Some("x"));
    assert!(matches!(error, AuthorityError::Mismatch { .. }), "{error}");
}

// T: key-permissions
#[test]
fn a_key_that_others_can_read() {
    let bench = ours("x");
    for mode in ["0440", "0444", "0644", "0604", "0620"] {
        bench.ok(&format!("chmod {mode} ca-key.pem"));
        let error = open(&bench, Some("x"));
        assert!(
            matches!(error, AuthorityError::Key(KeyError::Open { .. })),
            "{mode} {error}"
        );
        assert!(error.to_string().contains("chmod 0400"), "{error}");
    }
}

#[test]
fn files_that_are_not_there_or_hold_something_else() {
    let bench = ours("x");
    bench.ok("mv ca-key.pem away");
    assert!(matches!(
        open(&bench, Some("x")),
        AuthorityError::Key(KeyError::Unreadable { .. })
    ));
    for junk in [
        "",
        "junk",
        "-----BEGIN PRIVATE KEY-----\nAAAA",
        "-----BEGIN CERTIFICATE-----",
    ] {
        fs::write(bench.path("junk"), junk).unwrap();
        bench.ok("install -m 0400 junk ca-key.pem");
        let error = open(&bench, Some("x"));
        assert!(
            matches!(error, AuthorityError::Key(KeyError::NoKey(_))),
            "{junk:?} {error}"
        );
    }
    bench.ok("mv ca.pem gone");
    let error = open(&bench, Some("x"));
    let unreadable = matches!(
        error,
        AuthorityError::Certificate(CertificateError::Unreadable { .. })
    );
    assert!(unreadable, "{error}");
    bench.ok("mkdir ca.pem");
    assert!(matches!(
        open(&bench, Some("x")),
        AuthorityError::Certificate(_)
    ));
}

#[test]
fn a_key_where_a_certificate_belongs() {
    let bench = ours("x");
    bench.ok("mv -f ca-key.pem ca.pem");
    let error = open(&bench, Some("x"));
    assert!(error.to_string().contains("holds a private key"), "{error}");
}

// T: half-written-pem
#[test]
fn half_a_certificate_and_trailing_octets() {
    let bench = Bench::new();
    let pem = authority().certificate_pem().to_owned();
    let origin = bench.path("ca.pem");
    let half = &pem[..pem.len() / 2];
    let error = CertificateInfo::from_pem(half.as_bytes(), &origin).unwrap_err();
    assert!(matches!(error, CertificateError::None(_)), "{error}");
    for mut der in [vec![0x30, 0x80], vec![], vec![0x30, 0x03, 1, 2, 3]] {
        drop(CertificateInfo::from_der(&der).unwrap_err());
        der.extend_from_slice(&[0; 9]);
        drop(CertificateInfo::from_der(&der).unwrap_err());
    }
    let mut long = authority().certificate_der().to_vec();
    long.push(0);
    assert!(
        CertificateInfo::from_der(&long)
            .unwrap_err()
            .to_string()
            .contains("follow")
    );
}

// T: encrypted-pem
#[test]
fn the_legacy_encryption_names_the_command_that_converts_it() {
    let bench = Bench::new();
    bench.ok(
        "umask 077; openssl genrsa -aes256 -traditional -passout pass:old -out ca-key.pem 2048
         grep -q DEK-Info ca-key.pem
         openssl req -new -x509 -days 9 -key ca-key.pem -passin pass:old -subj /CN=old -out ca.pem",
    );
    let text = open(&bench, Some("old")).to_string();
    let command = text.split('`').nth(1).unwrap();
    bench.ok(&format!(
        "{command} -passin pass:old -passout pass:new; chmod 0400 ca-key.pkcs8.pem"
    ));
    let files = AuthorityFiles {
        issuer: None,
        certificate: bench.path("ca.pem"),
        key: bench.path("ca-key.pkcs8.pem"),
    };
    Authority::open(&files, Some(&secret("new")), Clock::System).unwrap();
}

#[test]
fn old_ciphers_name_the_command_that_converts_them() {
    let bench = Bench::new();
    bench.ok("umask 077; openssl genrsa -out plain.pem 2048
         openssl pkcs8 -topk8 -v2 des3 -in plain.pem -passout pass:word -out ca-key.pem
         openssl req -new -x509 -days 9 -key plain.pem -subj /CN=des -out ca.pem");
    let text = open(&bench, Some("word")).to_string();
    let command = text.split('`').nth(1).unwrap();
    bench.ok(&format!(
        "{command} -passin pass:word -passout pass:word; chmod 0400 ca-key.pkcs8.pem"
    ));
    PrivateKey::read(&bench.path("ca-key.pkcs8.pem"), Some(&secret("word"))).unwrap();
}

// T: rsa-1024
#[test]
fn keys_that_are_too_weak_or_of_another_kind() {
    for make in [
        "openssl genrsa -out k 1024",
        "openssl genpkey -algorithm x25519 -out k",
    ] {
        let bench = Bench::new();
        bench.ok(&format!("umask 077; {make}"));
        let error = PrivateKey::read(&bench.path("k"), None).unwrap_err();
        assert!(matches!(error, KeyError::Unsupported(_)), "{error}");
    }
}

#[test]
fn a_pipe_in_place_of_a_file_is_refused_and_not_waited_for() {
    let bench = Bench::new();
    bench.ok("mkfifo -m 600 pipe");
    let pipe = bench.path("pipe");
    let error = certificates(&pipe).unwrap_err().to_string();
    assert!(error.contains("no regular file"), "{error}");
    let error = PrivateKey::read(&pipe, None).unwrap_err().to_string();
    assert!(error.contains("no regular file"), "{error}");
}

#[test]
fn authorities_of_no_days_or_too_many() {
    for days in [0, 7301, u32::MAX] {
        let new = new_authority(KeyType::EcdsaP256, days);
        let error = Authority::create(&new, Clock::System).unwrap_err();
        assert!(matches!(error, AuthorityError::Days { .. }), "{error}");
    }
}

#[test]
fn secrets_are_in_no_debug_text() {
    let authority = authority();
    let issued = client(&authority, "alice");
    let text = format!(
        "{authority:?} {issued:?} {:?} {:?}",
        issued.key_pem(),
        passphrase("hunter2")
    );
    assert!(
        !text.contains("PRIVATE KEY") && !text.contains("hunter2"),
        "{text}"
    );
}
