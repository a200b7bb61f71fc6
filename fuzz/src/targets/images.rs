//! Archives, names of images, and questions of containers.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use ::tar::EntryType;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, Record, RecordType};
use lockgate_net::dns::{self, Names};
use lockgate_store::{Store, UnpackOptions, unpack_tree};
use lockgate_types::ImageRef;

pub(super) fn reference(input: &[u8]) -> String {
    let parsed = ImageRef::parse(&String::from_utf8_lossy(input));
    if let Ok(name) = &parsed {
        let again = ImageRef::parse(&name.to_string());
        assert_eq!(
            again.as_ref().ok(),
            Some(name),
            "a name is not what it was written as"
        );
        let text = name.to_string();
        assert!(
            !text.contains("..") || !text.contains("/../"),
            "a name that climbs"
        );
    }
    format!("{parsed:?}")
}

pub(super) fn references() -> Vec<Vec<u8>> {
    let digest = format!("a/b@sha256:{}", "0a".repeat(32));
    [
        "busybox",
        "busybox:1.36",
        "registry.example:5000/a/b-c_d.e:tag",
        "[::1]:5000/a",
        "localhost/a",
        &digest,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Makes the check sums of all headers right, or nothing behind a changed one would be reached.
fn repaired(input: &[u8]) -> Vec<u8> {
    let mut archive = input.to_vec();
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + 512) {
        if header.iter().any(|octet| *octet != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|octet| u32::from(*octet)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits = header[124..136]
            .iter()
            .filter(|octet| octet.is_ascii_digit());
        let size = digits.fold(0_usize, |size, digit| {
            size.wrapping_mul(8) + usize::from(digit - b'0')
        });
        at = at.saturating_add(512 + size.min(1 << 20).next_multiple_of(512));
    }
    archive
}

pub(super) fn tar(input: &[u8]) -> String {
    let around = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let place = around.path().join("place");
    let canary = around.path().join("canary");
    let made = fs::create_dir(&place).and_then(|()| fs::write(&canary, "alive"));
    made.unwrap_or_else(|error| panic!("{error}"));
    let mut answers = Vec::new();
    for archive in [input, &repaired(input)] {
        let handle: OwnedFd = File::open(&place)
            .unwrap_or_else(|error| panic!("{error}"))
            .into();
        let done = unpack_tree(&handle, archive, &UnpackOptions::default());
        answers.push(format!("{:?}", done.err()));
    }
    assert_eq!(
        fs::read(&canary).unwrap_or_default(),
        b"alive",
        "an archive left its folder"
    );
    assert_eq!(
        fs::read_dir(around.path()).map_or(0, Iterator::count),
        2,
        "an archive left its folder"
    );
    answers.concat()
}

pub(super) fn tars() -> Vec<Vec<u8>> {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut put = |name: &str, kind: EntryType, link: &str, data: &[u8]| {
        let mut header = ::tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        let named = header.set_path(name).and_then(|()| match link {
            "" => Ok(()),
            link => header.set_link_name(link),
        });
        header.set_cksum();
        named.and_then(|()| builder.append(&header, data))
    };
    let put_all = put("d/", EntryType::Directory, "", b"")
        .and_then(|()| put("d/a", EntryType::Regular, "", b"some text"))
        .and_then(|()| put("d/link", EntryType::Symlink, "../x", b""))
        .and_then(|()| put("hard", EntryType::Link, "d/a", b""))
        .and_then(|()| {
            put(
                "pax",
                EntryType::XHeader,
                "",
                b"28 SCHILY.xattr.user.a=some\n12 path=b/c\n",
            )
        })
        .and_then(|()| put("after", EntryType::Regular, "", &[7; 700]))
        .and_then(|()| put("fifo", EntryType::Fifo, "", b""));
    put_all.unwrap_or_else(|error| panic!("{error}"));
    let archive = builder.into_inner().unwrap_or_default();
    vec![archive[..512].to_vec(), archive]
}

pub(super) fn load(input: &[u8]) -> String {
    let place = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let store = Store::open(place.path()).unwrap_or_else(|error| panic!("{error}"));
    let archive = repaired(input);
    let loaded = store.load(archive.as_slice(), &mut |_| {});
    match &loaded {
        Ok(loaded) => assert!(
            !store.images().is_empty() || loaded.is_empty(),
            "loaded and not there"
        ),
        Err(_) => assert!(store.images().is_empty(), "refused and there all the same"),
    }
    format!("{:?}", loaded.map(|loaded| loaded.len()))
}

pub(super) fn loads() -> Vec<Vec<u8>> {
    let layer = tars().pop().unwrap_or_default();
    let mut builder = ::tar::Builder::new(Vec::new());
    let config = br#"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}"#;
    let manifest = br#"[{"Config":"c.json","RepoTags":["x:1"],"Layers":["l/layer.tar"]}]"#;
    for (name, data) in [
        ("l/layer.tar", layer.as_slice()),
        ("c.json", config),
        ("manifest.json", manifest),
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", br#"{"schemaVersion":2,"manifests":[]}"#),
    ] {
        let mut header = ::tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        let put = header.set_path(name);
        header.set_cksum();
        let put = put.and_then(|()| builder.append(&header, data));
        put.unwrap_or_else(|error| panic!("{error}"));
    }
    vec![builder.into_inner().unwrap_or_default()]
}

/// Two containers that know each other.
struct Two;

impl Names for Two {
    fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
        (name == "web").then(|| vec![[10, 0, 0, 2].into(), [10, 0, 0, 3].into()])
    }

    fn name_of(&self, address: Ipv4Addr) -> Option<String> {
        (address == Ipv4Addr::new(10, 0, 0, 2)).then(|| "web.net".to_owned())
    }
}

pub(super) fn dns(input: &[u8]) -> String {
    let verdict = dns::judge(input, &Two);
    if let Some(dns::Verdict::Answer(answer)) = &verdict {
        assert_eq!(
            answer.get(..2),
            input.get(..2),
            "an answer to another question"
        );
        // One question in, a bounded answer out: nobody's traffic is multiplied with us.
        assert!(
            answer.len() < input.len() + 512,
            "an answer much longer than its question"
        );
    }
    let failure = dns::failure(input);
    let cut = dns::truncated(input);
    let code = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .and_then(|bytes| bytes.get(2..4).map(<[u8]>::to_vec))
    };
    let verdict = match &verdict {
        Some(dns::Verdict::Answer(answer)) => format!(
            "{:?}",
            answer.get(2..4).map(|flags| flags
                .iter()
                .map(|octet| char::from(b'a' + octet % 16))
                .collect::<String>())
        ),
        other => format!("{other:?}"),
    };
    // Which part of it reads, and as what.
    let read = Message::from_vec(input).map(|message| {
        let kinds = |records: &[Record]| -> Vec<RecordType> {
            records.iter().map(Record::record_type).collect()
        };
        let questions = message.queries.iter().map(Query::query_type);
        format!(
            "{:?} {:?} {:?} {:?}",
            questions.collect::<Vec<_>>(),
            kinds(&message.answers),
            kinds(&message.authorities),
            message.edns.is_some()
        )
    });
    format!(
        "{verdict} {read:?} {:?} {:?}",
        code(&failure).is_some(),
        code(&cut).is_some()
    )
}

pub(super) fn questions() -> Vec<Vec<u8>> {
    let kinds = [
        ("web.", RecordType::A),
        ("WEB", RecordType::AAAA),
        ("web.", RecordType::ANY),
        ("2.0.0.10.in-addr.arpa.", RecordType::PTR),
        ("300.0.0.10.in-addr.arpa.", RecordType::PTR),
        ("x.example.", RecordType::TXT),
    ];
    let plain = kinds.into_iter().filter_map(|(name, kind)| {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).ok()?, kind));
        message.to_vec().ok()
    });
    let mut all: Vec<Vec<u8>> = plain.collect();
    // As resolvers send them today: with EDNS and a cookie.
    let edns = b"\0\x07\x01\x20\0\x01\0\0\0\0\0\x01\x03web\0\0\x01\0\x01\
        \0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08";
    // Two questions, the second of which points at the first; a name that points at itself.
    let pointer = b"\0\x07\x01\0\0\x02\0\0\0\0\0\0\x03web\0\0\x01\0\x01\xc0\x0c\0\x1c\0\x01";
    let circle = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
    // An answer of several kinds, as `truncated` gets it.
    let answer = b"\0\x07\x81\x80\0\x01\0\x03\0\0\0\0\x03web\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01a\xc0\x10\
        \xc0\x29\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x02\
        \xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x05\x04text";
    all.extend([&edns[..], pointer, circle, answer].map(<[u8]>::to_vec));
    all
}
