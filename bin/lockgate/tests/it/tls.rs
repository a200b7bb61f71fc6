//! TLS: who is trusted, and what is said about those who are not.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;

use crate::client::{Ended, Lockgate};
use crate::fake::{Fake, Reply, Seen, frame, ping};
use crate::run::answer;

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key.
pub(crate) struct Leaf {
    chain: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

pub(crate) fn leaf(
    issuer: &Issuer,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
    change: impl FnOnce(&mut CertificateParams),
) -> Leaf {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "leaf");
    params.extended_key_usages = vec![usage];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, issuer).unwrap();
    Leaf {
        chain: cert.der().clone(),
        pem: cert.pem(),
        key,
    }
}

pub(crate) fn server_leaf(issuer: &Issuer, names: &[&str]) -> Leaf {
    leaf(issuer, names, ExtendedKeyUsagePurpose::ServerAuth, |_| ())
}

pub(crate) fn config(server: Leaf, clients: Option<&Issuer>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let key = PrivateKeyDer::try_from(server.key.serialize_der()).unwrap();
    let builder = match clients {
        Some(issuer) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    builder.with_single_cert(vec![server.chain], key).unwrap()
}

/// What `DOCKER_CERT_PATH` points to.
pub(crate) fn folder(issuer: &Issuer, client: Option<&Leaf>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
    if let Some(client) = client {
        std::fs::write(folder.path().join("cert.pem"), &client.pem).unwrap();
        std::fs::write(folder.path().join("key.pem"), client.key.serialize_pem()).unwrap();
    }
    folder
}

pub(crate) fn list(seen: &Seen) -> Reply {
    ping(seen).unwrap_or_else(|| Reply::Json(200, "[]".to_owned()))
}

fn ps(host: &str, folder: &Path) -> Ended {
    Lockgate::new(host, &["ps", "-q"])
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", folder)
        .run()
}

#[test]
fn both_sides_prove_who_they_are() {
    let issuer = authority("ca");
    let client = leaf(
        &issuer,
        &["me"],
        ExtendedKeyUsagePurpose::ClientAuth,
        |_| (),
    );
    let server = server_leaf(&issuer, &["127.0.0.1"]);
    let fake = Fake::tcp(Some(config(server, Some(&issuer))), list);
    let ended = ps(&fake.url, folder(&issuer, Some(&client)).path());
    assert_eq!((ended.status, ended.err.as_str()), (0, ""));
}

#[test]
fn a_half_closed_connection_still_brings_the_answer() {
    let issuer = authority("ca");
    let server = server_leaf(&issuer, &["127.0.0.1"]);
    let output = frame(1, "answer\n");
    let fake = Fake::tcp(Some(config(server, None)), move |seen| {
        answer(seen, &output, 5)
    });
    let folder = folder(&issuer, None);
    let ended = Lockgate::new(&fake.url, &["run", "-i", "busybox", "cat"])
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", folder.path())
        .stdin("question")
        .run();
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (5, "answer\n", "")
    );
    let stdin = fake
        .seen()
        .into_iter()
        .find(|seen| seen.method == "STDIN")
        .unwrap();
    assert_eq!(stdin.body, "question");
}

#[test]
fn a_stranger_is_not_trusted() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let server = server_leaf(&theirs, &["127.0.0.1"]);
    let fake = Fake::tcp(Some(config(server, None)), list);
    let ended = ps(&fake.url, folder(&ours, None).path());
    assert_eq!(ended.status, 1);
    let first = ended.err.lines().next().unwrap();
    assert!(
        first.ends_with(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        ),
        "{first}"
    );
    assert!(
        ended.err.contains("issued by \"CN=theirs\""),
        "{}",
        ended.err
    );
    let trusting = Lockgate::new(&fake.url, &["--tls", "ps", "-q"])
        .env("DOCKER_CERT_PATH", folder(&ours, None).path())
        .run();
    assert_eq!((trusting.status, trusting.err.as_str()), (0, ""));
}

#[test]
fn a_wrong_name_is_told_with_the_right_ones() {
    let issuer = authority("ca");
    let server = server_leaf(&issuer, &["docker.example", "10.0.0.1"]);
    let fake = Fake::tcp(Some(config(server, None)), list);
    let ended = ps(&fake.url, folder(&issuer, None).path());
    assert!(
        ended
            .err
            .contains("x509: certificate is valid for 10.0.0.1, not 127.0.0.1"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("hint: connect by a name that the certificate has: docker.example, 10.0.0.1")
    );
    let named = Fake::tcp(
        Some(config(server_leaf(&issuer, &["docker.example"]), None)),
        list,
    );
    let ended = ps(&named.url, folder(&issuer, None).path());
    assert!(
        ended.err.contains(
            "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
        ),
        "{}",
        ended.err
    );
    let host = named.url.replace("127.0.0.1", "localhost");
    let ended = ps(&host, folder(&issuer, None).path());
    assert!(
        ended
            .err
            .contains("x509: certificate is valid for docker.example, not localhost"),
        "{}",
        ended.err
    );
}

#[test]
fn an_expired_certificate_is_named() {
    let issuer = authority("ca");
    let server = leaf(
        &issuer,
        &["127.0.0.1"],
        ExtendedKeyUsagePurpose::ServerAuth,
        |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        },
    );
    let fake = Fake::tcp(Some(config(server, None)), list);
    let ended = ps(&fake.url, folder(&issuer, None).path());
    assert!(
        ended
            .err
            .contains("x509: certificate has expired or is not yet valid: current time "),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains(" is after 2021-01-01T00:00:00Z"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("hint: the server's certificate has expired: \"CN=leaf\"")
    );
}

#[test]
fn a_certificate_for_clients_is_none_for_servers() {
    let issuer = authority("ca");
    let server = leaf(
        &issuer,
        &["127.0.0.1"],
        ExtendedKeyUsagePurpose::ClientAuth,
        |_| (),
    );
    let fake = Fake::tcp(Some(config(server, None)), list);
    let ended = ps(&fake.url, folder(&issuer, None).path());
    assert!(
        ended
            .err
            .contains("x509: certificate specifies an incompatible key usage"),
        "{}",
        ended.err
    );
}

#[test]
fn a_server_that_wants_a_certificate_says_so() {
    let issuer = authority("ca");
    let server = server_leaf(&issuer, &["127.0.0.1"]);
    let fake = Fake::tcp(Some(config(server, Some(&issuer))), list);
    let ended = ps(&fake.url, folder(&issuer, None).path());
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .err
            .contains("the server probably has client authentication (--tlsverify) enabled"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("hint: no client certificate was given"),
        "{}",
        ended.err
    );
}

#[test]
fn a_refused_certificate_is_shown() {
    let (issuer, other) = (authority("ca"), authority("other"));
    let client = leaf(&other, &["me"], ExtendedKeyUsagePurpose::ClientAuth, |_| ());
    let server = server_leaf(&issuer, &["127.0.0.1"]);
    let fake = Fake::tcp(Some(config(server, Some(&issuer))), list);
    let ended = ps(&fake.url, folder(&issuer, Some(&client)).path());
    assert!(
        ended
            .err
            .contains("the server refused our client certificate"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("hint: our client certificate is \"CN=leaf\", issued by \"CN=other\""),
        "{}",
        ended.err
    );
}

#[test]
fn plain_and_encrypted_ends_are_told_apart() {
    let issuer = authority("ca");
    let plain = Fake::tcp(None, |_| {
        Reply::Raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())
    });
    let ended = ps(&plain.url, folder(&issuer, None).path());
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .err
            .starts_with("error during connect: Get \"https://127.0.0.1:"),
        "{}",
        ended.err
    );
    let server = server_leaf(&issuer, &["127.0.0.1"]);
    let encrypted = Fake::tcp(Some(config(server, None)), list);
    let ended = Lockgate::new(&encrypted.url, &["ps"]).run();
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .err
            .contains("Are you trying to connect to a TLS-enabled daemon without TLS?"),
        "{}",
        ended.err
    );
}

#[test]
fn files_that_do_not_fit_are_named() {
    let issuer = authority("ca");
    let folder = folder(&issuer, None);
    std::fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    let ended = ps("tcp://127.0.0.1:1", folder.path());
    assert_eq!(ended.status, 1);
    assert!(
        ended.err.contains("certificate and key belong together"),
        "{}",
        ended.err
    );
    std::fs::write(folder.path().join("key.pem"), "nonsense").unwrap();
    let ended = ps("tcp://127.0.0.1:1", folder.path());
    assert!(ended.err.contains("no certificate in"), "{}", ended.err);
    let missing = ps("tcp://127.0.0.1:1", Path::new("/nonexistent"));
    assert!(
        missing
            .err
            .ends_with("open /nonexistent/ca.pem: no such file or directory\n"),
        "{}",
        missing.err
    );
}
