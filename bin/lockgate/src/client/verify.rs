//! The judgement about a server's certificate, with the reason in words.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::certificate::{Summary, date};
use super::tls::TlsTrouble;

/// Judges the server's certificate, and remembers in plain words why it was refused.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    roots: Vec<CertificateDer<'static>>,
    schemes: Vec<SignatureScheme>,
    trouble: Mutex<Option<TlsTrouble>>,
}

impl Verifier {
    /// Trusts `roots` alone, or everybody if verification is off.
    pub(super) fn new(
        roots: Vec<CertificateDer<'static>>,
        skip: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let schemes = provider
            .signature_verification_algorithms
            .supported_schemes();
        let inner = if skip {
            None
        } else {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(roots.iter().cloned());
            let provider = Arc::clone(provider);
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
            Some(
                built
                    .build()
                    .map_err(|error| format!("no usable CA certificate: {error}"))?,
            )
        };
        Ok(Self {
            inner,
            roots,
            schemes,
            trouble: Mutex::new(None),
        })
    }

    /// Why the last certificate was refused.
    pub(super) fn take_trouble(&self) -> Option<TlsTrouble> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn remember(&self, trouble: TlsTrouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    /// webpki does not look at the dates of a trust anchor; people expect that somebody does.
    fn expired_root(&self, now: UnixTime) -> Option<Summary> {
        let all: Vec<Summary> = self
            .roots
            .iter()
            .filter_map(|der| Summary::read(der))
            .collect();
        let usable = all.iter().any(|root| root.is_valid_at(now));
        if usable { None } else { all.into_iter().next() }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        let verdict = inner.verify_server_cert(leaf, chain, name, ocsp, now);
        let error = match (verdict, self.expired_root(now)) {
            (Ok(verified), None) => return Ok(verified),
            (Ok(_), Some(root)) => {
                self.remember(expired(&root, "the CA certificate", now));
                return Err(TlsError::InvalidCertificate(CertificateError::Expired));
            }
            (Err(error), _) => error,
        };
        if let TlsError::InvalidCertificate(why) = &error {
            self.remember(judge(why, leaf, chain, name, now));
        }
        Err(error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// Docker's sentence for a refused certificate, and what the certificate says about itself.
fn judge(
    why: &CertificateError,
    leaf: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> TlsTrouble {
    let Some(summary) = Summary::read(leaf) else {
        return failed("x509: malformed certificate");
    };
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            failed("x509: certificate signed by unknown authority")
                .hint(format!("the server's certificate is {summary}"))
                .hint("the CA that signed it must be in --tlscacert (ca.pem)")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(&summary, name)
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            let between = chain.iter().filter_map(|der| Summary::read(der));
            let late = between.into_iter().find(|cert| !cert.is_valid_at(now));
            match late {
                Some(cert) if summary.is_valid_at(now) => {
                    expired(&cert, "the intermediate certificate", now)
                }
                _ => expired(&summary, "the server's certificate", now),
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            failed("x509: certificate specifies an incompatible key usage")
                .hint("the server's certificate is not for servers (extended key usage serverAuth)")
        }
        other => failed(&format!("x509: {other}")),
    }
}

fn failed(reason: &str) -> TlsTrouble {
    TlsTrouble::new(format!("tls: failed to verify certificate: {reason}"))
}

fn wrong_name(summary: &Summary, name: &ServerName<'_>) -> TlsTrouble {
    let wanted = name.to_str();
    let is_address = matches!(name, ServerName::IpAddress(_));
    let names = summary.all_names();
    let trouble = if is_address && summary.addresses.is_empty() {
        failed(&format!(
            "x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
        ))
    } else if is_address {
        let list: Vec<String> = summary.addresses.iter().map(ToString::to_string).collect();
        failed(&format!(
            "x509: certificate is valid for {}, not {wanted}",
            list.join(", ")
        ))
    } else if summary.names.is_empty() {
        failed(&format!(
            "x509: certificate is not valid for any names, but wanted to match {wanted}"
        ))
    } else {
        let list = summary.names.join(", ");
        failed(&format!(
            "x509: certificate is valid for {list}, not {wanted}"
        ))
    };
    if names.is_empty() {
        return trouble.hint("the server's certificate has no subject alternative names at all");
    }
    trouble.hint(format!(
        "connect by a name that the certificate has: {}",
        names.join(", ")
    ))
}

fn expired(cert: &Summary, which: &str, now: UnixTime) -> TlsTrouble {
    let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let today = date(now_seconds);
    let (relation, limit, word) = if now_seconds < cert.not_before {
        ("before", cert.not_before, "is not valid yet")
    } else {
        ("after", cert.not_after, "has expired")
    };
    failed(&format!(
        "x509: certificate has expired or is not yet valid: current time {today} is {relation} {}",
        date(limit)
    ))
    .hint(format!("{which} {word}: {cert}"))
}
