//! How the other daemon is believed over TCP, and what we show it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{ClientConfig, InvalidMessage, RootCertStore};

use crate::error::UpstreamError;

/// The files for TLS with the upstream daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Who may have signed its certificate; nobody else is believed.
    pub ca: PathBuf,
    /// Our certificate and its key, for a daemon that asks for one.
    pub own: Option<(PathBuf, PathBuf)>,
    /// Lists of revoked certificates. One must be there for each authority that signed any of its chain.
    pub crl: Option<PathBuf>,
}

impl UpstreamTls {
    /// The settings of a client. The name of the daemon must be in its certificate (RFC 6125).
    pub(crate) fn load(&self) -> Result<ClientConfig, UpstreamError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| file(&self.ca, &error))?
            .with_webpki_verifier(verifier);
        let mut config = match &self.own {
            Some((certificate, key)) => {
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, &error))?;
                builder
                    .with_client_auth_cert(several::<CertificateDer<'static>>(certificate)?, secret)
                    .map_err(|error| file(certificate, &error))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, UpstreamError> {
        let mut roots = RootCertStore::empty();
        for root in several::<CertificateDer<'static>>(&self.ca)? {
            roots.add(root).map_err(|error| file(&self.ca, &error))?;
        }
        let (roots, provider) = (Arc::new(roots), Arc::clone(provider));
        let mut verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
        if let Some(crl) = &self.crl {
            verifier = verifier
                .with_crls(several::<CertificateRevocationListDer<'static>>(crl)?)
                .enforce_revocation_expiration();
        }
        let read = self.crl.as_ref().unwrap_or(&self.ca);
        verifier.build().map_err(|error| file(read, &error))
    }
}

/// What the system's words would not tell.
pub(crate) fn explained(error: io::Error) -> io::Error {
    const NO_TLS: rustls::Error = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    if inner == Some(&NO_TLS) {
        let what = "what it says is no TLS: does it listen without --tlsverify?";
        return io::Error::new(error.kind(), what);
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return io::Error::new(
            error.kind(),
            "it ended the connection during the TLS handshake",
        );
    }
    error
}

/// All that are in a PEM file, and at least one.
fn several<T: PemObject>(path: &Path) -> Result<Vec<T>, UpstreamError> {
    let all = T::pem_file_iter(path).map_err(|error| file(path, &error))?;
    let all: Vec<_> = all
        .collect::<Result<_, _>>()
        .map_err(|error| file(path, &error))?;
    if all.is_empty() {
        return Err(file(path, &"there is none of its kind in it"));
    }
    Ok(all)
}

fn file(path: &Path, reason: &dyn std::fmt::Display) -> UpstreamError {
    UpstreamError::File {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}
