//! First messages of TLS, byte by byte.

/// A warning alert: close_notify.
pub(super) const CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];

const RSA_AES_128: [u8; 2] = [0xc0, 0x13];
const TLS13_AES_128: [u8; 2] = [0x13, 0x01];

/// A ClientHello of TLS 1.0, by a client that knows nothing newer.
pub(super) fn old() -> Vec<u8> {
    record(1, &message([3, 1], RSA_AES_128, &[]))
}

/// One of TLS 1.3 without a key share: complete, and not enough.
pub(super) fn modern() -> Vec<u8> {
    // supported_versions: 1.3
    record(3, &message([3, 3], TLS13_AES_128, &[0, 43, 0, 3, 2, 3, 4]))
}

/// The same in records of one byte, with an empty one after the first.
pub(super) fn fragments() -> Vec<u8> {
    let whole = message([3, 3], TLS13_AES_128, &[0, 43, 0, 3, 2, 3, 4]);
    let mut bytes = Vec::new();
    for (index, byte) in whole.iter().enumerate() {
        bytes.extend(record(3, &[*byte]));
        if index == 0 {
            bytes.extend(record(3, &[]));
        }
    }
    bytes
}

fn record(minor: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![22, 3, minor];
    bytes.extend(short(content.len()));
    bytes.extend(content);
    bytes
}

fn message(version: [u8; 2], cipher: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    // No session, one cipher, no compression.
    body.extend([0, 0, 2]);
    body.extend(cipher);
    body.extend([1, 0]);
    body.extend(short(extensions.len()));
    body.extend(extensions);
    let mut bytes = vec![1, 0];
    bytes.extend(short(body.len()));
    bytes.extend(body);
    bytes
}

/// Lengths here are far below 64 KiB.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}
