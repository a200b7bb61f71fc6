//! Certificates for servers and clients.

use std::path::Path;

use lockgate_types::Secret;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{Authority, CERTIFICATE, IssueError, LEAF_DAYS_MAX, Profile, Validity, sign};
use crate::certificate::CertificateInfo;
use crate::clock::{DAY, date};
use crate::identifier::{RoleName, client_uri};
use crate::key::{KeyType, PrivateKey, PublicKey};
use crate::name::{AuthorityName, COMMON_NAME_MAX, SubjectName};
use crate::publish::{FileSet, Overwrite, PublishError, check_targets};
use crate::verify::{Purpose, verify_path};

/// A certificate and its key, in memory.
#[derive(Debug)]
pub struct Issued {
    certificate: CertificateDer<'static>,
    info: CertificateInfo,
    key: PrivateKey,
    ca_pem: String,
    chain_pem: String,
}

impl Issued {
    /// `ca.pem`, `cert.pem` and `key.pem`, the names that Docker's clients look for.
    pub fn file_set(&self) -> FileSet {
        FileSet::default()
            .certificate(CERTIFICATE, &self.ca_pem)
            .certificate(LEAF, &self.chain_pem)
            .key(LEAF_KEY, self.key_pem().expose())
    }

    /// Whether [`Authority::publish`] would find its files there already.
    pub fn check_place(directory: &Path, overwrite: Overwrite) -> Result<(), PublishError> {
        check_targets(directory, &[CERTIFICATE, LEAF, LEAF_KEY], overwrite)
    }

    /// The certificate.
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate as PEM, and after it what leads to the root.
    pub fn certificate_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The key as TLS libraries take it.
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        self.key.to_der()
    }

    /// The key as plain PKCS#8 PEM.
    pub fn key_pem(&self) -> Secret<String> {
        self.key.to_pem()
    }

    /// The certificate of the authority, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What the certificate says.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }
}

pub(super) fn with_new_key(
    authority: &Authority,
    profile: &Profile,
    validity: Validity,
    key_type: KeyType,
) -> Result<Issued, IssueError> {
    // Refused before a key is made: RSA takes its time.
    parameters(authority, profile, validity)?;
    let key = PrivateKey::generate(key_type)?;
    let certificate = certify(authority, &key.public_key(), profile, validity)?;
    let info = CertificateInfo::from_der(&certificate)
        .map_err(|error| IssueError::SelfCheck(error.to_string()))?;
    Ok(Issued {
        chain_pem: authority.chain_pem(&certificate),
        certificate,
        info,
        key,
        ca_pem: authority.pem.clone(),
    })
}

pub(super) fn certify(
    authority: &Authority,
    key: &PublicKey,
    profile: &Profile,
    validity: Validity,
) -> Result<CertificateDer<'static>, IssueError> {
    let parameters = parameters(authority, profile, validity)?;
    let certificate = sign::sign(authority, &parameters, key)?;
    let purpose = match profile {
        Profile::Client { .. } => Purpose::Client,
        Profile::Server { .. } => Purpose::Server,
    };
    // As a peer would, at its first moment: nothing leaves that TLS would refuse.
    let start = parameters.not_before.unix_timestamp();
    let (chain, root) = (authority.chain(), authority.root_der());
    verify_path(&certificate, chain, root, purpose, start)
        .map_err(|error| IssueError::SelfCheck(error.to_string()))?;
    Ok(certificate)
}

fn parameters(
    authority: &Authority,
    profile: &Profile,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    let (start, end) = period(authority, validity)?;
    let mut parameters = CertificateParams::default();
    parameters.not_before = date(start);
    parameters.not_after = date(end);
    parameters.serial_number = Some(sign::serial()?);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.use_authority_key_identifier_extension = true;
    // TLS 1.3, and every suite of 1.2 that is worth having, only signs.
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    match profile {
        Profile::Client {
            name,
            organization,
            unit,
            role,
        } => {
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            parameters.distinguished_name =
                distinguished(name.as_str(), organization.as_ref(), unit.as_ref());
            let uris = std::iter::once(client_uri(name)).chain(role.iter().map(RoleName::uri));
            parameters.subject_alt_names = uris
                .map(|uri| Ok(SanType::URI(uri.try_into()?)))
                .collect::<Result<_, rcgen::Error>>()?;
        }
        Profile::Server { names } => {
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            parameters.subject_alt_names = alternative_names(authority, names)?;
            parameters.distinguished_name = server_subject(names);
        }
    }
    Ok(parameters)
}

/// First and last second. Both ends count, so 90 days end a second before the same time of day.
fn period(authority: &Authority, validity: Validity) -> Result<(i64, i64), IssueError> {
    validity.check()?;
    let (from, until) = (authority.info.not_before, authority.info.not_after);
    let now = authority.clock.seconds();
    if now < from.unix_seconds() || now >= until.unix_seconds() {
        return Err(IssueError::AuthorityNotValid { from, until });
    }
    let start = (now - sign::BACKDATED).max(from.unix_seconds());
    let end = |days: u32| start + i64::from(days) * DAY - 1;
    match validity {
        Validity::Days(days) if end(days) > until.unix_seconds() => {
            let left = (until.unix_seconds() - start + 1) / DAY;
            Err(IssueError::Outlives {
                days,
                until,
                limit: u32::try_from(left).unwrap_or(0),
            })
        }
        Validity::Days(days) => Ok((start, end(days))),
        Validity::Longest => Ok((start, end(LEAF_DAYS_MAX).min(until.unix_seconds()))),
    }
}

fn alternative_names(
    authority: &Authority,
    names: &[SubjectName],
) -> Result<Vec<SanType>, IssueError> {
    if names.is_empty() {
        return Err(IssueError::NoNames);
    }
    if let Some(name) = names.iter().find(|name| !authority.constraints.allow(name)) {
        return Err(IssueError::Constrained(name.clone()));
    }
    names
        .iter()
        .map(|name| match name {
            SubjectName::Dns(host) => Ok(SanType::DnsName(host.as_str().try_into()?)),
            SubjectName::Ip(address) => Ok(SanType::IpAddress(*address)),
        })
        .collect()
}

/// The common name repeats the first name that fits; clients look at the alternative names.
fn server_subject(names: &[SubjectName]) -> DistinguishedName {
    let fits = |name: &String| name.len() <= COMMON_NAME_MAX;
    match names.iter().map(ToString::to_string).find(fits) {
        Some(name) => distinguished(&name, None, None),
        None => DistinguishedName::new(),
    }
}

fn distinguished(
    common_name: &str,
    organization: Option<&AuthorityName>,
    unit: Option<&AuthorityName>,
) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization.as_str());
    }
    if let Some(unit) = unit {
        name.push(DnType::OrganizationalUnitName, unit.as_str());
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// The certificate of a set.
const LEAF: &str = "cert.pem";
/// The key of a set.
const LEAF_KEY: &str = "key.pem";
