//! New lists. rcgen drafts, for a nameless issuer; the name is put in before it is signed, as with
//! certificates (docs/adr/0007-authority.md).

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};

use super::der::{Reader, SEQUENCE};
use crate::authority::{nameless_issuer, tlv};
use crate::clock::{DAY, date};

/// What a list is to say.
pub(crate) struct NewList<'a> {
    /// The authority's name in DER.
    pub(crate) issuer: &'a [u8],
    /// The identifier of its key.
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) number: u64,
    pub(crate) now: i64,
    pub(crate) days: u32,
    pub(crate) revoked: Vec<RevokedCertParams>,
}

/// Signs a list; `None` if the library's draft is not what it should be.
pub(crate) fn sign(list: NewList<'_>, signer: &KeyPair) -> Result<Option<Vec<u8>>, rcgen::Error> {
    let key_id = match list.key_id {
        Some(id) => KeyIdMethod::PreSpecified(id),
        None => KeyIdMethod::Sha256,
    };
    let parameters = CertificateRevocationListParams {
        this_update: date(list.now),
        next_update: date(list.now + i64::from(list.days) * DAY),
        crl_number: SerialNumber::from(list.number),
        issuing_distribution_point: None,
        revoked_certs: list.revoked,
        key_identifier_method: key_id,
    };
    let draft = nameless_issuer(None, signer, |issuer| parameters.signed_by(issuer))?;
    let Some((body, algorithm)) = rename(draft.der(), list.issuer) else {
        return Ok(None);
    };
    let signature = rcgen::SigningKey::sign(signer, &body)?;
    let signature = tlv(super::der::BIT_STRING, &[&[0], &signature]);
    Ok(Some(tlv(SEQUENCE, &[&body, algorithm, &signature])))
}

/// The part to be signed with its issuer replaced, and the algorithm that follows it.
fn rename<'a>(draft: &'a [u8], issuer: &[u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let mut outer = Reader::new(draft).next_if(SEQUENCE)?.reader();
    let mut body = outer.next_if(SEQUENCE)?.reader();
    let algorithm = outer.next_if(SEQUENCE)?;
    let version = body.next()?;
    let inner = body.next_if(SEQUENCE)?;
    body.next_if(SEQUENCE)?;
    let parts = [version.whole, inner.whole, issuer, body.rest()];
    Some((tlv(SEQUENCE, &parts), algorithm.whole))
}

/// How long a list is good: a daemon that is cut off for a week still knows whom to refuse.
pub const CRL_DAYS_DEFAULT: u32 = 7;
/// The longest life of a list.
pub const CRL_DAYS_MAX: u32 = 397;
