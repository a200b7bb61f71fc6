//! Existing authorities, ours or made with openssl.

use lockgate_types::Secret;
use rustls_pki_types::CertificateDer;

use super::{Authority, AuthorityError, AuthorityFiles, LEDGER};
use crate::certificate::{CertificateInfo, chain, constraints_of, read_file};
use crate::clock::Clock;
use crate::key::{PrivateKey, encode};

pub(super) fn open(
    files: &AuthorityFiles,
    passphrase: Option<&Secret<String>>,
    clock: Clock,
) -> Result<Authority, AuthorityError> {
    let chain = chain(&read_file(&files.certificate)?, &files.certificate)?;
    // The certificate first: no passphrase is worth typing for one that cannot issue.
    check_only(&chain, files, clock)?;
    let key = PrivateKey::read(&files.key, passphrase)?;
    let (certificate, info) = matching(&chain, &key, files)?;
    check(&info, files, clock)?;
    Ok(Authority {
        constraints: constraints_of(&certificate),
        pem: chain
            .iter()
            .map(|der| encode("CERTIFICATE", der.to_vec()))
            .collect(),
        ledger: Some(files.certificate.with_file_name(LEDGER)),
        certificate,
        info,
        key,
        clock,
    })
}

pub(super) fn check_certificate(
    files: &AuthorityFiles,
    clock: Clock,
) -> Result<(), AuthorityError> {
    let chain = chain(&read_file(&files.certificate)?, &files.certificate)?;
    check_only(&chain, files, clock)
}

/// With a single certificate everything can be judged before the key is read.
fn check_only(
    chain: &[CertificateDer<'static>],
    files: &AuthorityFiles,
    clock: Clock,
) -> Result<(), AuthorityError> {
    match chain {
        [only] => check(&info(only, files)?, files, clock),
        _ => Ok(()),
    }
}

/// The certificate of the chain that belongs to the key.
fn matching(
    chain: &[CertificateDer<'static>],
    key: &PrivateKey,
    files: &AuthorityFiles,
) -> Result<(CertificateDer<'static>, CertificateInfo), AuthorityError> {
    for der in chain {
        let info = info(der, files)?;
        if info.spki_sha256 == key.public_key().sha256() {
            return Ok((der.clone(), info));
        }
    }
    Err(AuthorityError::Mismatch {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
    })
}

fn info(der: &[u8], files: &AuthorityFiles) -> Result<CertificateInfo, AuthorityError> {
    Ok(CertificateInfo::from_der_of(der, &files.certificate)?)
}

fn check(
    info: &CertificateInfo,
    files: &AuthorityFiles,
    clock: Clock,
) -> Result<(), AuthorityError> {
    let file = files.certificate.clone();
    if let Some(lacking) = lacking(info) {
        return Err(AuthorityError::NotAnAuthority { file, lacking });
    }
    let now = clock.now();
    if now > info.not_after {
        return Err(AuthorityError::Expired {
            file,
            at: info.not_after,
        });
    }
    if now < info.not_before {
        return Err(AuthorityError::NotYetValid {
            file,
            at: info.not_before,
        });
    }
    Ok(())
}

/// What keeps a certificate from being one of an authority.
pub(crate) fn lacking(info: &CertificateInfo) -> Option<&'static str> {
    if info.version != 3 {
        Some("it is not X.509 version 3")
    } else if !info.is_ca {
        Some("its basic constraints do not say CA")
    } else if !info.key_usage.is_empty() && !info.key_usage.iter().any(|u| u == "keyCertSign") {
        Some("its key usage does not allow signing certificates")
    } else {
        None
    }
}
