//! New authorities.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose,
};

use super::{Authority, AuthorityError, IssueError, NewAuthority, sign};
use crate::certificate::CertificateInfo;
use crate::clock::{Clock, DAY, date};
use crate::key::{PrivateKey, encode};

/// One that certifies peers, and nothing else: a leaked server key cannot found an authority.
pub(super) fn create(new: &NewAuthority, clock: Clock) -> Result<Authority, AuthorityError> {
    self_signed(new, 0, clock)
}

pub(super) fn create_root(new: &NewAuthority, clock: Clock) -> Result<Authority, AuthorityError> {
    self_signed(new, 1, clock)
}

fn self_signed(
    new: &NewAuthority,
    path_length: u8,
    clock: Clock,
) -> Result<Authority, AuthorityError> {
    new.check()?;
    let key = PrivateKey::generate(new.key_type)?;
    let parameters = parameters(new, path_length, clock.seconds())?;
    let certificate = parameters.self_signed(key.pair())?;
    let info = CertificateInfo::from_der(certificate.der())?;
    Ok(Authority {
        pem: encode("CERTIFICATE", certificate.der().to_vec()),
        certificate: certificate.der().clone(),
        root: None,
        key,
        info,
        constraints: new.constraints.clone(),
        ledger: None,
        clock,
    })
}

/// Ends with its root at the latest, and may certify no more than it.
pub(super) fn create_below(root: &Authority, new: &NewAuthority) -> Result<Authority, IssueError> {
    if root.info.path_length == Some(0) {
        return Err(IssueError::SelfCheck(
            "its root may have no authority below itself (pathlen:0)".to_owned(),
        ));
    }
    let key = PrivateKey::generate(new.key_type)?;
    let mut parameters = parameters(new, 0, root.clock.seconds())?;
    let end = parameters.not_after.unix_timestamp();
    parameters.not_after = date(end.min(root.info.not_after.unix_seconds()));
    parameters.name_constraints = root.constraints.to_extension();
    let certificate = sign::sign(root, &parameters, &key.public_key())?;
    let info = CertificateInfo::from_der(&certificate)
        .map_err(|error| IssueError::SelfCheck(error.to_string()))?;
    if !crate::crl::certifies(&root.certificate, &certificate) {
        return Err(IssueError::SelfCheck("its root did not sign it".to_owned()));
    }
    Ok(Authority {
        pem: root.own_pem(),
        certificate,
        root: Some(root.certificate.clone()),
        key,
        info,
        constraints: root.constraints.clone(),
        ledger: None,
        clock: root.clock,
    })
}

fn parameters(
    new: &NewAuthority,
    path_length: u8,
    now: i64,
) -> Result<CertificateParams, rcgen::Error> {
    let start = now - sign::BACKDATED;
    let mut parameters = CertificateParams::default();
    parameters.not_before = date(start);
    // Both ends count, so the last second belongs to the day after.
    parameters.not_after = date(start + i64::from(new.days) * DAY - 1);
    parameters.serial_number = Some(sign::serial()?);
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, new.name.as_str());
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.name_constraints = new.constraints.to_extension();
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}
