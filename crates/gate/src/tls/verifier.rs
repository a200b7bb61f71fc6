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

use super::anchors::Anchors;
use crate::identity;

/// webpki's verifier, and four demands more: a leaf must say that it is for clients, we must be
/// able to read who it is, its authority must not have ended, and no certificate of the chain may
/// be revoked.
#[derive(Debug)]
struct ClientVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    anchors: Anchors,
    revoked: Option<Arc<Revocations>>,
}

pub(super) fn build(
    roots: RootCertStore,
    authorities: &[CertificateDer<'static>],
    revoked: Option<Arc<Revocations>>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    Ok(Arc::new(ClientVerifier {
        inner: webpki(roots)?,
        anchors: Anchors::new(authorities),
        revoked,
    }))
}

fn webpki(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()
}

/// The whole chain is asked for, and who cannot be judged is refused: there must be a list of every
/// issuer, and it must not be beyond its grace.
fn check_revocation(
    revoked: &Revocations,
    anchors: &Anchors,
    chain: impl Iterator<Item = impl AsRef<[u8]>>,
    now: UnixTime,
) -> Result<(), CertificateError> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let unreadable = |_| CertificateError::BadEncoding;
    for der in chain {
        let (issuer, serial) = identity::issuer_and_serial(der.as_ref()).map_err(unreadable)?;
        judged(revoked.standing(&issuer, &serial, now))?;
        // A client need not send an intermediate that is in our own file: it counts all the same.
        for (above, serial) in anchors.above(&issuer) {
            let standing = revoked.standing(above, serial, now);
            // The file trusts it without the list of whoever is above it.
            if standing != Standing::Unknown {
                judged(standing)?;
            }
        }
    }
    Ok(())
}

fn judged(standing: Standing) -> Result<(), CertificateError> {
    match standing {
        Standing::Good => Ok(()),
        Standing::Revoked => Err(CertificateError::Revoked),
        Standing::Stale => Err(CertificateError::ExpiredRevocationList),
        Standing::Unknown => Err(CertificateError::UnknownRevocationStatus),
    }
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

impl ClientVerifier {
    /// The signatures, the dates and the revocation lists.
    fn verify_path(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(leaf, intermediates, now)?;
        if let Some(valid) = self.anchors.if_some_ended(now) {
            // webpki takes no notice of the dates of an anchor; the stock daemon does.
            let ended = Error::from(CertificateError::Expired);
            let valid = webpki(valid).map_err(|_none_left| ended.clone())?;
            let below = valid.verify_client_cert(leaf, intermediates, now);
            below.map_err(|_below_another| ended)?;
        }
        if let Some(revoked) = &self.revoked {
            let chain = std::iter::once(leaf).chain(intermediates);
            check_revocation(revoked, &self.anchors, chain, now)?;
        }
        Ok(verified)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .verify_path(leaf, intermediates, now)
            .inspect_err(|error| tell(leaf, error))?;
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
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
