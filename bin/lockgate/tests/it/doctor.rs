//! `lockgate doctor` towards a daemon: what answers, whom it lets in, and who it is.

use std::path::Path;

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use serde_json::Value;

use crate::client::Lockgate;
use crate::fake::{Fake, Reply, Seen};
use crate::tls::{Issuer, authority, config, folder, leaf, list, server_leaf};

/// The findings by their ids, errors and warnings alone, and the exit status.
fn look(fake: &Fake, certificates: Option<&Path>) -> (Vec<String>, Value, i32) {
    let root = tempfile::tempdir().unwrap();
    let words = ["doctor", "--json", "--root", root.path().to_str().unwrap()];
    let mut command = Lockgate::new(&fake.url, &words);
    if let Some(path) = certificates {
        command = command
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", path);
    }
    let ended = command.run();
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let found = report["findings"].as_array().unwrap().iter();
    let bad = found.filter(|f| f["severity"] == "error" || f["severity"] == "warning");
    let ids = bad.map(|f| f["id"].as_str().unwrap().to_owned()).collect();
    (ids, report, ended.status)
}

fn client(issuer: &Issuer) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mine = leaf(
        issuer,
        &["me"],
        ExtendedKeyUsagePurpose::ClientAuth,
        |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
        },
    );
    let folder = folder(issuer, Some(&mine));
    let key = folder.path().join("key.pem");
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o400)).unwrap();
    folder
}

fn good(seen: &Seen) -> Reply {
    list(seen)
}

/// What is said of a server that has this certificate.
fn of_server(issuer: &Issuer, server: crate::tls::Leaf) -> (Vec<String>, Value) {
    let fake = Fake::tcp(Some(config(server, Some(issuer))), good);
    let (ids, report, status) = look(&fake, Some(client(issuer).path()));
    assert_eq!(status, 1, "{report:#}");
    (
        ids.into_iter()
            .filter(|id| id.starts_with("peer."))
            .collect(),
        report,
    )
}

#[test]
fn nothing_is_wrong_between_two_ends_that_trust_each_other() {
    let issuer = authority("ca");
    let fake = Fake::tcp(
        Some(config(server_leaf(&issuer, &["127.0.0.1"]), Some(&issuer))),
        good,
    );
    let (ids, report, _) = look(&fake, Some(client(&issuer).path()));
    // The certificates of these tests live for ever.
    assert_eq!(ids, ["client.long-lived"], "{report:#}");
    assert!(report.to_string().contains("it speaks TLS 1.3"));
    assert!(
        report
            .to_string()
            .contains("it asks for a certificate of CN=ca")
    );
}

#[test]
fn a_certificate_for_another_name_is_told_from_one_without_names() {
    let issuer = authority("ca");
    let (ids, report) = of_server(&issuer, server_leaf(&issuer, &["other.example.org"]));
    assert_eq!(ids, ["peer.missing-san"], "{report:#}");
    let (ids, report) = of_server(&issuer, server_leaf(&issuer, &[]));
    assert_eq!(ids, ["peer.cn-only"], "{report:#}");
    assert!(report.to_string().contains("--san 127.0.0.1"), "{report:#}");
}

#[test]
fn a_server_with_a_client_s_certificate_or_one_of_another_authority_or_time() {
    let issuer = authority("ca");
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    let wrong = leaf(&issuer, &["127.0.0.1"], usage, |_| ());
    assert_eq!(of_server(&issuer, wrong).0, ["peer.wrong-eku"]);
    let usage = ExtendedKeyUsagePurpose::ServerAuth;
    let old = leaf(&issuer, &["127.0.0.1"], usage, |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    assert_eq!(of_server(&issuer, old).0, ["peer.expired"]);
    let stranger = authority("stranger");
    let theirs = server_leaf(&stranger, &["127.0.0.1"]);
    assert_eq!(of_server(&issuer, theirs).0, ["peer.wrong-ca"]);
}

#[test]
fn our_certificate_of_an_authority_that_the_daemon_does_not_know() {
    let (issuer, clients) = (authority("ca"), authority("clients"));
    let fake = Fake::tcp(
        Some(config(server_leaf(&issuer, &["127.0.0.1"]), Some(&clients))),
        good,
    );
    let (ids, report, _) = look(&fake, Some(client(&issuer).path()));
    assert!(
        ids.contains(&"peer.our-ca-unknown".to_owned()),
        "{report:#}"
    );
    let told = report.to_string();
    assert!(
        told.contains("of CN=clients, and ours is of CN=ca"),
        "{report:#}"
    );
}

#[test]
fn a_daemon_that_lets_in_everybody() {
    let issuer = authority("ca");
    let fake = Fake::tcp(
        Some(config(server_leaf(&issuer, &["127.0.0.1"]), None)),
        good,
    );
    let (ids, report, status) = look(&fake, Some(client(&issuer).path()));
    assert!(
        ids.contains(&"peer.no-client-certificate".to_owned()),
        "{report:#}"
    );
    assert_eq!(status, 1);
    let plain = Fake::tcp(None, good);
    let (ids, report, _) = look(&plain, None);
    assert_eq!(ids, ["client.no-tls", "peer.plaintext"], "{report:#}");
    let (ids, report, _) = look(&plain, Some(client(&issuer).path()));
    assert!(ids.contains(&"peer.no-tls".to_owned()), "{report:#}");
}

#[test]
fn plain_http_towards_the_tls_port() {
    let issuer = authority("ca");
    let fake = Fake::tcp(
        Some(config(server_leaf(&issuer, &["127.0.0.1"]), Some(&issuer))),
        good,
    );
    let (ids, report, status) = look(&fake, None);
    assert_eq!(
        (&ids[..2], status),
        (
            &[
                "client.no-tls".to_owned(),
                "peer.http-on-tls-port".to_owned()
            ][..],
            1
        ),
        "{report:#}"
    );
    assert!(report.to_string().contains("export DOCKER_TLS_VERIFY=1"));
}

#[test]
fn clocks_that_disagree() {
    let fake = Fake::unix(|seen| {
        if seen.path.ends_with("/_ping") {
            return good(seen);
        }
        Reply::Raw(
            b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                .to_vec(),
        )
    });
    let (ids, report, status) = look(&fake, None);
    assert_eq!(
        (ids, status),
        (vec!["peer.clock-skew".to_owned()], 2),
        "{report:#}"
    );
}

#[test]
fn a_port_where_nobody_listens_and_a_socket_that_is_not_there() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for (host, id) in [
        (format!("tcp://127.0.0.1:{port}"), "peer.unreachable"),
        ("unix:///nonexistent/s".to_owned(), "peer.not-running"),
        (
            "tcp://nobody.invalid.localhost.:1".to_owned(),
            "peer.unreachable",
        ),
    ] {
        let ended = Lockgate::new("", &["doctor", "--json", "--root", "/tmp", &host]).run();
        assert_eq!(ended.status, 1);
        assert!(ended.out.contains(id), "{}", ended.out);
    }
}

#[test]
fn what_a_peer_says_cannot_write_over_the_terminal() {
    let fake = Fake::unix(|seen| {
        if seen.path.ends_with("/_ping") {
            return good(seen);
        }
        Reply::Json(500, "{\"message\":\"\\u001b[2Jfine\"}".to_owned())
    });
    let root = tempfile::tempdir().unwrap();
    let ended = Lockgate::new(
        &fake.url,
        &["doctor", "--root", root.path().to_str().unwrap()],
    )
    .run();
    assert!(!ended.out.contains('\u{1b}'), "{:?}", ended.out);
}
