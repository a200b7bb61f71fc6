//! How the other daemon is believed over TCP, and what we show it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::UpstreamError;

/// The files for TLS with the upstream daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Who may have signed its certificate; nobody else is believed.
    pub ca: PathBuf,
    /// Our certificate and its key, for a daemon that asks for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl UpstreamTls {
    /// The settings of a client. The name of the daemon must be in its certificate (RFC 6125).
    pub(crate) fn load(&self) -> Result<ClientConfig, UpstreamError> {
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.ca)? {
            roots.add(root).map_err(|error| file(&self.ca, &error))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| file(&self.ca, &error))?
            .with_root_certificates(roots);
        let mut config = match &self.own {
            Some((certificate, key)) => {
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, &error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, secret)
                    .map_err(|error| file(certificate, &error))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, UpstreamError> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| file(path, &error))?;
    let all: Vec<_> = all
        .collect::<Result<_, _>>()
        .map_err(|error| file(path, &error))?;
    if all.is_empty() {
        return Err(file(path, &"there is no certificate in it"));
    }
    Ok(all)
}

fn file(path: &Path, reason: &dyn std::fmt::Display) -> UpstreamError {
    UpstreamError::File {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}
