//! Who comes in over TLS, and how. THREATS: AuthN / TLS.

use std::io::{Read, Write};
use std::net::TcpStream;

use rcgen::ExtendedKeyUsagePurpose;
use time::{Duration, OffsetDateTime};

use crate::authority::{Authority, Leaf, Wish};
use crate::door::{Door, Options, eventually};
use crate::raw::{Client, TlsClient, builder_end, config};

/// Connects, and says what alert or error came of it. In TLS 1.3 it comes with the first read.
fn alert(door: &Door, leaf: Option<&Leaf>) -> String {
    let mut client = match TlsClient::connect(door, leaf) {
        Ok(client) => client,
        Err(error) => return error.to_string(),
    };
    let request = client
        .io
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = request.and_then(|()| client.io.read(&mut [0; 64]));
    match answer {
        Ok(count) => format!("answered {count} bytes"),
        Err(error) => error.to_string(),
    }
}

/// Expects the connection to fail with an alert, one record of a reason, and nothing served.
fn refused(leaf: Option<&Leaf>, door: &Door, reason: &str, expected: &str) {
    let alert = alert(door, leaf);
    assert!(alert.contains(expected), "{alert}");
    assert_eq!(door.refused(), reason);
    assert!(door.fake.served().is_empty());
}

#[test]
fn a_client_of_our_authority_comes_in_with_modern_tls_alone() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/_ping").status, 200);
    let connection = &client.io.conn;
    assert_eq!(
        connection.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    let group = connection.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
    let record = door.recorded(|line| line["event"] == "decision");
    let identity = &record["identity"];
    assert_eq!(
        (&identity["kind"], &identity["common_name"]),
        (&"certificate".into(), &"alice".into())
    );
    assert_eq!(identity["serial"].as_str().unwrap().len(), 8);
    assert_eq!(identity["issuer"], "CN=test authority");
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    refused(None, &Door::open(), "no_certificate", "CertificateRequired");
}

// T: CVE-2018-12608
#[test]
fn a_client_of_another_authority_is_refused_even_under_the_same_name() {
    let stranger = Authority::new("test authority").issue(&Wish::client("alice"));
    let door = Door::open();
    let alert = alert(&door, Some(&stranger));
    // The name of the issuer is the same, so the signature is what fails.
    assert!(
        alert.contains("DecryptError") || alert.contains("UnknownCA"),
        "{alert}"
    );
    assert!(door.fake.served().is_empty());
    let stranger = Authority::new("somebody else").issue(&Wish::client("alice"));
    refused(Some(&stranger), &Door::open(), "unknown_ca", "UnknownCA");
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let now = OffsetDateTime::now_utc();
    let door = Door::open();
    let past = Wish {
        to: now - Duration::minutes(1),
        ..Wish::client("alice")
    };
    let past = door.authority.issue(&past);
    refused(
        Some(&past),
        &door,
        "expired_certificate",
        "CertificateExpired",
    );
    let door = Door::open();
    let future = Wish {
        from: now + Duration::minutes(10),
        ..Wish::client("alice")
    };
    let future = door.authority.issue(&future);
    refused(
        Some(&future),
        &door,
        "expired_certificate",
        "CertificateExpired",
    );
}

// T: infrabroker#399
#[test]
fn a_certificate_that_is_not_for_clients_is_refused() {
    for purposes in [
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![],
        vec![ExtendedKeyUsagePurpose::Any],
        vec![ExtendedKeyUsagePurpose::CodeSigning],
    ] {
        let door = Door::open();
        let leaf = door.authority.issue(&Wish {
            purposes,
            ..Wish::client("alice")
        });
        refused(
            Some(&leaf),
            &door,
            "wrong_purpose",
            "UnsupportedCertificate",
        );
    }
}

// T: CVE-2018-12608
#[test]
fn only_our_authority_is_named_to_clients() {
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Default)]
    struct Spy(Mutex<Vec<Vec<u8>>>);

    impl rustls::client::ResolvesClientCert for Spy {
        fn resolve(
            &self,
            hints: &[&[u8]],
            _schemes: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            *self.0.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
            None
        }

        fn has_certs(&self) -> bool {
            true
        }
    }

    let door = Door::open();
    let spy = Arc::new(Spy::default());
    let mut config = config(&door, None);
    config.client_auth_cert_resolver = Arc::clone(&spy) as _;
    drop(TlsClient::connect_with(&door, config));
    let hints = spy.0.lock().unwrap();
    assert_eq!(hints.len(), 1);
    assert!(
        hints[0]
            .windows(14)
            .any(|window| window == b"test authority")
    );
}

// T: tls-1.2-only
#[test]
fn tls_1_2_is_spoken_only_if_asked_for() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let old = builder_end(&door, Some(&leaf), &[&rustls::version::TLS12]);
    let error = TlsClient::connect_with(&door, old)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(error.contains("ProtocolVersion"), "{error}");
    assert_eq!(door.refused(), "incompatible");
    let door = Door::open_with(Options {
        tls12: true,
        ..Options::default()
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let old = builder_end(&door, Some(&leaf), &[&rustls::version::TLS12]);
    let mut client = TlsClient::connect_with(&door, old).unwrap();
    assert_eq!(client.get("/_ping").status, 200);
}

// T: h2-only
#[test]
fn a_client_that_wants_only_http_2_gets_a_clean_failure() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut wants = config(&door, Some(&leaf));
    wants.alpn_protocols = vec![b"h2".to_vec()];
    let error = TlsClient::connect_with(&door, wants)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    assert_eq!(door.refused(), "incompatible");
    let mut wants = config(&door, Some(&leaf));
    wants.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = TlsClient::connect_with(&door, wants).unwrap();
    assert_eq!(client.io.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(client.get("/_ping").status, 200);
}

// T: plain-http
#[test]
fn plain_http_gets_a_readable_answer_and_no_route() {
    let door = Door::open();
    let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
    client.send("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.text(),
        "Client sent an HTTP request to an HTTPS server.\n"
    );
    assert!(client.is_closed());
    assert_eq!(door.refused(), "plain_http");
    assert!(door.fake.served().is_empty());
}

// T: CVE-2024-11738
#[test]
fn garbage_and_broken_handshakes_leave_the_door_open() {
    let door = Door::open();
    let garbage: [&[u8]; 6] = [
        b"\0\0\0\0",
        b"SSH-2.0-x\r\n",
        &[0x16, 3, 1, 0xff, 0xff, 0, 0],
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0],
        &[0x16, 3, 1, 0, 2, 1, 0, 0x15, 3, 1, 0, 2, 1, 0],
        &[0x80, 0x2e, 1, 3, 1],
    ];
    for bytes in garbage {
        let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
        client.send(bytes);
        // It may have been cut off already.
        drop(client.io.shutdown(std::net::Shutdown::Write));
        client.rest();
    }
    drop(TcpStream::connect(door.address()).unwrap());
    eventually("records", || {
        (door.audit().len() >= garbage.len()).then_some(())
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/_ping").status, 200);
}

#[test]
fn a_client_that_leaves_without_close_notify_has_just_left() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    client.send("POST /containers/chat/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    client.head();
    client.io.sock.shutdown(std::net::Shutdown::Both).unwrap();
    eventually("the end", || door.fake.ended("stream over").then_some(()));
}

// T: identity-headers
#[test]
fn no_header_makes_somebody_of_anybody() {
    let door = Door::open_with(Options {
        policy: Some("[[bindings]]\nroles = [\"admin\"]\ncommon_name = \"alice\"\n"),
        ..Options::default()
    });
    let mallory = door.authority.issue(&Wish::client("mallory"));
    let mut client = TlsClient::connect(&door, Some(&mallory)).unwrap();
    client.send(
        "GET /info HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Client-Cert: Subject=\"CN=alice\"\r\n\
         X-Authz-User: alice\r\nX-Remote-User: alice\r\nAuthorization: Basic YWxpY2U6\r\n\r\n",
    );
    assert_eq!(client.answer().status, 403);
    assert!(door.fake.served().is_empty());
}

// T: hostile-names
#[test]
fn a_hostile_name_cannot_write_into_the_record() {
    let door = Door::open();
    let name = "eve\u{202e}\u{1b}[2J\n{\"sequence\":1}\u{2028}\u{7f}";
    let leaf = door.authority.issue(&Wish::client(name));
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/info").status, 200);
    let text = std::fs::read_to_string(door.dir.path().join("audit.log")).unwrap();
    let odd = text
        .chars()
        .filter(|c| c.is_control() && *c != '\n')
        .count();
    assert!(
        odd == 0 && !text.contains(['\u{202e}', '\u{2028}']),
        "{text}"
    );
    let line = door.recorded(|line| line["operation"] == "SystemInfo");
    assert_eq!(line["identity"]["common_name"], name);
}

#[test]
fn the_end_of_a_certificate_ends_its_streams() {
    let door = Door::open();
    let soon = OffsetDateTime::now_utc() + Duration::seconds(2);
    let leaf = door.authority.issue(&Wish {
        to: soon,
        ..Wish::client("alice")
    });
    let mut stream = TlsClient::connect(&door, Some(&leaf)).unwrap();
    stream.send("POST /containers/idle/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    stream.head();
    let mut events = TlsClient::connect(&door, Some(&leaf)).unwrap();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.head();
    stream.rest();
    events.rest();
    // Certificates count in whole seconds.
    assert!(OffsetDateTime::now_utc() >= soon - Duration::seconds(1));
    eventually("the ends", || {
        (door.fake.ended("stream dropped") && door.fake.ended("events dropped")).then_some(())
    });
    let revoked = || {
        door.audit()
            .into_iter()
            .filter(|line| line["outcome"] == "revoked")
            .count()
    };
    eventually("the records", || (revoked() == 2).then_some(()));
}

// T: huge-certificate
#[test]
fn a_certificate_of_100_kilobytes_is_refused() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish {
        unit: Some("x".repeat(100_000)),
        ..Wish::client("alice")
    });
    let answered = TlsClient::connect(&door, Some(&leaf)).is_ok_and(|mut client| {
        let asked = client
            .io
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.is_ok() && client.io.read(&mut [0; 8]).is_ok_and(|count| count > 0)
    });
    assert!(!answered);
    assert_eq!(door.refused(), "no_tls");
    assert!(door.fake.served().is_empty());
}
