//! From DER to plain values.

use std::net::IpAddr;
use std::path::Path;

use lockgate_types::{Timestamp, hex};
use rustls_pki_types::CertificateDer;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, ParsedExtension};
use x509_parser::objects::{oid_registry, oid2sn};
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use super::{CertificateError, CertificateInfo};
use crate::clock::timestamp;
use crate::constraint::Constraints;
use crate::hash::sha256;
use crate::key::{open, read_limited, reason};

/// What is wrong with a certificate.
#[derive(Debug, Error)]
pub(super) enum Malformed {
    #[error("it is not X.509 in DER")]
    Structure,
    #[error("{0} octets follow its end")]
    Trailing(usize),
}

/// The bytes of a file that should hold certificates.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    open(path)
        .and_then(read_limited)
        .map_err(|e| CertificateError::Unreadable {
            file: path.to_owned(),
            reason: reason(&e),
        })
}

pub(super) fn chain(
    text: &[u8],
    origin: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let blocks = pem::parse_many(text).unwrap_or_default();
    let is_key = blocks
        .iter()
        .any(|block| block.tag().ends_with("PRIVATE KEY"));
    let chain: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .map(|block| CertificateDer::from(block.into_contents()))
        .collect();
    match chain.is_empty() {
        false => Ok(chain),
        true if is_key => Err(CertificateError::Key(origin.to_owned())),
        true => Err(CertificateError::None(origin.to_owned())),
    }
}

pub(super) fn info(der: &[u8]) -> Result<CertificateInfo, Malformed> {
    let x509 = parse(der)?;
    let mut info = CertificateInfo {
        version: x509.version().0.saturating_add(1),
        serial: hex(x509.raw_serial()),
        subject: x509.subject().to_string(),
        common_name: x509.subject().iter_common_name().find_map(attribute_text),
        organizations: x509
            .subject()
            .iter_organization()
            .filter_map(attribute_text)
            .collect(),
        organizational_units: units(x509.subject()),
        issuer: x509.issuer().to_string(),
        not_before: moment(x509.validity().not_before),
        not_after: moment(x509.validity().not_after),
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        email_addresses: Vec::new(),
        uris: Vec::new(),
        is_ca: false,
        path_length: None,
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        permitted_names: Vec::new(),
        excluded_names: Vec::new(),
        key_algorithm: key_algorithm(x509.public_key()),
        signature_algorithm: oid2sn(&x509.signature_algorithm.algorithm, oid_registry())
            .map_or_else(
                |_| x509.signature_algorithm.algorithm.to_string(),
                str::to_owned,
            ),
        subject_key_id: None,
        authority_key_id: None,
        fingerprint_sha256: sha256(der),
        spki_sha256: sha256(x509.public_key().raw),
    };
    for extension in x509.extensions() {
        read_extension(extension.parsed_extension(), &mut info);
    }
    Ok(info)
}

/// The name constraints of an authority.
pub(crate) fn constraints_of(der: &[u8]) -> Constraints {
    let Ok(x509) = parse(der) else {
        return Constraints::default();
    };
    match x509.name_constraints() {
        Ok(Some(extension)) => Constraints::from_extension(extension.value),
        Ok(None) | Err(_) => Constraints::default(),
    }
}

/// The subject key identifier.
pub(crate) fn key_identifier(der: &[u8]) -> Option<Vec<u8>> {
    let x509 = parse(der).ok()?;
    x509.extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
}

/// The subject's name in DER.
pub(crate) fn subject_name(der: &[u8]) -> Option<Vec<u8>> {
    parse(der).ok().map(|x509| x509.subject().as_raw().to_vec())
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Malformed> {
    let (rest, x509) =
        x509_parser::parse_x509_certificate(der).map_err(|_malformed| Malformed::Structure)?;
    if rest.is_empty() {
        Ok(x509)
    } else {
        Err(Malformed::Trailing(rest.len()))
    }
}

fn read_extension(extension: &ParsedExtension<'_>, info: &mut CertificateInfo) {
    match extension {
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            info.authority_key_id = id.key_identifier.as_ref().map(|id| hex(id.0));
        }
        ParsedExtension::SubjectKeyIdentifier(id) => info.subject_key_id = Some(hex(id.0)),
        ParsedExtension::BasicConstraints(basic) => {
            info.is_ca = basic.ca;
            info.path_length = basic.path_len_constraint;
        }
        ParsedExtension::KeyUsage(usage) => {
            let names = KEY_USAGES.iter().enumerate();
            let set = names.filter(|(bit, _)| usage.flags >> bit & 1 == 1);
            info.key_usage = set.map(|(_, name)| (*name).to_owned()).collect();
        }
        ParsedExtension::ExtendedKeyUsage(usage) => info.extended_key_usage = extended(usage),
        ParsedExtension::NameConstraints(read) => {
            let Constraints {
                permitted,
                excluded,
            } = Constraints::from_extension(read);
            info.permitted_names = permitted.iter().map(ToString::to_string).collect();
            info.excluded_names = excluded.iter().map(ToString::to_string).collect();
        }
        ParsedExtension::SubjectAlternativeName(names) => {
            for name in &names.general_names {
                read_name(name, info);
            }
        }
        _ => {}
    }
}

fn read_name(name: &GeneralName<'_>, info: &mut CertificateInfo) {
    match name {
        GeneralName::DNSName(name) => info.dns_names.push((*name).to_owned()),
        GeneralName::IPAddress(octets) => info.ip_addresses.extend(address(octets)),
        GeneralName::RFC822Name(name) => info.email_addresses.push((*name).to_owned()),
        GeneralName::URI(uri) => info.uris.push((*uri).to_owned()),
        _ => {}
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

fn extended(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "any"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| name.to_owned());
    known
        .chain(usage.other.iter().map(ToString::to_string))
        .collect()
}

fn units(name: &X509Name<'_>) -> Vec<String> {
    name.iter_organizational_unit()
        .filter_map(attribute_text)
        .collect()
}

fn attribute_text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    attribute.as_str().ok().map(str::to_owned)
}

fn key_algorithm(key: &SubjectPublicKeyInfo<'_>) -> String {
    let oid = key.algorithm.algorithm.to_id_string();
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(point)) => match point.key_size() {
            // x509-parser counts whole octets, so that P-521 shows 528.
            521..=528 => "ECDSA P-521".to_owned(),
            bits => format!("ECDSA P-{bits}"),
        },
        _ if oid == "1.3.101.112" => "Ed25519".to_owned(),
        _ => oid,
    }
}

fn moment(time: ASN1Time) -> Timestamp {
    timestamp(time.timestamp())
}

/// In the order of the bits.
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];
