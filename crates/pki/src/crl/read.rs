//! From DER to sorted serial numbers, believed or not.

use std::path::Path;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, GENERALIZED_TIME, INTEGER, OBJECT, OCTET_STRING, Reader,
    SEQUENCE, UTC_TIME, Value,
};
use super::signer::{self, Signed};
use super::{CrlError, RevocationList, Serial};
use crate::clock::timestamp;
use crate::key::reason;

/// Four million entries: beyond this, a file is no list but an attack on the memory.
const FILE_MAX: u64 = 256 << 20;
/// How far the clocks of peers go wrong, in seconds.
const SKEW: i64 = 300;

pub(super) fn file(path: &Path) -> Result<Vec<u8>, CrlError> {
    lockgate_sys::file::read_regular(path, FILE_MAX).map_err(|error| CrlError::Unreadable {
        file: path.to_owned(),
        reason: reason(&error),
    })
}

pub(super) fn all(
    text: &[u8],
    origin: &Path,
    authorities: &[CertificateDer<'_>],
    now: i64,
) -> Result<Vec<RevocationList>, CrlError> {
    if text.first() == Some(&SEQUENCE) {
        return Ok(vec![list(text, authorities, now)?]);
    }
    let signers = signer::all(text, authorities)?;
    let mut lists = Vec::new();
    for der in CertificateRevocationListDer::pem_slice_iter(text) {
        let der = der.map_err(|_half_written| CrlError::Malformed)?;
        lists.push(list(&der, &signers, now)?);
    }
    if lists.is_empty() {
        return Err(CrlError::None(origin.to_owned()));
    }
    Ok(lists)
}

/// The parts of a list that is well-formed.
struct Parts<'a> {
    signed: Signed<'a>,
    issuer: &'a [u8],
    this_update: i64,
    next_update: Option<i64>,
    entries: Option<Value<'a>>,
    extensions: Option<Value<'a>>,
}

pub(super) fn list(
    der: &[u8],
    authorities: &[CertificateDer<'_>],
    now: i64,
) -> Result<RevocationList, CrlError> {
    let parts = parts(der).ok_or(CrlError::Malformed)?;
    check_signature(&parts, authorities)?;
    // Only what an authority said is looked at more closely.
    if parts.this_update > now + SKEW {
        return Err(CrlError::NotYetValid(timestamp(parts.this_update)));
    }
    let next_update = parts.next_update.ok_or(CrlError::NoEnd)?;
    let number = match parts.extensions {
        Some(extensions) => number(extensions)?,
        None => None,
    };
    Ok(RevocationList {
        issuer: parts.issuer.to_vec(),
        number,
        this_update: parts.this_update,
        next_update,
        serials: serials(parts.entries)?,
    })
}

fn parts(der: &[u8]) -> Option<Parts<'_>> {
    let mut file = Reader::new(der);
    let mut outer = file.next_if(SEQUENCE)?.reader();
    let signed = outer.next_if(SEQUENCE)?;
    let algorithm = outer.next_if(SEQUENCE)?;
    let signature = outer.next_if(BIT_STRING)?;
    if !file.is_empty() || !outer.is_empty() {
        return None;
    }
    let mut inner = signed.reader();
    inner.next_if(INTEGER);
    if inner.next_if(SEQUENCE)?.whole != algorithm.whole {
        return None;
    }
    let issuer = inner.next_if(SEQUENCE)?;
    let this_update = time(&mut inner)?;
    let next_update = time(&mut inner);
    let entries = inner.next_if(SEQUENCE);
    let extensions = match inner.next_if(CONTEXT_0) {
        Some(wrapped) => Some(wrapped.reader().next_if(SEQUENCE)?),
        None => None,
    };
    Some(Parts {
        signed: Signed {
            content: signed.whole,
            algorithm: algorithm.content,
            // The first octet counts unused bits; signatures have none.
            signature: signature.content.strip_prefix(&[0])?,
        },
        issuer: issuer.whole,
        this_update,
        next_update,
        entries,
        extensions: inner.is_empty().then_some(extensions)?,
    })
}

fn time(reader: &mut Reader<'_>) -> Option<i64> {
    let value = match reader.rest().first() {
        Some(&(UTC_TIME | GENERALIZED_TIME)) => reader.next()?,
        _ => return None,
    };
    let (_, time) = ASN1Time::from_der(value.whole).ok()?;
    Some(time.timestamp())
}

fn check_signature(parts: &Parts<'_>, authorities: &[CertificateDer<'_>]) -> Result<(), CrlError> {
    let mut verdict = CrlError::WrongIssuer(name(parts.issuer));
    for authority in authorities {
        let Ok((_, x509)) = x509_parser::parse_x509_certificate(authority) else {
            continue;
        };
        if x509.subject().as_raw() != parts.issuer {
            continue;
        }
        let usage = x509.key_usage().ok().flatten();
        if usage.is_some_and(|usage| !usage.value.crl_sign()) {
            verdict = CrlError::NotASigner;
            continue;
        }
        if parts.signed.is_by(x509.public_key().raw) {
            return Ok(());
        }
        verdict = CrlError::BadSignature;
    }
    Err(verdict)
}

/// The name for a message, with nothing in it that moves a cursor.
pub(super) fn name(der: &[u8]) -> String {
    let text = X509Name::from_der(der).map_or_else(
        |_malformed| "a name that cannot be read".to_owned(),
        |(_, name)| name.to_string(),
    );
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// The number of the list. Extensions that change what a list means are refused.
fn number(extensions: Value<'_>) -> Result<Option<u64>, CrlError> {
    let mut number = None;
    let mut reader = extensions.reader();
    while !reader.is_empty() {
        let (id, critical, value) = extension(&mut reader).ok_or(CrlError::Malformed)?;
        if id == NUMBER {
            let digits = Reader::new(value).next_if(INTEGER);
            number = digits.and_then(|digits| small(digits.content));
        } else if critical {
            return Err(CrlError::Unsupported(dotted(id)));
        }
    }
    Ok(number)
}

/// One extension: its identifier, whether it is critical, its value.
fn extension<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], bool, &'a [u8])> {
    let mut parts = reader.next_if(SEQUENCE)?.reader();
    let id = parts.next_if(OBJECT)?.content;
    let critical = parts.next_if(BOOLEAN);
    let value = parts.next_if(OCTET_STRING)?.content;
    let critical = critical.is_some_and(|flag| flag.content != [0]);
    parts.is_empty().then_some((id, critical, value))
}

fn small(octets: &[u8]) -> Option<u64> {
    let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
    (octets.len() <= 8).then(|| {
        octets
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
    })
}

/// All serial numbers, sorted. Their dates and reasons mean nothing for who is let in.
fn serials(entries: Option<Value<'_>>) -> Result<Vec<Serial>, CrlError> {
    let Some(entries) = entries else {
        return Ok(Vec::new());
    };
    // The shortest entry has 20 octets: at most as many serial numbers as the input can hold.
    let mut serials = Vec::with_capacity(entries.content.len() / 36);
    let mut reader = entries.reader();
    while !reader.is_empty() {
        let entry = reader.next_if(SEQUENCE).ok_or(CrlError::Malformed)?;
        serials.push(serial(entry)?);
    }
    serials.sort_unstable();
    serials.dedup();
    serials.shrink_to_fit();
    Ok(serials)
}

fn serial(entry: Value<'_>) -> Result<Serial, CrlError> {
    let mut parts = entry.reader();
    let serial = parts.next_if(INTEGER).ok_or(CrlError::Malformed)?;
    match parts.next().map(|date| date.tag) {
        Some(UTC_TIME | GENERALIZED_TIME) => {}
        _ => return Err(CrlError::Malformed),
    }
    if let Some(extensions) = parts.next_if(SEQUENCE) {
        let mut reader = extensions.reader();
        while !reader.is_empty() {
            let (id, critical, _) = extension(&mut reader).ok_or(CrlError::Malformed)?;
            // An entry may be about a certificate of another issuer, for instance.
            if critical {
                return Err(CrlError::Unsupported(dotted(id)));
            }
        }
    }
    if !parts.is_empty() {
        return Err(CrlError::Malformed);
    }
    aligned(serial.content).ok_or(CrlError::Malformed)
}

/// A serial number as it is compared: without leading zeros, at the end of twenty octets.
pub(super) fn aligned(serial: &[u8]) -> Option<Serial> {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    let digits = serial.get(zeros..)?;
    let mut aligned = Serial::default();
    let start = aligned.len().checked_sub(digits.len())?;
    aligned.get_mut(start..)?.copy_from_slice(digits);
    Some(aligned)
}

fn dotted(id: &[u8]) -> String {
    x509_parser::der_parser::oid::Oid::new(id.into()).to_id_string()
}

/// 2.5.29.20, the number of a list.
const NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
