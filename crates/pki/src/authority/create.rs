//! New authorities.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose,
};

use super::{Authority, AuthorityError, NewAuthority, sign};
use crate::certificate::CertificateInfo;
use crate::clock::{Clock, DAY, date};
use crate::key::{PrivateKey, encode};

pub(super) fn create(new: &NewAuthority, clock: Clock) -> Result<Authority, AuthorityError> {
    new.check()?;
    let key = PrivateKey::generate(new.key_type)?;
    let certificate = parameters(new, clock)?.self_signed(key.pair())?;
    let info = CertificateInfo::from_der(certificate.der())?;
    Ok(Authority {
        pem: encode("CERTIFICATE", certificate.der().to_vec()),
        certificate: certificate.der().clone(),
        key,
        info,
        constraints: new.constraints.clone(),
        ledger: None,
        clock,
    })
}

fn parameters(new: &NewAuthority, clock: Clock) -> Result<CertificateParams, AuthorityError> {
    let start = clock.seconds() - sign::BACKDATED;
    let mut parameters = CertificateParams::default();
    parameters.not_before = date(start);
    // Both ends count, so the last second belongs to the day after.
    parameters.not_after = date(start + i64::from(new.days) * DAY - 1);
    parameters.serial_number = Some(sign::serial()?);
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, new.name.as_str());
    // Nothing but leaves below: a leaked server key cannot found an authority of its own.
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.name_constraints = new.constraints.to_extension();
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}
