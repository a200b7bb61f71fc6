//! Existing authorities, ours or made with openssl.

use std::path::Path;

use lockgate_types::Secret;
use rustls_pki_types::CertificateDer;

use super::{Authority, AuthorityError, AuthorityFiles, LEDGER};
use crate::certificate::{CertificateInfo, chain, constraints_of, read_file};
use crate::clock::Clock;
use crate::crl::certifies;
use crate::key::{PrivateKey, encode};
use crate::publish::settle;

pub(super) fn open(
    files: &AuthorityFiles,
    passphrase: Option<&Secret<String>>,
    clock: Clock,
) -> Result<Authority, AuthorityError> {
    settle(parent(&files.certificate))?;
    let trusted = chain(&read_file(&files.certificate)?, &files.certificate)?;
    let candidates = candidates(files, &trusted)?;
    // The certificate first: no passphrase is worth typing for one that cannot issue.
    check_only(&candidates, files, clock)?;
    let key = PrivateKey::read(&files.key, passphrase)?;
    let (certificate, info) = matching(&candidates, &key, files)?;
    check(&info, files, clock)?;
    let root = match &files.issuer {
        Some(_) => Some(root_of(&certificate, &trusted, files)?),
        None => None,
    };
    Ok(Authority {
        constraints: constraints_of(&certificate),
        pem: trusted
            .iter()
            .map(|der| encode("CERTIFICATE", der.to_vec()))
            .collect(),
        root,
        ledger: Some(files.certificate.with_file_name(LEDGER)),
        certificate,
        info,
        key,
        clock,
    })
}

fn parent(file: &Path) -> &Path {
    file.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// Where the certificate is that belongs to the key: in the file of the intermediate authority, if there
/// is one.
fn candidates(
    files: &AuthorityFiles,
    trusted: &[CertificateDer<'static>],
) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    match &files.issuer {
        Some(file) => Ok(chain(&read_file(file)?, file)?),
        None => Ok(trusted.to_vec()),
    }
}

fn root_of(
    certificate: &CertificateDer<'static>,
    trusted: &[CertificateDer<'static>],
    files: &AuthorityFiles,
) -> Result<CertificateDer<'static>, AuthorityError> {
    let root = trusted.iter().find(|root| certifies(root, certificate));
    root.cloned().ok_or_else(|| AuthorityError::NoRoot {
        issuer: files.issuer.clone().unwrap_or_default(),
        roots: files.certificate.clone(),
    })
}

pub(super) fn check_certificate(
    files: &AuthorityFiles,
    clock: Clock,
) -> Result<(), AuthorityError> {
    let trusted = chain(&read_file(&files.certificate)?, &files.certificate)?;
    check_only(&candidates(files, &trusted)?, files, clock)
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
    let file = files.issuer.as_ref().unwrap_or(&files.certificate).clone();
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
