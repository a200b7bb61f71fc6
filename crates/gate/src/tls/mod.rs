//! The TLS side of the door: files, the server's settings, the handshake.
//!
//! Clients are proved against exactly the CA file given; nothing of the system's trust is ever
//! used. There is no resumption of any kind: a resumed session is not verified again, so it would
//! outlive a revocation.

mod files;
mod handshake;
mod refusal;
mod verifier;

use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};

pub use files::{TlsError, TlsFiles};
pub(crate) use handshake::shake_hands;
pub(crate) use refusal::TlsRefusal;

/// Everything a handshake needs, made whole from the files or not at all.
#[derive(Debug)]
pub(crate) struct TlsState {
    pub(crate) config: Arc<ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    /// When the server's own certificate ends.
    pub(crate) not_after: SystemTime,
}

impl TlsState {
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let loaded = files.read()?;
        let verifier = verifier::build(loaded.roots, loaded.revoked)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[_] = if files.tls12 {
            &[&rustls::version::TLS13, &rustls::version::TLS12]
        } else {
            &[&rustls::version::TLS13]
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_single_cert(loaded.chain, loaded.key)
            .map_err(TlsError::Pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Self {
            config: Arc::new(config),
            verifier,
            not_after: loaded.not_after,
        })
    }

    /// Whether a client that was let in would be let in now.
    pub(crate) fn still_trusts(&self, chain: &[CertificateDer<'_>]) -> bool {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return false;
        };
        self.verifier
            .verify_client_cert(leaf, intermediates, UnixTime::now())
            .is_ok()
    }
}
