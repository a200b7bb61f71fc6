//! Who may connect to the authority: everybody, and whoever shows a certificate must own a good one.
//!
//! A certificate of ours is good here for either purpose (a daemon renews its server's certificate
//! with it), and for a while after its end, so that a machine that slept can renew. Whether it is
//! revoked is asked at every request.

use std::sync::Arc;

use lockgate_pki::{CertificateInfo, Purpose, verify_path};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

#[derive(Debug)]
pub(super) struct PeerVerifier {
    roots: Vec<CertificateDer<'static>>,
    names: Vec<DistinguishedName>,
    grace: i64,
    provider: Arc<CryptoProvider>,
}

impl PeerVerifier {
    pub(super) fn new(
        roots: Vec<CertificateDer<'static>>,
        grace: i64,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let names = roots
            .iter()
            .filter_map(|root| {
                let (_, x509) = x509_parser::parse_x509_certificate(root).ok()?;
                Some(DistinguishedName::from(x509.subject().as_raw().to_vec()))
            })
            .collect();
        Self {
            roots,
            names,
            grace,
            provider,
        }
    }

    /// The moment to judge a certificate at: within its grace, its last one.
    fn moment(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> i64 {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let end = CertificateInfo::from_der(leaf).map(|info| info.not_after.unix_seconds());
        match end {
            Ok(end) if now > end && now - end <= self.grace => end,
            _ => now,
        }
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.names
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let moment = self.moment(leaf, now);
        let mut worst = CertificateError::UnknownIssuer;
        for root in &self.roots {
            for purpose in [Purpose::Client, Purpose::Server] {
                match verify_path(leaf, intermediates, root, purpose, moment) {
                    Ok(()) => return Ok(ClientCertVerified::assertion()),
                    Err(webpki::Error::CertExpired { .. }) => worst = CertificateError::Expired,
                    Err(webpki::Error::CertNotValidYet { .. }) => {
                        worst = CertificateError::NotValidYet;
                    }
                    Err(_untrusted) => {}
                }
            }
        }
        Err(worst.into())
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
