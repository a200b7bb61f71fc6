//! Certificates that no honest authority makes, or that one made long ago.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::Instant;

use rcgen::{CustomExtension, SanType};
use time::{Duration, OffsetDateTime};

use crate::authority::{Authority, Leaf, Wish};
use crate::door::{Door, Options};
use crate::raw::TlsClient;

/// Whether a request of this client is answered.
fn comes_in(door: &Door, leaf: &Leaf) -> bool {
    let Ok(mut client) = TlsClient::connect(door, Some(leaf)) else {
        return false;
    };
    let request = client
        .io
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    request.is_ok() && client.io.read(&mut [0; 8]).is_ok_and(|count| count > 0)
}

fn refused(door: &Door, leaf: &Leaf, reason: &str) {
    assert!(!comes_in(door, leaf));
    assert_eq!(door.refused(), reason);
    assert!(door.fake.served().is_empty());
}

// T: unknown-critical-extension
#[test]
fn a_critical_extension_that_nobody_knows_is_refused_and_another_is_not() {
    for critical in [false, true] {
        let door = Door::open();
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        extension.set_criticality(critical);
        let leaf = door.authority.issue(&Wish {
            extensions: vec![extension],
            ..Wish::client("alice")
        });
        if critical {
            refused(&door, &leaf, "bad_certificate");
        } else {
            assert!(comes_in(&door, &leaf));
        }
    }
}

// T: serial-21-octets
#[test]
fn a_serial_number_that_no_list_can_name_is_refused() {
    for (length, good) in [(20, true), (21, false), (200, false)] {
        let door = Door::open();
        let leaf = door.authority.issue(&Wish {
            serial: Some(vec![0x41; length]),
            ..Wish::client("alice")
        });
        if good {
            assert!(comes_in(&door, &leaf));
        } else {
            refused(&door, &leaf, "bad_certificate");
        }
    }
}

// T: infrabroker#399
#[test]
fn the_certificate_of_an_authority_is_nobodys_identity() {
    let door = Door::open();
    let below = door.authority.intermediate("below");
    let as_leaf = Leaf {
        pem: below.pem.clone(),
        key_pem: below.key_pem.clone(),
        der: below.der.clone(),
        serial: below.serial.clone(),
        above: Vec::new(),
    };
    refused(&door, &as_leaf, "bad_certificate");
    let door = Door::open();
    let root = Leaf {
        pem: door.authority.pem.clone(),
        key_pem: door.authority.key_pem.clone(),
        der: door.authority.der.clone(),
        serial: Vec::new(),
        above: Vec::new(),
    };
    assert!(!comes_in(&door, &root));
    assert!(door.fake.served().is_empty());
}

// T: chain-depth
#[test]
fn a_chain_is_followed_some_steps_and_not_for_ever() {
    let door = Door::open();
    let mut authority = door.authority.intermediate("first");
    let leaf = authority.issue(&Wish::client("alice"));
    assert!(comes_in(&door, &leaf), "one intermediate");
    for depth in 2..12 {
        authority = authority.intermediate(&format!("step {depth}"));
    }
    let door_of_many = door;
    let deep = authority.issue(&Wish::client("alice"));
    assert!(!comes_in(&door_of_many, &deep));

    // Fifty authorities of one name, each signed by another of the same name: every order of them
    // is a path to try.
    let door = Door::open();
    let stranger = Authority::new("same");
    let mut above = Vec::new();
    let mut last = stranger.intermediate("same");
    for _ in 0..50 {
        last = last.intermediate("same");
        above.push(last.der.clone());
    }
    let bomb = Leaf {
        above,
        ..last.issue(&Wish::client("alice"))
    };
    let start = Instant::now();
    assert!(!comes_in(&door, &bomb));
    // The library gives up after so many signatures; unoptimised, that is some seconds.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    assert!(door.fake.served().is_empty());
}

// T: outlives-authority
#[test]
fn an_authority_that_has_ended_lets_nobody_in() {
    let now = OffsetDateTime::now_utc();
    let door = Door::open();
    let ended = Authority::until("ended", now - Duration::minutes(1));
    let leaf = ended.issue(&Wish::client("alice"));
    let trust = |text: &str| {
        std::fs::write(door.dir.path().join("ca.pem"), text).unwrap();
        door.handle.reload_tls().unwrap();
    };
    // Alone, and beside one that is good: then its clients come in, and only they.
    trust(&ended.pem);
    refused(&door, &leaf, "expired_certificate");
    trust(&format!("{}{}", ended.pem, door.authority.pem));
    assert!(!comes_in(&door, &leaf));
    let good = door.authority.issue(&Wish::client("bob"));
    assert!(comes_in(&door, &good));
}

#[test]
fn the_end_of_an_authority_ends_its_streams() {
    let door = Door::open();
    // Certificates count in whole seconds.
    let soon = OffsetDateTime::now_utc() + Duration::seconds(2);
    let ending = Authority::until("ending", soon);
    let leaf = ending.issue(&Wish::client("alice"));
    let both = format!("{}{}", ending.pem, door.authority.pem);
    std::fs::write(door.dir.path().join("ca.pem"), both).unwrap();
    door.handle.reload_tls().unwrap();
    let mut stream = TlsClient::connect(&door, Some(&leaf)).unwrap();
    stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.head();
    crate::door::eventually("the end", || (door.handle.recheck() > 0).then_some(()));
    stream.rest();
}

// T: crl-intermediate-revoked
#[test]
fn below_a_revoked_intermediate_nobody_comes_in_whether_it_is_sent_along_or_not() {
    let door = Door::open_with(Options {
        crl: true,
        ..Options::default()
    });
    let below = door.authority.intermediate("below");
    let next_week = OffsetDateTime::now_utc() + Duration::weeks(1);
    let put = |revoked: &[&[u8]]| {
        let folder = door.dir.path();
        let both = format!("{}{}", door.authority.pem, below.pem);
        std::fs::write(folder.join("ca.pem"), both).unwrap();
        let lists = [
            door.authority.revoke(revoked, next_week),
            below.revoke(&[], next_week),
        ];
        std::fs::write(folder.join("crl.pem"), lists.concat()).unwrap();
        door.handle.reload_tls().unwrap();
    };
    put(&[]);
    let whole = below.issue(&Wish::client("alice"));
    let bare = Leaf {
        above: Vec::new(),
        ..below.issue(&Wish::client("bob"))
    };
    assert!(comes_in(&door, &whole) && comes_in(&door, &bare));
    put(&[&below.serial]);
    assert!(!comes_in(&door, &whole));
    assert!(!comes_in(&door, &bare), "the intermediate was left out");
    assert_eq!(door.refused(), "revoked_certificate");
}

// T: duplicate-common-name, empty-common-name
#[test]
fn a_name_is_worth_what_the_issuer_of_the_binding_says() {
    let door = Door::open_with(Options {
        policy: Some(
            "[[bindings]]\nroles = [\"admin\"]\ncommon_name = \"alice\"\nissuer = \"CN=people\"\n",
        ),
        ..Options::default()
    });
    let (people, machines) = (
        door.authority.intermediate("people"),
        door.authority.intermediate("machines"),
    );
    let ask = |leaf: &Leaf| {
        let mut client = TlsClient::connect(&door, Some(leaf)).unwrap();
        client.get("/info").status
    };
    assert_eq!(ask(&people.issue(&Wish::client("alice"))), 200);
    assert_eq!(ask(&machines.issue(&Wish::client("alice"))), 403);
    for common_name in [None, Some(String::new())] {
        let nameless = Wish {
            common_name,
            ..Wish::client("")
        };
        assert_eq!(ask(&people.issue(&nameless)), 403);
    }
}

// T: hostile-names
#[test]
fn a_name_with_a_null_or_a_lookalike_is_another_name() {
    let door = Door::open_with(Options {
        policy: Some("[[bindings]]\nroles = [\"admin\"]\ncommon_name = \"alice\"\n"),
        ..Options::default()
    });
    let names = [
        "alice\0",
        "alice\0.evil",
        "alice\n",
        " alice",
        "Alice",
        "\u{202e}ecila",
        "alic\u{435}",
    ];
    for name in names {
        let leaf = door.authority.issue(&Wish::client(name));
        let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
        assert_eq!(client.get("/info").status, 403, "{name:?}");
    }
    let alternative = "dns\n{\"sequence\":1}\u{1b}[2J";
    let leaf = door.authority.issue(&Wish {
        names: vec![
            SanType::DnsName(alternative.try_into().unwrap()),
            SanType::URI("urn:\r\nx".try_into().unwrap()),
        ],
        ..Wish::client("mallory")
    });
    let mut client = TlsClient::connect(&door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/info").status, 403);
    let text = std::fs::read_to_string(door.dir.path().join("audit.log")).unwrap();
    let mut odd = text.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(odd.next(), None, "{text}");
    assert_eq!(text.lines().count(), door.audit().len());
}

// T: no-san
#[test]
fn a_client_needs_no_alternative_name() {
    let door = Door::open();
    let leaf = door.authority.issue(&Wish {
        names: Vec::new(),
        ..Wish::client("alice")
    });
    assert!(comes_in(&door, &leaf));
    let line = door.recorded(|line| line["event"] == "decision");
    assert_eq!(line["identity"]["common_name"], "alice");
}

/// What openssl makes of this, as a client that accepts every weakness of its own.
fn openssl(door: &Door, make: &str, options: &str) -> String {
    let folder = door.dir.path();
    std::fs::write(folder.join("ca-key.pem"), &door.authority.key_pem).unwrap();
    let script = format!(
        "set -e
         printf 'extendedKeyUsage=clientAuth\\n' > ext
         {make}
         printf 'GET /_ping HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' | \
         openssl s_client -quiet -ign_eof -connect {} -CAfile ca.pem {options} 2>&1 || true",
        door.address()
    );
    let ended = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}");
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

// T: rsa-1024, sha-1, version-1-certificate
#[test]
fn weak_and_ancient_certificates_are_refused() {
    let request = "openssl req -new -nodes -keyout k.pem -subj /CN=alice -out csr";
    let sign =
        "openssl x509 -req -in csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 9 -out c.pem";
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
    let weak = "-cipher DEFAULT@SECLEVEL=0 -cert c.pem -key k.pem";
    let make = format!("{request} {ec}; {sign} -extfile ext");
    let door = Door::open();
    let good = openssl(&door, &make, weak);
    assert!(
        good.contains("200 OK"),
        "the same way with nothing weak: {good}"
    );
    for (what, make) in [
        (
            "RSA-1024",
            format!("{request} -newkey rsa:1024; {sign} -extfile ext"),
        ),
        (
            "SHA-1",
            format!("{request} {ec}; {sign} -extfile ext -sha1"),
        ),
        (
            "version 1",
            format!(
                "{request} {ec}; {sign}; openssl x509 -in c.pem -noout -text | grep -q 'Version: 1'"
            ),
        ),
    ] {
        for tls12 in [false, true] {
            let door = Door::open_with(Options {
                tls12,
                ..Options::default()
            });
            let versions = if tls12 { "-no_tls1_3" } else { "" };
            let answer = openssl(&door, &make, &format!("{versions} {weak}"));
            assert!(!answer.contains("200 OK"), "{what}: {answer}");
            assert!(door.fake.served().is_empty());
            door.refused();
        }
    }
}

// T: tls-1.0, tls-1.2-only
#[test]
fn old_versions_are_refused_with_an_alert() {
    for (tls12, flags) in [
        (false, &["-tls1", "-tls1_1", "-tls1_2"][..]),
        (true, &["-tls1", "-tls1_1"]),
    ] {
        for flag in flags {
            let door = Door::open_with(Options {
                tls12,
                ..Options::default()
            });
            let options = format!("{flag} -cipher DEFAULT@SECLEVEL=0");
            let answer = openssl(&door, "", &options);
            // The oldest is told so in the words of its time.
            let alerts = ["alert protocol version", "alert handshake failure"];
            let told = alerts.iter().any(|alert| answer.contains(alert));
            assert!(told, "{flag}: {answer}");
            assert_eq!(door.refused(), "incompatible");
        }
    }
}
