//! The files of TLS: what is refused at start, and what a reload does. THREATS: File handling, CRLs.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lockgate_gate::TlsFiles;
use time::{Duration, OffsetDateTime};

use crate::authority::{Authority, Wish};
use crate::door::{Door, Options, eventually};
use crate::raw::TlsClient;

fn files(directory: &Path) -> TlsFiles {
    let authority = Authority::new("test authority");
    std::fs::write(directory.join("ca.pem"), &authority.pem).unwrap();
    authority.issue(&Wish::server()).write(directory);
    TlsFiles {
        ca: directory.join("ca.pem"),
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
        crl: None,
        crl_grace: std::time::Duration::ZERO,
        warn_before: std::time::Duration::from_hours(14 * 24),
        tls12: false,
    }
}

// T: key-permissions, half-written-pem, encrypted-pem
#[test]
fn bad_files_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let good = files(dir.path());
    good.check().unwrap();
    let told = |files: &TlsFiles| files.check().unwrap_err().to_string();

    std::fs::set_permissions(&good.key, std::fs::Permissions::from_mode(0o440)).unwrap();
    assert!(told(&good).contains("run `chmod 0400"), "{}", told(&good));
    std::fs::set_permissions(&good.key, std::fs::Permissions::from_mode(0o600)).unwrap();
    good.check().unwrap();

    let other = tempfile::tempdir().unwrap();
    let others = files(other.path());
    let mixed = TlsFiles {
        key: others.key,
        ..good.clone()
    };
    assert!(
        told(&mixed).contains("do not fit together"),
        "{}",
        told(&mixed)
    );

    let half = dir.path().join("half.pem");
    let whole = std::fs::read(&good.certificate).unwrap();
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let broken = TlsFiles {
        certificate: half.clone(),
        ..good.clone()
    };
    assert!(told(&broken).contains("half.pem"), "{}", told(&broken));
    std::fs::write(&half, "").unwrap();
    assert!(
        told(&broken).contains("no certificate in PEM form"),
        "{}",
        told(&broken)
    );

    let encrypted = dir.path().join("encrypted.pem");
    std::fs::write(
        &encrypted,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    )
    .unwrap();
    std::fs::set_permissions(&encrypted, std::fs::Permissions::from_mode(0o400)).unwrap();
    let locked = TlsFiles {
        key: encrypted,
        ..good.clone()
    };
    assert!(told(&locked).contains("openssl pkey"), "{}", told(&locked));

    let missing = TlsFiles {
        ca: dir.path().join("none.pem"),
        ..good
    };
    assert!(told(&missing).contains("none.pem"), "{}", told(&missing));
}

// T: netpulse#783, libgen-mcp#176
#[test]
fn a_bad_reload_keeps_the_last_good_files() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let server = door.dir.path().join("server");
    // The key of one certificate with another certificate: half of a swap.
    let other = door.authority.issue(&Wish::server());
    std::fs::write(server.join("cert.pem"), &other.pem).unwrap();
    door.handle.reload_tls().unwrap_err();
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/_ping").status, 200);
    other.write(&server);
    door.handle.reload_tls().unwrap();
    let client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.io.conn.peer_certificates().unwrap()[0], other.der);
}

// T: swapped-authority
#[test]
fn another_authority_ends_the_clients_of_the_old_one() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut stream = TlsClient::connect(&door, Some(&leaf)).unwrap();
    stream.send("POST /containers/idle/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    stream.head();
    let mut local = door.unix();
    assert_eq!(local.get("/_ping").status, 200);
    let next = Authority::new("next authority");
    std::fs::write(door.dir.path().join("ca.pem"), &next.pem).unwrap();
    door.handle.reload_tls().unwrap();
    stream.rest();
    door.recorded(|line| line["outcome"] == "revoked");
    assert_eq!(local.get("/_ping").status, 200);
    let again = TlsClient::connect(&door, Some(&leaf));
    let lives = again.is_ok_and(|mut client| {
        let asked = client
            .io
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.is_ok() && client.io.read(&mut [0; 8]).is_ok_and(|count| count > 0)
    });
    assert!(!lives);
}

// T: hijack-lifetime
#[test]
fn a_revoked_client_is_cut_off_and_stays_out() {
    let door = Door::open_with(Options {
        crl: true,
        ..Options::default()
    });
    let (alice, bob) = (
        door.authority.issue(&Wish::client("alice")),
        door.authority.issue(&Wish::client("bob")),
    );
    let mut streams: Vec<_> = [&alice, &bob]
        .into_iter()
        .map(|leaf| {
            let mut client = TlsClient::connect(&door, Some(leaf)).unwrap();
            client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
            client.head();
            client
        })
        .collect();
    let next_week = OffsetDateTime::now_utc() + Duration::weeks(1);
    let list = door.authority.revoke(&[&alice.serial], next_week);
    std::fs::write(door.dir.path().join("crl.pem"), list).unwrap();
    door.handle.reload_tls().unwrap();
    streams[0].rest();
    streams[1].chunk();
    drop(TlsClient::connect(&door, Some(&alice)));
    eventually("the record", || {
        door.audit()
            .into_iter()
            .find(|line| line["reason"] == "revoked_certificate")
    });
}

// T: GHSA-82j2-j2ch-gfr8, crl-missing, crl-wrong-issuer, crl-future-dated
#[test]
fn a_list_that_is_broken_stale_or_of_somebody_else_leaves_the_last_good_one() {
    let door = Door::open_with(Options {
        crl: true,
        ..Options::default()
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let crl = door.dir.path().join("crl.pem");
    let comes_in = || {
        let Ok(mut client) = TlsClient::connect(&door, Some(&leaf)) else {
            return false;
        };
        let asked = client
            .io
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.is_ok() && client.io.read(&mut [0; 8]).is_ok_and(|count| count > 0)
    };
    assert!(comes_in());
    for broken in [
        "",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\n",
    ] {
        std::fs::write(&crl, broken).unwrap();
        door.handle.reload_tls().unwrap();
        assert!(comes_in());
    }
    let yesterday = OffsetDateTime::now_utc() - Duration::days(1);
    let next_week = OffsetDateTime::now_utc() + Duration::weeks(1);
    let stranger = Authority::new("somebody else");
    std::fs::remove_file(&crl).unwrap();
    door.handle.reload_tls().unwrap();
    assert!(comes_in(), "a missing list changes nothing");
    let namesake = Authority::new("test authority");
    let tomorrow = OffsetDateTime::now_utc() + Duration::days(1);
    for (what, list) in [
        (
            "of the future",
            door.authority
                .revoke_from(&[&leaf.serial], tomorrow, next_week),
        ),
        ("ended", door.authority.revoke(&[&leaf.serial], yesterday)),
        ("of a stranger", stranger.revoke(&[&leaf.serial], next_week)),
        ("forged", namesake.revoke(&[&leaf.serial], next_week)),
    ] {
        std::fs::write(&crl, list).unwrap();
        door.handle.reload_tls().unwrap();
        assert!(comes_in(), "{what}");
    }
    std::fs::write(&crl, door.authority.revoke(&[&leaf.serial], next_week)).unwrap();
    door.handle.reload_tls().unwrap();
    assert!(!comes_in());
}

// T: crl-expired
#[test]
fn beyond_its_hard_limit_a_list_lets_nobody_in_and_ends_who_is_there() {
    let door = Door::open_with(Options {
        crl: true,
        ..Options::default()
    });
    let leaf = door.authority.issue(&Wish::client("alice"));
    let soon = OffsetDateTime::now_utc() + Duration::seconds(2);
    std::fs::write(
        door.dir.path().join("crl.pem"),
        door.authority.revoke(&[], soon),
    )
    .unwrap();
    door.handle.reload_tls().unwrap();
    let mut stream = TlsClient::connect(&door, Some(&leaf)).unwrap();
    stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.head();
    // The grace of these tests is nothing: the end of the list is its hard limit.
    eventually("the end of the list", || {
        (door.handle.recheck() > 0).then_some(())
    });
    stream.rest();
    drop(TlsClient::connect(&door, Some(&leaf)));
    eventually("the record", || {
        let mut lines = door.audit().into_iter();
        lines.find(|line| line["reason"] == "revoked_certificate")
    });
}
