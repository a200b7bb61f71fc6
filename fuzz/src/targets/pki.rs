//! What the authority and the door read of certificates, lists and invitations.

use std::path::Path;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lockgate_enroll::Token;
use lockgate_pki::{CertificateInfo, CertificateRequest, PrivateKey, RevocationList, Revocations};
use lockgate_types::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData as _, RevokedCertParams, SerialNumber,
    SigningKey as _,
};
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use crate::mutate::der::{self, Node, tagged};

/// An authority whose key the fuzzer has, so that what stands behind a signature is reached.
struct Signer {
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    der: CertificateDer<'static>,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let made = || -> Result<Signer, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let again = KeyPair::try_from(key.serialize_der().as_slice())?;
        let der = params.self_signed(&key)?.der().clone();
        Ok(Signer {
            issuer: Issuer::new(params, again),
            key,
            der,
        })
    };
    made().unwrap_or_else(|error| panic!("the fuzzer's own authority: {error}"))
});

/// ECDSA with SHA-256 on P-256, as an algorithm identifier.
const ALGORITHM: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// Puts a valid signature around a part.
fn signed(part: &[u8]) -> Vec<u8> {
    let Ok(signature) = SIGNER.key.sign(part) else {
        return Vec::new();
    };
    let bits = tagged(3, &[&[0], signature.as_slice()].concat());
    tagged(0x30, &[part, &ALGORITHM, &bits].concat())
}

/// The first element of a sequence, which is what is signed.
fn inside(der: &[u8]) -> Vec<u8> {
    let header = |der: &[u8]| match der.get(1) {
        Some(long @ 0x81..=0x84) => 2 + usize::from(long & 0x7f),
        _ => 2,
    };
    let rest = der.get(header(der)..).unwrap_or_default();
    let skip = header(rest);
    let length = rest.get(1..skip).unwrap_or_default();
    let long = if length.len() > 1 {
        &length[1..]
    } else {
        length
    };
    let length = long
        .iter()
        .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
    rest.get(..skip + length).unwrap_or(rest).to_vec()
}

/// The same request for the fuzzer's own key, whose signature is then the right one.
fn with_our_key(input: &[u8]) -> Option<Vec<u8>> {
    let mut nodes = der::parse(input, 4);
    // A whole request holds what is signed, an algorithm and a signature.
    if let [Node::Tree(0x30, parts)] = nodes.as_slice()
        && let [Node::Tree(0x30, _), Node::Tree(0x30, _), ..] = parts.as_slice()
    {
        nodes = parts.clone();
    }
    let Some(Node::Tree(0x30, parts)) = nodes.first_mut() else {
        return None;
    };
    let key = SIGNER.key.subject_public_key_info();
    *parts.get_mut(2)? = der::parse(&key, 0).pop()?;
    Some(signed(&der::encode(nodes.get(..1)?)))
}

pub(super) fn request(input: &[u8]) -> String {
    let whole = [
        Some(input.to_vec()),
        Some(signed(input)),
        with_our_key(input),
    ];
    let told = whole.into_iter().flatten().map(|request| {
        let read = CertificateRequest::from_der(&request);
        // The kind of its key, in letters.
        let kind = |octet: &u8| [octet >> 4, octet & 15].map(|half| char::from(b'a' + half));
        read.map(|request| {
            let key = request.key().as_der().iter().take(24);
            key.flat_map(kind).collect::<String>()
        })
    });
    format!("{:?}", told.collect::<Vec<_>>())
}

pub(super) fn requests() -> Vec<Vec<u8>> {
    let keys = [
        lockgate_pki::KeyType::EcdsaP256,
        lockgate_pki::KeyType::Ed25519,
    ];
    let ours = keys
        .iter()
        .filter_map(|kind| PrivateKey::generate(*kind).ok()?.request().ok());
    let mut all: Vec<_> = ours.flat_map(|der| [inside(&der), der]).collect();
    // Made by openssl: all kinds of keys, attributes and extensions.
    let openssl = OPENSSL.iter().map(|der| der.to_vec());
    all.extend(openssl.flat_map(|der| [inside(&der), der]));
    let mut with_names = CertificateParams::new(vec!["a.example".to_owned()]).unwrap_or_default();
    with_names
        .distinguished_name
        .push(DnType::CommonName, "eve");
    let mut extended = with_names.clone();
    extended.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    for params in [with_names, extended] {
        if let Ok(request) = params.serialize_request(&SIGNER.key) {
            all.extend([inside(request.der()), request.der().to_vec()]);
        }
    }
    all
}

const OPENSSL: [&[u8]; 7] = [
    include_bytes!("../../seeds/csr/ed25519.der"),
    include_bytes!("../../seeds/csr/p256.der"),
    include_bytes!("../../seeds/csr/p384.der"),
    include_bytes!("../../seeds/csr/pss.der"),
    include_bytes!("../../seeds/csr/rsa1024.der"),
    include_bytes!("../../seeds/csr/rsa2048.der"),
    include_bytes!("../../seeds/csr/secp256k1.der"),
];

pub(super) fn list(input: &[u8]) -> String {
    let trusted = std::slice::from_ref(&SIGNER.der);
    let now = Timestamp::now();
    let bare = RevocationList::from_der(input, trusted, now);
    let behind = RevocationList::from_der(&signed(input), trusted, now);
    let text = Revocations::parse(input, Path::new("x"), trusted, 60, now);
    if let Ok(list) = &behind {
        assert!(
            list.len() * 20 <= input.len() * 2 + 20,
            "more entries than fit"
        );
    }
    format!("{bare:?} {behind:?} {:?}", text.err())
}

pub(super) fn lists() -> Vec<Vec<u8>> {
    let now = OffsetDateTime::now_utc();
    let entry = |number: u64| RevokedCertParams {
        serial_number: SerialNumber::from(number),
        revocation_time: now,
        reason_code: (number.is_multiple_of(2)).then_some(rcgen::RevocationReason::KeyCompromise),
        invalidity_date: (number.is_multiple_of(3)).then_some(now),
    };
    let list = |count: u64| CertificateRevocationListParams {
        this_update: now - Duration::days(1),
        next_update: now + Duration::days(7),
        crl_number: SerialNumber::from(count),
        issuing_distribution_point: None,
        revoked_certs: (0..count).map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let lists = [0, 1, 9]
        .into_iter()
        .filter_map(|count| list(count).signed_by(&SIGNER.issuer).ok());
    lists
        .flat_map(|list| {
            let pem = list.pem().unwrap_or_default().into_bytes();
            [inside(list.der()), list.der().to_vec(), pem]
        })
        .collect()
}

pub(super) const PEM_WORDS: &[&str] = &[
    "-----BEGIN ",
    "-----END ",
    "CERTIFICATE-----\n",
    "PRIVATE KEY-----\n",
    "EC PRIVATE KEY-----\n",
    "RSA PRIVATE KEY-----\n",
    "ENCRYPTED PRIVATE KEY-----\n",
    "X509 CRL-----\n",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n",
];

pub(super) fn pem(input: &[u8]) -> String {
    let origin = Path::new("x.pem");
    let info = CertificateInfo::from_pem(input, origin);
    let all = lockgate_pki::certificates_in(input, origin);
    let key = PrivateKey::from_pem(input, origin, None);
    if let Ok(key) = &key {
        let text = key.to_pem();
        let again = PrivateKey::from_pem(text.expose().as_bytes(), origin, None);
        let same = again.is_ok_and(|again| again.public_key() == key.public_key());
        assert!(same, "a key is not what it was written as");
    }
    let der = CertificateInfo::from_der(input);
    format!(
        "{:?} {:?} {:?} {:?}",
        info.err(),
        all.map(|all| all.len()),
        key.err(),
        der.err()
    )
}

pub(super) fn pems() -> Vec<Vec<u8>> {
    let certificate = pem_of("CERTIFICATE", &SIGNER.der);
    let key = SIGNER.key.serialize_pem();
    vec![
        [certificate.as_str(), &certificate].concat().into_bytes(),
        [key.as_str(), &certificate].concat().into_bytes(),
        SIGNER.der.to_vec(),
        key.into_bytes(),
    ]
}

fn pem_of(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

pub(super) fn token(input: &[u8]) -> String {
    let bare = String::from_utf8_lossy(input).parse::<Token>();
    // The check sum is for typing errors: whoever forges a token makes it right.
    let sum = digest(&SHA256, input);
    let coded = URL_SAFE_NO_PAD.encode([input, sum.as_ref().get(..4).unwrap_or_default()].concat());
    let behind = format!("lgj1.{coded}").parse::<Token>();
    for token in [&bare, &behind].into_iter().flatten() {
        let again = token.to_string().parse::<Token>();
        assert_eq!(
            again.as_ref().ok(),
            Some(token),
            "a token is not what it was written as"
        );
        assert!(!token.set.contains('/'), "its set becomes a folder");
    }
    format!("{bare:?} {behind:?}")
}

pub(super) fn tokens() -> Vec<Vec<u8>> {
    let octets = URL_SAFE_NO_PAD.encode([7; 32]);
    ["server", "client-alice"]
        .into_iter()
        .map(|set| format!("192.0.2.1:2378|{octets}|{set}|0123abcd|{octets}|4000000000"))
        .chain(["[2001:db8::1]:1||||".to_owned(), "lgj1.".to_owned()])
        .map(String::into_bytes)
        .collect()
}
