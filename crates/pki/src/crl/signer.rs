//! Who may have signed a list: an authority that is trusted, or one that it certified.
//!
//! The certificate of an intermediate authority lies in the same file as its list: a daemon whose own chain
//! goes another way could not know it otherwise.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use webpki::ALL_VERIFICATION_ALGS;

use super::CrlError;
use super::der::{BIT_STRING, Reader, SEQUENCE};

/// What was signed, how, and the signature.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) content: &'a [u8],
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl Signed<'_> {
    /// Whether the key (SubjectPublicKeyInfo) signed it.
    pub(super) fn is_by(&self, key: &[u8]) -> bool {
        let mut key = match Reader::new(key).next_if(SEQUENCE) {
            Some(key) => key.reader(),
            None => return false,
        };
        let (Some(kind), Some(bits)) = (key.next_if(SEQUENCE), key.next_if(BIT_STRING)) else {
            return false;
        };
        let Some(bits) = bits.content.strip_prefix(&[0]) else {
            return false;
        };
        ALL_VERIFICATION_ALGS.iter().any(|algorithm| {
            algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.public_key_alg_id().as_ref() == kind.content
                && algorithm
                    .verify_signature(bits, self.content, self.signature)
                    .is_ok()
        })
    }
}

/// The authorities that are trusted, and those in `text` that one of them certified.
pub(super) fn all(
    text: &[u8],
    trusted: &[CertificateDer<'_>],
) -> Result<Vec<CertificateDer<'static>>, CrlError> {
    let mut signers: Vec<_> = trusted.iter().map(|der| der.clone().into_owned()).collect();
    for der in CertificateDer::pem_slice_iter(text) {
        let der = der.map_err(|_half_written| CrlError::Malformed)?;
        if trusted.iter().any(|root| certifies(root, &der)) {
            signers.push(der);
        }
    }
    Ok(signers)
}

/// Whether `root` made an authority of the owner of `der`.
pub(crate) fn certifies(root: &[u8], der: &[u8]) -> bool {
    let parsed = x509_parser::parse_x509_certificate(der);
    parsed.is_ok_and(|(_, x509)| x509.is_ca()) && signed(root, der)
}

/// Whether `root` signed `der`.
pub(crate) fn signed(root: &[u8], der: &[u8]) -> bool {
    let parsed = x509_parser::parse_x509_certificate(root)
        .ok()
        .zip(x509_parser::parse_x509_certificate(der).ok());
    let Some(((_, root), (rest, x509))) = parsed else {
        return false;
    };
    let Some(parts) = parts(der) else {
        return false;
    };
    rest.is_empty()
        && x509.issuer().as_raw() == root.subject().as_raw()
        && parts.is_by(root.public_key().raw)
}

fn parts(der: &[u8]) -> Option<Signed<'_>> {
    let mut outer = Reader::new(der).next_if(SEQUENCE)?.reader();
    let content = outer.next_if(SEQUENCE)?.whole;
    let algorithm = outer.next_if(SEQUENCE)?.content;
    let signature = outer.next_if(BIT_STRING)?.content.strip_prefix(&[0])?;
    outer.is_empty().then_some(Signed {
        content,
        algorithm,
        signature,
    })
}
