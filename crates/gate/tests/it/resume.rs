//! A session is never resumed: whoever resumes is not verified again, and a revocation would be
//! for others only.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use time::{Duration, OffsetDateTime};

use crate::authority::{Leaf, Wish};
use crate::door::{Door, Options, eventually};
use crate::raw::{Client, TlsClient, builder_end};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

fn door() -> Door {
    Door::open_with(Options {
        tls12: true,
        crl: true,
        ..Options::default()
    })
}

/// A server with the same authority that hands out tickets and session ids, as most do. After one
/// request over it, `config` holds a session for the name `localhost`.
fn remember_a_session(door: &Door, config: &ClientConfig) {
    let own = door.authority.issue(&Wish::server());
    let verifier = WebPkiClientVerifier::builder(door.authority.roots())
        .build()
        .unwrap();
    let mut server = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(own.chain(), own.key())
        .unwrap();
    server.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    let server = Arc::new(server);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let generous = std::thread::spawn(move || {
        for connection in listener.incoming().take(2) {
            let connection = connection.unwrap();
            let tls = ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, connection);
            stream.read_exact(&mut [0; 4]).unwrap();
            stream.write_all(b"done").unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
        let mut stream = rustls::StreamOwned::new(tls, TcpStream::connect(address).unwrap());
        stream.write_all(b"good").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        kinds.push(stream.conn.handshake_kind().unwrap());
    }
    generous.join().unwrap();
    // Without this, the tests below would prove nothing.
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
}

fn revoke(door: &Door, leaf: &Leaf) {
    let next_week = OffsetDateTime::now_utc() + Duration::weeks(1);
    let list = door.authority.revoke(&[&leaf.serial], next_week);
    std::fs::write(door.dir.path().join("crl.pem"), list).unwrap();
    door.handle.reload_tls().unwrap();
}

/// Whether a request is answered.
fn comes_in(door: &Door, config: &ClientConfig) -> bool {
    let Ok(mut client) = TlsClient::connect_with(door, config.clone()) else {
        return false;
    };
    let kind = client.io.conn.handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::Full));
    let request = client
        .io
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    request.is_ok() && client.io.read(&mut [0; 8]).is_ok_and(|count| count > 0)
}

// T: CVE-2025-68121, CVE-2025-23419, GHSA-gv8r-9rw9-9697
#[test]
fn a_session_that_a_client_offers_is_not_taken_up_and_its_revocation_counts() {
    for version in VERSIONS {
        let door = door();
        let alice = door.authority.issue(&Wish::client("alice"));
        let config = builder_end(&door, Some(&alice), &[version]);
        remember_a_session(&door, &config);
        assert!(comes_in(&door, &config), "{version:?}");
        revoke(&door, &alice);
        assert!(!comes_in(&door, &config), "{version:?}");
        assert_eq!(door.refused(), "revoked_certificate");
    }
}

// T: CVE-2025-68121, GHSA-gv8r-9rw9-9697
#[test]
fn a_session_is_no_key_to_a_door_with_another_authority_or_under_another_name() {
    for version in VERSIONS {
        let (ours, theirs) = (door(), door());
        let alice = ours.authority.issue(&Wish::client("alice"));
        let mut config = builder_end(&ours, Some(&alice), &[version]);
        let mut roots = RootCertStore::empty();
        for door in [&ours, &theirs] {
            roots.add(door.authority.der.clone()).unwrap();
        }
        // The same memory of sessions, and trust in both doors.
        let both = ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(roots)
            .with_client_auth_cert(alice.chain(), alice.key())
            .unwrap();
        config.resumption = both.resumption.clone();
        remember_a_session(&ours, &config);
        assert!(comes_in(&ours, &config));
        assert!(!comes_in(&theirs, &both), "{version:?}");
        assert!(theirs.fake.served().is_empty());
        // Another name in SNI than the one that the session was made under.
        for name in ["localhost", "127.0.0.1"] {
            let name = ServerName::try_from(name).unwrap();
            let socket = TcpStream::connect(ours.address()).unwrap();
            let tls = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
            let mut client = Client::new(rustls::StreamOwned::new(tls, socket));
            assert_eq!(client.get("/_ping").status, 200);
            let kind = client.io.conn.handshake_kind();
            assert_eq!(kind, Some(HandshakeKind::Full));
        }
    }
}

// T: moq-dev#2863
#[test]
fn neither_tickets_nor_session_ids_nor_early_data_are_offered() {
    for version in VERSIONS {
        let door = door();
        let alice = door.authority.issue(&Wish::client("alice"));
        let config = builder_end(&door, Some(&alice), &[version]);
        for _ in 0..2 {
            let mut client = TlsClient::connect_with(&door, config.clone()).unwrap();
            assert_eq!(client.get("/_ping").status, 200);
            let connection = &mut client.io.conn;
            assert_eq!(connection.tls13_tickets_received(), 0);
            assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
            assert!(connection.early_data().is_none());
        }
    }
}

// T: CVE-2025-68121
#[test]
fn openssl_keeps_no_session_of_ours() {
    for flag in ["-tls1_2", "-tls1_3"] {
        let door = door();
        let folder = door.dir.path().join("alice");
        door.authority.issue(&Wish::client("alice")).write(&folder);
        let script = format!(
            "printf 'GET /_ping HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' | \
             openssl s_client {flag} -ign_eof -connect {} -CAfile ../ca.pem -cert cert.pem -key key.pem $SESSION",
            door.address()
        );
        let run = |session: &str| {
            let ended = std::process::Command::new("sh")
                .args(["-c", &script])
                .env("SESSION", session)
                .current_dir(&folder)
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(
                text.contains("200 OK") && text.contains("\nNew, "),
                "{text}"
            );
            assert!(
                !text.contains("Reused") && !text.contains("TLS session ticket:"),
                "{text}"
            );
        };
        run("-sess_out session");
        if folder.join("session").exists() {
            run("-sess_in session");
        }
    }
}

/// The certificate was good when the handshake began; by its end it is not.
// T: revoked-while-shaking-hands
#[test]
fn who_is_revoked_in_the_middle_of_the_handshake_does_not_come_in() {
    let door = door();
    let alice = door.authority.issue(&Wish::client("alice"));
    let config = builder_end(&door, Some(&alice), &[&rustls::version::TLS13]);
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(door.address()).unwrap();
    tls.write_tls(&mut socket).unwrap();
    while tls.is_handshaking() {
        tls.read_tls(&mut socket).unwrap();
        tls.process_new_packets().unwrap();
    }
    // Our certificate and its proof are still here.
    assert!(tls.wants_write());
    revoke(&door, &alice);
    let mut client = Client::new(rustls::StreamOwned::new(tls, socket));
    let sent = client
        .io
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(sent.is_err() || client.rest().is_empty());
    eventually("the record", || {
        let mut lines = door.audit().into_iter();
        lines.find(|line| line["reason"] == "revoked_certificate")
    });
    assert!(door.fake.served().is_empty());
}
