//! What long revocation lists cost: at their reload, in memory, and at every handshake.

use std::path::Path;
use std::time::{Duration, Instant};

use lockgate_pki::{Revocations, Standing};
use lockgate_types::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SigningKey as _,
};
use rustls_pki_types::CertificateDer;

use crate::handshake::{client_config, server_config, shake};
use crate::support::{authority, client, server};

/// An authority with a list of that many entries, in DER. Written by hand: a library that holds
/// each entry as an object takes longer to write it than we to read it.
fn list_of(entries: u32) -> (CertificateDer<'static>, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().der().clone();
    let (_, x509) = x509_parser::parse_x509_certificate(&authority).unwrap();
    let name = x509.subject().as_raw().to_vec();
    let time = |text: &[u8]| tagged(0x17, text);
    let serial = tagged(2, &serial(0));
    let entry = tagged(0x30, &[serial, time(b"260101000000Z")].concat());
    let mut all = entry.repeat(entries as usize);
    for (number, entry) in (0_u32..).zip(all.chunks_exact_mut(entry.len())) {
        entry[20..24].copy_from_slice(&number.to_be_bytes());
    }
    let algorithm = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let number = [0x30, 10, 6, 3, 0x55, 0x1d, 0x14, 4, 3, 2, 1, 7];
    let parts = [
        &[2, 1, 1][..],
        &algorithm,
        &name,
        &time(b"260101000000Z"),
        &time(b"491231000000Z"),
        &tagged(0x30, &all),
        &tagged(0xa0, &tagged(0x30, &number)),
    ];
    let signed = tagged(0x30, &parts.concat());
    let signature = key.sign(&signed).unwrap();
    let bits = tagged(3, &[&[0], signature.as_slice()].concat());
    let list = tagged(0x30, &[signed.as_slice(), &algorithm, &bits].concat());
    (authority, list)
}

/// Twenty octets, the longest that is allowed.
fn serial(number: u32) -> Vec<u8> {
    [&[0x40; 16], number.to_be_bytes().as_slice()].concat()
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let zeros = length
        .iter()
        .take_while(|octet| **octet == 0)
        .count()
        .min(3);
    let length = &length[zeros..];
    let many = 0x80 | u8::try_from(length.len()).unwrap();
    let is_short = length.len() == 1 && length[0] < 128;
    let header = if is_short { vec![tag] } else { vec![tag, many] };
    [header.as_slice(), length, content].concat()
}

/// Memory of this process in KiB: now, or the most that it ever was.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

struct Cost {
    file: usize,
    load: Duration,
    /// KiB more than before, with the file itself let go.
    kept: u64,
    /// KiB more than before at the worst moment, the file included.
    most: u64,
    lookup: Duration,
}

fn cost(entries: u32) -> Cost {
    let (authority, list) = list_of(entries);
    let file = list.len();
    let (_, x509) = x509_parser::parse_x509_certificate(&authority).unwrap();
    let issuer = x509.subject().as_raw().to_vec();
    // What making the list took is not to be counted; the kernel forgets the highest on request.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    let start = Instant::now();
    let trusted = std::slice::from_ref(&authority);
    let lists = Revocations::parse(&list, Path::new("x"), trusted, 0, Timestamp::now()).unwrap();
    let load = start.elapsed();
    let (kept, most) = (memory("VmRSS"), memory("VmHWM"));
    assert_eq!(lists.lists()[0].len(), entries as usize);
    let now = Timestamp::now().unix_seconds();
    assert_eq!(lists.standing(&issuer, &serial(0), now), Standing::Revoked);
    let round = || {
        let start = Instant::now();
        for number in entries..entries + 1000 {
            let standing = lists.standing(&issuer, &serial(number), now);
            assert_eq!(standing, Standing::Good);
        }
        start.elapsed() / 1000
    };
    Cost {
        file,
        load,
        kept: kept.saturating_sub(before),
        most: most.saturating_sub(before) + file as u64 / 1024,
        // The best of some rounds: the others measure what else the machine does.
        lookup: (0..20).map(|_| round()).min().unwrap(),
    }
}

/// One mutual handshake, both sides of it, in memory.
fn handshake() -> Duration {
    let authority = authority();
    let (server, client) = (server(&authority), client(&authority, "alice"));
    let (client, server) = (
        client_config(&authority, &client),
        server_config(&authority, &server),
    );
    let round = || {
        let start = Instant::now();
        shake(client.clone(), server.clone(), "localhost").unwrap();
        start.elapsed()
    };
    (0..40).map(|_| round()).min().unwrap()
}

// T: crl-cost
#[test]
fn ten_thousand_revoked_certificates_cost_a_handshake_less_than_five_percent() {
    let (lookup, whole) = (cost(10_000).lookup, handshake());
    // Half of it is the client's work, which is not ours.
    let ours = whole / 2;
    assert!(lookup * 20 < ours, "{lookup:?} of {ours:?}");
}

// T: crl-cost
#[test]
fn a_million_entries_are_read_in_bounded_time_and_memory() {
    let cost = cost(1_000_000);
    assert!(cost.load < Duration::from_secs(20), "{:?}", cost.load);
    assert!(cost.kept < 24 * 1024, "{} KiB are kept", cost.kept);
    assert!(cost.most < 96 * 1024, "{} KiB at the most", cost.most);
}

/// The table of docs/benchmarks.md: `cargo xtask bench --lists`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn table_of_what_lists_cost() {
    let ours = handshake() / 2;
    println!("our half of a handshake: {ours:?}");
    for entries in [1_000, 10_000, 100_000, 1_000_000] {
        let cost = cost(entries);
        println!(
            "| {entries} | {:.2} | {:.1} | {:.1} | {:.1} | {:.2} | {:.3} % |",
            cost.file as f64 / 1_048_576.0,
            cost.load.as_secs_f64() * 1000.0,
            cost.kept as f64 / 1024.0,
            cost.most as f64 / 1024.0,
            cost.lookup.as_secs_f64() * 1e6,
            cost.lookup.as_secs_f64() / ours.as_secs_f64() * 100.0,
        );
    }
}
