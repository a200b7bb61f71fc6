//! A sealed text: JSON Web Encryption (RFC 7516, compact), `PBES2-HS512+A256KW` with `A256GCM` (RFC 7518).
//!
//! A standard form, so that a backup can be opened without this program, and one whose last octet is
//! authenticated before the first is used.

use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use lockgate_types::Secret;
use serde::{Deserialize, Serialize};

use super::BackupError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    p2s: String,
    p2c: u32,
}

pub(super) fn seal(plain: Vec<u8>, passphrase: &Secret<String>) -> Result<String, BackupError> {
    let (mut salt, mut content_key, mut nonce) = ([0; 16], [0; 32], [0; NONCE_LEN]);
    for random in [&mut salt[..], &mut content_key[..], &mut nonce[..]] {
        getrandom::fill(random).map_err(|_no_entropy| BackupError::Crypto)?;
    }
    let header = Header {
        alg: ALGORITHM.to_owned(),
        enc: CONTENT.to_owned(),
        p2s: BASE64.encode(salt),
        p2c: ROUNDS,
    };
    let header = serde_json::to_vec(&header).map_err(|_impossible| BackupError::Crypto)?;
    let header = BASE64.encode(header);
    let wrapping = derived(passphrase, &salt, ROUNDS)?;
    let mut wrapped = [0; 40];
    let wrapped = AesKek::new(&AES_256, &wrapping)
        .and_then(|key| key.wrap(&content_key, &mut wrapped))
        .map_err(|_unspecified| BackupError::Crypto)?;
    let mut content = plain;
    let key = content_cipher(&content_key)?;
    let aad = Aad::from(header.as_bytes());
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut content)
        .map_err(|_unspecified| BackupError::Crypto)?;
    let parts = [
        BASE64.encode(wrapped),
        BASE64.encode(nonce),
        BASE64.encode(content),
        BASE64.encode(tag),
    ];
    Ok(format!("{header}.{}\n", parts.join(".")))
}

pub(super) fn open(text: &str, passphrase: &Secret<String>) -> Result<Vec<u8>, BackupError> {
    let header = text.split('.').next().unwrap_or_default();
    let known: Header = BASE64
        .decode(header)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or(BackupError::NotABackup)?;
    let parts: Vec<&str> = text.trim_end().splitn(6, '.').skip(1).collect();
    let [wrapped, nonce, content, tag] = parts.as_slice() else {
        return Err(BackupError::Damaged);
    };
    let octets = |part: &str| {
        BASE64
            .decode(part)
            .map_err(|_no_base64| BackupError::Damaged)
    };
    if known.alg != ALGORITHM || known.enc != CONTENT || !(1..=ROUNDS_MAX).contains(&known.p2c) {
        return Err(BackupError::NotABackup);
    }
    let wrapping = derived(passphrase, &octets(&known.p2s)?, known.p2c)?;
    let mut content_key = [0; 32];
    let mut room = [0; 40];
    let wrapped = octets(wrapped)?;
    let unwrapped = AesKek::new(&AES_256, &wrapping)
        .and_then(|key| Ok(key.unwrap(&wrapped, &mut room)?.to_vec()))
        .map_err(|_unspecified| BackupError::Passphrase)?;
    if unwrapped.len() != content_key.len() {
        return Err(BackupError::NotABackup);
    }
    content_key.copy_from_slice(&unwrapped);
    let nonce: [u8; NONCE_LEN] = octets(nonce)?
        .try_into()
        .map_err(|_length| BackupError::NotABackup)?;
    let mut sealed = octets(content)?;
    sealed.extend(octets(tag)?);
    let key = content_cipher(&content_key)?;
    let aad = Aad::from(header.as_bytes());
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
        .map_err(|_unspecified| BackupError::Damaged)?
        .len();
    sealed.truncate(length);
    Ok(sealed)
}

/// The algorithm's name goes into the salt (RFC 7518, 4.8.1.1).
fn derived(passphrase: &Secret<String>, salt: &[u8], rounds: u32) -> Result<[u8; 32], BackupError> {
    let rounds = NonZeroU32::new(rounds).ok_or(BackupError::NotABackup)?;
    let salt = [ALGORITHM.as_bytes(), &[0], salt].concat();
    let mut key = [0; 32];
    let passphrase = passphrase.expose().as_bytes();
    pbkdf2::derive(PBKDF2_HMAC_SHA512, rounds, &salt, passphrase, &mut key);
    Ok(key)
}

fn content_cipher(key: &[u8; 32]) -> Result<LessSafeKey, BackupError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_unspecified| BackupError::Crypto)?;
    Ok(LessSafeKey::new(key))
}

const ALGORITHM: &str = "PBES2-HS512+A256KW";
const CONTENT: &str = "A256GCM";
/// As many as for the key of an authority; RFC 8018 asks for as many as one can bear.
const ROUNDS: u32 = 600_000;
/// A file must not keep us busy for hours.
const ROUNDS_MAX: u32 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn what_was_sealed_opens_with_its_passphrase_alone() {
        let sealed = seal(b"plain".to_vec(), &secret("right")).unwrap();
        assert_eq!(open(&sealed, &secret("right")).unwrap(), b"plain");
        let wrong = open(&sealed, &secret("wrong")).unwrap_err();
        assert!(matches!(wrong, BackupError::Passphrase), "{wrong}");
        assert!(!sealed.contains("plain"));
    }

    #[test]
    fn every_changed_part_is_noticed() {
        let sealed = seal(b"plain plain".to_vec(), &secret("right")).unwrap();
        let dots: Vec<usize> = sealed.match_indices('.').map(|(at, _)| at).collect();
        for at in [2, dots[0] + 3, dots[1] + 3, dots[2] + 3, dots[3] + 3] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            drop(open(&changed, &secret("right")).unwrap_err());
        }
        for bad in ["", "a.b", "a.b.c.d.e", &sealed[..sealed.len() / 2]] {
            drop(open(bad, &secret("right")).unwrap_err());
        }
    }
}
