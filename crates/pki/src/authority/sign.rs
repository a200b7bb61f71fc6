//! The signature itself: exactly the issuer's name, whatever openssl put into it.
//!
//! rcgen writes an issuer's name anew and knows neither repeated attributes (`DC=example, DC=org`)
//! nor several in one set. Peers compare names octet by octet, so the name is copied instead: rcgen
//! builds the certificate for a nameless issuer, and the name is put in before it is signed.

use rcgen::{
    CertificateParams, DistinguishedName, Issuer, KeyIdMethod, KeyPair, PublicKeyData,
    SerialNumber, SignatureAlgorithm, SigningKey, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use super::{Authority, IssueError};
use crate::certificate::key_identifier;
use crate::key::PublicKey;

pub(super) fn sign(
    authority: &Authority,
    parameters: &CertificateParams,
    key: &PublicKey,
) -> Result<CertificateDer<'static>, IssueError> {
    let signer = authority.key.pair();
    let subject_key = SubjectPublicKeyInfo::from_der(key.as_der())?;
    let key_id = key_identifier(&authority.certificate);
    let draft = nameless_issuer(key_id, signer, |issuer| {
        parameters.signed_by(&subject_key, issuer)
    })?;
    let signed = with_issuer(draft.der(), &authority.certificate, signer)?;
    signed
        .map(CertificateDer::from)
        .ok_or(IssueError::Signing(rcgen::Error::CouldNotParseCertificate))
}

/// Lets `draft` build something for an issuer without a name, whose signature is empty.
pub(crate) fn nameless_issuer<T>(
    key_id: Option<Vec<u8>>,
    signer: &KeyPair,
    draft: impl FnOnce(&Issuer<'_, Unsigned<'_>>) -> Result<T, rcgen::Error>,
) -> Result<T, rcgen::Error> {
    let mut nameless = CertificateParams::default();
    nameless.distinguished_name = DistinguishedName::new();
    if let Some(id) = key_id {
        nameless.key_identifier_method = KeyIdMethod::PreSpecified(id);
    }
    draft(&Issuer::from_params(&nameless, Unsigned(signer)))
}

/// 159 random bits in 20 octets, positive and without a leading zero.
pub(super) fn serial() -> Result<SerialNumber, rcgen::Error> {
    let mut octets = [0_u8; 20];
    getrandom::fill(&mut octets).map_err(|_unspecified| rcgen::Error::RingUnspecified)?;
    octets[0] = octets[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&octets))
}

/// Puts the subject of `issuer` into the nameless draft, and signs the result.
fn with_issuer(
    draft: &[u8],
    issuer: &[u8],
    signer: &KeyPair,
) -> Result<Option<Vec<u8>>, rcgen::Error> {
    let Some((body, algorithm)) = rename(draft, issuer) else {
        return Ok(None);
    };
    let signature = signer.sign(&body)?;
    // A bit string begins with the number of bits that its last octet does not use.
    let signature = tlv(BIT_STRING, &[&[0], signature.as_slice()]);
    Ok(Some(tlv(SEQUENCE, &[&body, &algorithm, &signature])))
}

/// The part to be signed with its issuer replaced, and the algorithm that follows it.
fn rename(draft: &[u8], issuer: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, issuer) = parse_x509_certificate(issuer).ok()?;
    let (_, parsed) = parse_x509_certificate(draft).ok()?;
    let body: &[u8] = parsed.tbs_certificate.as_ref();
    let nameless = parsed.tbs_certificate.issuer.as_raw();
    let content = content(body)?;
    let at = offset(content, nameless)?;
    let (before, rest) = content.split_at_checked(at)?;
    let after = rest.get(nameless.len()..)?;
    let renamed = tlv(SEQUENCE, &[before, issuer.subject().as_raw(), after]);
    let (_, tail) = draft.split_at_checked(offset(draft, body)? + body.len())?;
    let algorithm = tail.strip_suffix(EMPTY_SIGNATURE)?;
    Some((renamed, algorithm.to_vec()))
}

/// Where `part`, a slice of `whole`, begins.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize)
        .checked_sub(whole.as_ptr() as usize)
        .filter(|at| *at <= whole.len())
}

/// What a DER value holds, without its tag and length.
fn content(value: &[u8]) -> Option<&[u8]> {
    match *value.get(1)? {
        length @ 0x80.. => value.get(2 + usize::from(length & 0x7f)..),
        _ => value.get(2..),
    }
}

/// A DER value.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let octets = length.to_be_bytes();
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    let octets = octets.get(skip..).unwrap_or_default();
    let mut value = vec![tag];
    if length > 0x7f {
        // At most eight octets of length.
        value.push(0x80 | u8::try_from(octets.len()).unwrap_or(8));
    }
    value.extend_from_slice(if length == 0 { &[0] } else { octets });
    for part in parts {
        value.extend_from_slice(part);
    }
    value
}

/// Stands for the signer while the certificate is drafted, and signs nothing.
pub(crate) struct Unsigned<'a>(&'a KeyPair);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

/// How far certificates reach into the past, in seconds: clocks of peers go wrong by minutes.
pub(super) const BACKDATED: i64 = 300;
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// A bit string of no bits.
const EMPTY_SIGNATURE: &[u8] = &[BIT_STRING, 1, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_lengths_are_the_shortest() {
        assert_eq!(tlv(4, &[&[7; 3]]), [4, 3, 7, 7, 7]);
        assert_eq!(tlv(5, &[]), [5, 0]);
        assert_eq!(tlv(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(tlv(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[&[7; 200], &[7; 100]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(content(&tlv(4, &[&[7; 300]])).unwrap(), [7; 300]);
    }

    #[test]
    fn serials_have_twenty_octets_and_are_positive() {
        for _ in 0..200 {
            let serial = serial().unwrap().to_bytes();
            assert_eq!(serial.len(), 20);
            assert!((0x40..0x80).contains(&serial[0]));
        }
    }
}
