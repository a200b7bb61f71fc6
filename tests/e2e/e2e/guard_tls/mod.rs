//! The guard before a daemon over TLS that is not, or is no longer, who it should be.

mod authority;
mod behind;

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::{ServerConnection, StreamOwned};

use authority::{Authority, Leaf};
use behind::{Behind, furnish};

#[test]
fn a_daemons_renewed_certificate_and_the_doors_own_are_used_at_once() {
    let old = Authority::new("old");
    let behind = Behind::believing(&old, &[]);
    behind.with(old.serves(&old.server())).works();
    // Another key and certificate of the same authority: nothing has to be told.
    behind.with(old.serves(&old.server())).works();
    // A new authority: not before the door knows it, and then without a restart.
    let new = Authority::new("new");
    behind.with(new.serves(&new.server()));
    behind.refused("certificate");
    furnish(behind.files.path(), &new, "door");
    behind.works();
    behind.reload();
    behind.works();
    // Half a replacement is no silent use of the old one.
    fs::write(behind.files.path().join("ca.pem"), "").unwrap();
    behind.refused("ca.pem");
    furnish(behind.files.path(), &new, "door");
    fs::remove_file(behind.files.path().join("key.pem")).unwrap();
    behind.refused("key.pem");
    furnish(behind.files.path(), &new, "door");
    behind.works();
    // The daemon asks for a certificate of its own authority.
    furnish(behind.files.path(), &old, "door");
    fs::write(behind.files.path().join("ca.pem"), &new.certificate).unwrap();
    let answer = behind.list();
    assert_eq!(answer.status, 502, "{}", answer.text());
}

#[test]
fn a_daemon_whose_certificate_is_not_good_is_asked_nothing() {
    let ours = Authority::new("ours");
    let behind = Behind::believing(&ours, &[]);
    let other = Authority::new("ours");
    for (leaf, signer, why) in [
        (ours.signed(Leaf::Expired), &ours, "xpired"),
        (ours.signed(Leaf::NotYet), &ours, "valid yet"),
        (ours.signed(Leaf::OtherName), &ours, "not valid for name"),
        (ours.signed(Leaf::NoName), &ours, "not valid for name"),
        (ours.signed(Leaf::OfAClient), &ours, "certificate"),
        (other.server(), &other, "certificate"),
        (Authority::itself(), &ours, "certificate"),
    ] {
        behind.with(signer.serves(&leaf)).refused(why);
    }
    behind.with(ours.serves(&ours.server())).works();
}

#[test]
fn a_revoked_certificate_is_refused_by_the_lists_that_the_door_was_given() {
    let ours = Authority::new("ours");
    let (good, bad) = (ours.server(), ours.server());
    let behind = Behind::believing(&ours, &[]);
    behind.with(ours.serves(&bad)).works();
    drop(behind);
    let list = tempfile::NamedTempFile::new().unwrap();
    fs::write(&list, ours.revoking(&[], 7)).unwrap();
    let arg = format!("--guard-tls-crl={}", list.path().display());
    let behind = Behind::believing(&ours, &[&arg]);
    behind.with(ours.serves(&bad)).works();
    fs::write(&list, ours.revoking(&[&bad], 7)).unwrap();
    behind.refused("evoked");
    behind.with(ours.serves(&good)).works();
    // A list that has ended, or is somebody else's, says nothing.
    fs::write(&list, ours.revoking(&[], -1)).unwrap();
    behind.refused("certificate");
    fs::write(&list, Authority::new("ours").revoking(&[], 7)).unwrap();
    behind.refused("certificate");
    fs::write(&list, "no list").unwrap();
    behind.refused(&list.path().display().to_string());
}

#[test]
fn tls_1_2_is_spoken_and_nothing_older() {
    let ours = Authority::new("ours");
    let behind = Behind::believing(&ours, &[]);
    behind.with(ours.serves_by(&ours.server(), &[&rustls::version::TLS12]));
    assert_eq!(behind.list().text(), "TLSv1_2 1");
    behind.with(ours.serves_by(&ours.server(), &[&rustls::version::TLS13]));
    assert_eq!(behind.list().text(), "TLSv1_3 1");
    // What a server says that knows nothing newer than TLS 1.1: alert 70, protocol_version.
    behind.by(|mut stream| {
        drop(stream.read(&mut [0; 8192]));
        drop(stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46"));
    });
    behind.refused("ProtocolVersion");
    // And one that goes on with TLS 1.1: ServerHello with that version.
    behind.by(|mut stream| {
        drop(stream.read(&mut [0; 8192]));
        let mut hello = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02".to_vec();
        hello.extend([7; 32]);
        hello.extend(b"\x00\xc0\x14\x00");
        drop(stream.write_all(&hello));
        drop(stream.read(&mut [0; 8192]));
    });
    behind.refused("");
}

#[test]
fn what_speaks_no_tls_is_told_so() {
    let ours = Authority::new("ours");
    let behind = Behind::believing(&ours, &[]);
    // What Go's server says to a handshake, and what a plain one does.
    behind.by(|mut stream| {
        drop(stream.read(&mut [0; 8192]));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request"));
        drop(stream.read(&mut [0; 8192]));
    });
    behind.refused("no TLS");
    behind.by(drop);
    behind.refused("");
    behind.with(ours.serves(&ours.server())).works();
}

#[test]
fn a_handshake_that_stops_is_given_up() {
    let ours = Authority::new("ours");
    let behind = Behind::believing(&ours, &[]);
    // Half a record, and the end.
    behind.by(|mut stream| {
        drop(stream.read(&mut [0; 8192]));
        drop(stream.write_all(b"\x16\x03\x03\x00\x7a\x02\x00"));
    });
    behind.refused("handshake");
    // Half a record, and nothing more: both sides wait, and one of them not for ever.
    behind.by(|mut stream| {
        drop(stream.write_all(b"\x16\x03\x03\x00\x7a\x02\x00"));
        drop(stream.read_to_end(&mut Vec::new()));
    });
    behind.refused("10 seconds");
    behind.with(ours.serves(&ours.server())).works();
}

// T: response-smuggling
#[test]
fn an_answer_that_somebody_on_the_way_cuts_off_has_no_end() {
    let ours = Authority::new("ours");
    let behind = Behind::believing(&ours, &[]);
    let config = Arc::new(ours.serves(&ours.server()));
    behind.by(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        drop(stream.read(&mut [0; 8192]));
        // Its length is told by the end of the connection alone; TLS does not say that there is an end.
        drop(stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhalf of it"));
        drop(stream.flush());
    });
    let mut socket = std::os::unix::net::UnixStream::connect(behind.door.socket()).unwrap();
    socket
        .write_all(
            b"GET /containers/x/logs?stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    assert!(!said.ends_with("\r\n0\r\n\r\n"), "{said}");
    assert!(
        said.contains("half of it") || said.contains(" 502 "),
        "{said}"
    );
}
