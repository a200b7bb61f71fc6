//! Whom an applicant believes to be the authority.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use lockgate_pki::{Purpose, verify_path};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::LinkError;

/// Whom an applicant believes to be the authority.
#[derive(Clone, Debug)]
pub enum Trusting {
    /// The authority with this public key (SHA-256 of its SubjectPublicKeyInfo), and no other.
    Pin([u8; 32]),
    /// Whoever has a certificate of one of these.
    Roots(Vec<CertificateDer<'static>>),
}

impl Trusting {
    pub(super) fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, LinkError> {
        match self {
            Self::Pin(pin) => Ok(Arc::new(PinVerifier {
                pin: *pin,
                provider,
            })),
            Self::Roots(roots) => {
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(roots.iter().cloned());
                let builder =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider);
                let verifier = builder.build().map_err(|_none| LinkError::NoRoots)?;
                Ok(verifier)
            }
        }
    }
}

/// Believes a chain that ends in the authority with the pinned key, for the name that was dialled.
#[derive(Debug)]
struct PinVerifier {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, x509)) = x509_parser::parse_x509_certificate(certificate) else {
            return false;
        };
        let hash = digest(&SHA256, x509.public_key().raw);
        verify_slices_are_equal(hash.as_ref(), &self.pin).is_ok()
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = chain.iter().find(|one| self.is_pinned(one));
        let authority = authority.ok_or(CertificateError::UnknownIssuer)?;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        verify_path(leaf, chain, authority, Purpose::Server, seconds)
            .map_err(|_untrusted| CertificateError::BadSignature)?;
        EndEntityCert::try_from(leaf)
            .and_then(|leaf| leaf.verify_is_valid_for_subject_name(name))
            .map_err(|_other_name| CertificateError::NotValidForName)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
