//! Many strangers at once, and clients that stop in the middle of a handshake.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_gate::Limits;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use crate::authority::{Authority, Wish};
use crate::door::{Door, Options, eventually};
use crate::raw::{Client, TlsClient, config};

/// A `ClientHello` as it stands in its record.
fn hello(door: &Door) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config(door, None)), name).unwrap();
    let mut bytes = Vec::new();
    tls.write_tls(&mut bytes).unwrap();
    bytes
}

fn still_serves(door: &Door) {
    let leaf = door.authority.issue(&Wish::client("alice"));
    let mut client = TlsClient::connect(door, Some(&leaf)).unwrap();
    assert_eq!(client.get("/_ping").status, 200);
}

/// The processor time of this process, in ticks of a hundredth of a second.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

// T: RUSTSEC-2024-0336
#[test]
fn a_goodbye_right_after_the_hello_ends_the_connection_and_burns_no_processor() {
    let door = Door::open();
    let mut hello = hello(&door);
    hello.extend([0x15, 3, 3, 0, 2, 1, 0]);
    // More of them than the door has threads.
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
            client.send(&hello);
            client
        })
        .collect();
    for mut client in clients {
        client.rest();
    }
    still_serves(&door);
    let before = ticks();
    // What loops does so while nobody talks.
    std::thread::sleep(Duration::from_millis(300));
    assert!(ticks() - before < 10, "{} ticks", ticks() - before);
    assert_eq!(door.refused(), "rejected_by_client");
}

// T: CVE-2024-11738
#[test]
fn a_hello_in_pieces_is_put_together_or_refused_and_never_a_panic() {
    let door = Door::open();
    let whole = hello(&door);
    let message = &whole[5..];
    for size in [1, 2, 3, 4, 5, 37, message.len() - 1] {
        let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
        let pieces: Vec<u8> = message
            .chunks(size)
            .flat_map(|piece| {
                let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
                [&[0x16, 3, 1][..], &length, piece].concat()
            })
            .collect();
        // A refusal may come before the last piece is sent.
        drop(client.io.write_all(&pieces));
        drop(client.io.shutdown(Shutdown::Write));
        client.rest();
    }
    // Cut off after each of its octets, and with each length field made wrong.
    for at in 0..whole.len().min(64) {
        let mut bent = whole.clone();
        bent[at] ^= 0xff;
        for bytes in [&whole[..at], &bent] {
            let mut client = Client::new(TcpStream::connect(door.address()).unwrap());
            drop(client.io.write_all(bytes));
            drop(client.io.shutdown(Shutdown::Write));
            client.rest();
        }
    }
    still_serves(&door);
    let audit = door.audit();
    assert!(
        audit.iter().all(|line| line["reason"] != "panic"),
        "{audit:?}"
    );
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

// T: half-open-handshakes, idle-before-handshake, slow-handshake
#[test]
fn ten_thousand_half_open_connections_cost_little_and_keep_nobody_out_for_long() {
    let door = Door::open_with(Options {
        limits: Limits {
            handshake: Duration::from_secs(2),
            per_address: 100_000,
            ..Limits::default()
        },
        ..Options::default()
    });
    let hello = hello(&door);
    let before = memory_kib();
    let start = Instant::now();
    let mut open = Vec::new();
    for number in 0..10_000_u32 {
        let mut socket = TcpStream::connect(door.address()).unwrap();
        // Some say hello, and nothing more.
        if number % 20 == 0 {
            drop(socket.write_all(&hello));
        }
        open.push(socket);
        if open.len() > 800 {
            // Beyond the cap they are closed by the door: nothing is gained by keeping them.
            open.drain(..400);
        }
        if number == 5_000 {
            assert_eq!(door.unix().get("/_ping").status, 200);
        }
    }
    let grown = memory_kib().saturating_sub(before);
    assert!(grown < 128 * 1024, "{grown} KiB more");
    eventually("a place", || {
        let leaf = door.authority.issue(&Wish::client("alice"));
        let mut client = TlsClient::connect(&door, Some(&leaf)).ok()?;
        client
            .io
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
            .ok()?;
        let count = client.io.read(&mut [0; 8]).ok()?;
        (count > 0).then_some(())
    });
    assert!(start.elapsed() < Duration::from_secs(30));
    // A stranger cannot fill the disk with refusals: so many a second and no more.
    let seconds = start.elapsed().as_secs() + 2;
    let lines = u64::try_from(door.audit().len()).unwrap();
    assert!(lines < 100 * seconds, "{lines} lines in {seconds} s");
}

// T: certificate-verify-flood
#[test]
fn strangers_who_go_through_the_whole_handshake_keep_nobody_out() {
    let door = Door::open();
    let stranger = Authority::new("test authority").issue(&Wish::client("eve"));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let config = Arc::new(config(&door, Some(&stranger)));
            let address = door.address();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let name = ServerName::try_from("localhost").unwrap();
                    let tls = ClientConnection::new(Arc::clone(&config), name).unwrap();
                    let socket = TcpStream::connect(address).unwrap();
                    let mut client = Client::new(rustls::StreamOwned::new(tls, socket));
                    drop(
                        client
                            .io
                            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"),
                    );
                    assert!(client.rest().is_empty());
                }
            })
        })
        .collect();
    still_serves(&door);
    for thread in threads {
        thread.join().unwrap();
    }
    still_serves(&door);
    let served = door.fake.served().len();
    assert_eq!(served, 2, "ours alone");
}
