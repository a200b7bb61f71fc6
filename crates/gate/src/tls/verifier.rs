//! Who is believed to be a client.

use std::sync::Arc;

use lockgate_pki::{Revocations, Standing};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::identity;

/// webpki's verifier, and three demands more: a leaf must say that it is for clients, we must be
/// able to read who it is, and no certificate of the chain may be revoked.
#[derive(Debug)]
struct ClientVerifier(Arc<dyn ClientCertVerifier>, Option<Arc<Revocations>>);

pub(super) fn build(
    roots: RootCertStore,
    revoked: Option<Arc<Revocations>>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
    Ok(Arc::new(ClientVerifier(inner, revoked)))
}

/// The whole chain is asked for, and who cannot be judged is refused: there must be a list of every
/// issuer, and it must not be beyond its grace.
fn check_revocation(
    revoked: &Revocations,
    chain: impl Iterator<Item = impl AsRef<[u8]>>,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    for der in chain {
        let (issuer, serial) = identity::issuer_and_serial(der.as_ref())
            .map_err(|_unreadable| CertificateError::BadEncoding)?;
        match revoked.standing(&issuer, &serial, now) {
            Standing::Good => {}
            Standing::Revoked => return Err(CertificateError::Revoked),
            Standing::Stale => return Err(CertificateError::ExpiredRevocationList),
            Standing::Unknown => return Err(CertificateError::UnknownRevocationStatus),
        }
    }
    Ok(())
}

/// Says *which* certificate it is, when it is one of ours that ended.
fn tell(leaf: &CertificateDer<'_>, error: &Error) {
    let ended = matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::Revoked
        )
    );
    if let Some(certificate) = identity::read(leaf).ok().filter(|_| ended) {
        tracing::warn!(
            name = certificate.common_name.escape_debug().to_string(),
            serial = certificate.serial,
            error = %error,
            "a client's certificate has ended"
        );
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .0
            .verify_client_cert(leaf, intermediates, now)
            .inspect_err(|error| tell(leaf, error))?;
        if let Some(revoked) = &self.1 {
            let chain = std::iter::once(leaf).chain(intermediates);
            check_revocation(revoked, chain, now).map_err(|why| {
                let error = Error::from(why);
                tell(leaf, &error);
                error
            })?;
        }
        if !identity::is_for_clients(leaf) {
            return Err(CertificateError::InvalidPurpose.into());
        }
        identity::read(leaf).map_err(|_unreadable| CertificateError::BadEncoding)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
