//! Why a handshake failed, in words that tell the cases apart.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

/// Why a TLS connection is refused. `Display` is for our log; the client gets the TLS alert.
///
/// The alerts are those of the library, which are those that the stock daemon sends:
/// `certificate_required`, `unknown_ca`, `certificate_expired`, `certificate_revoked`,
/// `unsupported_certificate` (wrong purpose), `bad_certificate` (unreadable). Their texts reach the
/// user of the stock client; its one special case, "bad certificate", says less than they do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsRefusal {
    #[error("the client rejected our certificate ({0}); does its ca.pem match our certificate?")]
    Alert(String),
    #[error("the client's certificate cannot be used: {0}")]
    BadCertificate(CertificateError),
    #[error("the connection broke off in the handshake")]
    BrokeOff,
    #[error("the client's certificate is expired or not valid yet: {0}")]
    ExpiredCertificate(CertificateError),
    #[error("what came is no TLS: {0}")]
    Garbage(String),
    #[error("the client and we have nothing in common: {0}")]
    Incompatible(String),
    #[error("the client sent no certificate")]
    NoCertificate,
    #[error("the client speaks HTTP without TLS")]
    PlainHttp,
    #[error("the client's certificate is revoked, or the revocation list is out of date: {0}")]
    Revoked(CertificateError),
    #[error("the handshake took too long")]
    Timeout,
    #[error("the client's certificate is from an authority that is not ours")]
    UnknownAuthority,
    #[error("the client's certificate is not for clients (extended key usage clientAuth)")]
    WrongPurpose,
}

impl TlsRefusal {
    /// A stable word for the audit trail.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Alert(_) => "rejected_by_client",
            Self::BadCertificate(_) => "bad_certificate",
            Self::BrokeOff => "broke_off",
            Self::ExpiredCertificate(_) => "expired_certificate",
            Self::Garbage(_) => "no_tls",
            Self::Incompatible(_) => "incompatible",
            Self::NoCertificate => "no_certificate",
            Self::PlainHttp => "plain_http",
            Self::Revoked(_) => "revoked_certificate",
            Self::Timeout => "slow_handshake",
            Self::UnknownAuthority => "unknown_ca",
            Self::WrongPurpose => "wrong_purpose",
        }
    }

    /// Reads the error of a handshake.
    pub(crate) fn of(error: &io::Error) -> Self {
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>());
        inner.map_or(Self::BrokeOff, Self::of_tls)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open")]
    fn of_tls(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(reason) => Self::of_certificate(reason),
            Error::AlertReceived(alert) => Self::Alert(alert_name(*alert)),
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
                Self::Incompatible(error.to_string())
            }
            _ => Self::Garbage(error.to_string()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open")]
    fn of_certificate(reason: &CertificateError) -> Self {
        use CertificateError as E;
        match reason {
            E::UnknownIssuer => Self::UnknownAuthority,
            E::Expired
            | E::ExpiredContext { .. }
            | E::NotValidYet
            | E::NotValidYetContext { .. } => Self::ExpiredCertificate(reason.clone()),
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => Self::WrongPurpose,
            E::Revoked
            | E::UnknownRevocationStatus
            | E::ExpiredRevocationList
            | E::ExpiredRevocationListContext { .. } => Self::Revoked(reason.clone()),
            _ => Self::BadCertificate(reason.clone()),
        }
    }
}

fn alert_name(alert: AlertDescription) -> String {
    format!("{alert:?}")
}
