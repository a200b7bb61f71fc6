//! A server's certificate renewed by the authority on the same host: no connection, the same rules.

use std::time::Duration;

use lockgate_pki::{
    Authorities, AuthorityDirectory, CertificateInfo, CertificateRequest, DirectoryError,
    IssueError, JournalEntry, NameError, PrivateKey, Profile, Purpose, Validity, verify_path,
};
use lockgate_types::{ErrorKind, Timestamp};
use rustls_pki_types::CertificateDer;

use super::locked_out::LockedOut;
use crate::wire::Granted;

/// Why the authority on this host does not renew a certificate.
#[derive(Debug, thiserror::Error)]
pub enum HereError {
    /// The authority.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Too late.
    #[error(
        "{subject} (serial {serial}) expired at {at}, and its grace is over: issue a new one with `lockgate cert server --force`"
    )]
    Expired {
        /// Whose.
        subject: String,
        /// Which.
        serial: String,
        /// When.
        at: Timestamp,
    },
    /// Another authority signed it.
    #[error(
        "{subject} (serial {serial}) is not of the authority in {directory}: renew it where it came from"
    )]
    Foreign {
        /// Whose.
        subject: String,
        /// Which.
        serial: String,
        /// Where we looked.
        directory: String,
    },
    /// The names are not ours to give.
    #[error("{subject} cannot be renewed: {reason}")]
    Names {
        /// Whose.
        subject: String,
        /// Why.
        reason: NameError,
    },
    /// It is revoked.
    #[error(
        "{subject} (serial {serial}) is revoked: issue a new one with `lockgate cert server --force`"
    )]
    Revoked {
        /// Whose.
        subject: String,
        /// Which.
        serial: String,
    },
    /// The key.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// Signing failed.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl HereError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Directory(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::Names { reason, .. } => reason.kind(),
            Self::Expired { .. } => ErrorKind::PreconditionFailed,
            Self::Foreign { .. } => ErrorKind::Conflict,
            Self::Revoked { .. } => ErrorKind::Denied,
            Self::Request(_) => ErrorKind::Internal,
        }
    }
}

/// Certifies `key` with the names of the server's certificate that leads `chain`, if the authority in
/// `directory` signed that, did not revoke it, and it ended no longer than `grace` ago.
pub fn renew_here(
    directory: &AuthorityDirectory,
    authorities: &Authorities,
    chain: &[CertificateDer<'_>],
    key: &PrivateKey,
    grace: Duration,
) -> Result<Granted, HereError> {
    let request = |error: &dyn std::error::Error| HereError::Request(error.to_string());
    let (leaf, rest) = chain.split_first().ok_or_else(|| request(&NONE))?;
    let info = CertificateInfo::from_der(leaf).map_err(|error| request(&error))?;
    check(directory, authorities, (leaf, rest, &info), grace)?;
    let profile = Profile::again(&info).map_err(|reason| HereError::Names {
        subject: info.subject.clone(),
        reason,
    })?;
    let wanted = key.request().map_err(|error| request(&error))?;
    let wanted = CertificateRequest::from_der(&wanted).map_err(|error| request(&error))?;
    let now = authorities.issuing.now();
    let rotation = directory.rotation(now)?;
    let issuer = authorities.for_servers(rotation.as_ref());
    let (certificate, fresh) = issuer.certify_request(&wanted, &profile, Validity::Longest)?;
    let identity = super::handle::identity(&profile);
    let mut entry = JournalEntry::local("renewed", identity.clone());
    entry.serial = Some(fresh.serial.clone());
    directory.note(&entry)?;
    let crl = directory.crl_path();
    let crl = super::state::read_text(&crl).map_err(|error| DirectoryError::Io {
        file: crl,
        reason: error.to_string(),
    })?;
    Ok(Granted {
        identity,
        purpose: "server".to_owned(),
        certificate: issuer.chain_pem(&certificate),
        not_after: fresh.not_after,
        ca: authorities.issuing.certificate_pem().to_owned(),
        crl,
        hosts: Vec::new(),
    })
}

fn check(
    directory: &AuthorityDirectory,
    authorities: &Authorities,
    (leaf, rest, info): (&CertificateDer<'_>, &[CertificateDer<'_>], &CertificateInfo),
    grace: Duration,
) -> Result<(), HereError> {
    let (subject, serial) = (info.subject.clone(), info.serial.clone());
    // Its end is looked at below: here it is about who signed it.
    let moment = info.not_before.unix_seconds();
    let is_ours = authorities
        .all()
        .iter()
        .any(|one| verify_path(leaf, rest, one.root_der(), Purpose::Server, moment).is_ok());
    if !is_ours {
        return Err(HereError::Foreign {
            subject,
            serial,
            directory: directory.path().display().to_string(),
        });
    }
    let lists = directory.crl(&authorities.all())?.unwrap_or_default();
    let whole: Vec<_> = std::iter::once(leaf).chain(rest).cloned().collect();
    if LockedOut::read(directory, lists)?.any_of(&whole) {
        return Err(HereError::Revoked { subject, serial });
    }
    let ended = authorities.issuing.now().unix_seconds() - info.not_after.unix_seconds();
    if ended > i64::try_from(grace.as_secs()).unwrap_or(i64::MAX) {
        return Err(HereError::Expired {
            subject,
            serial,
            at: info.not_after,
        });
    }
    Ok(())
}

/// A file without a certificate is refused when it is read.
const NONE: lockgate_pki::RequestError = lockgate_pki::RequestError::Length(0);
