//! The TLS side of the door: files, the server's settings, the handshake.
//!
//! Clients are proved against exactly the CA file given; nothing of the system's trust is ever
//! used. There is no resumption of any kind: a resumed session is not verified again, so it would
//! outlive a revocation.

mod anchors;
mod expiry;
mod files;
mod handshake;
mod refusal;
mod verifier;

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_pki::Revocations;
use lockgate_types::Timestamp;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};

pub use expiry::{Expiry, ExpiryKind};
pub use files::{TlsError, TlsFiles};
pub(crate) use handshake::shake_hands;
pub(crate) use refusal::TlsRefusal;

/// Everything a handshake needs, made whole from the files or not at all.
#[derive(Debug)]
pub(crate) struct TlsState {
    pub(crate) config: Arc<ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    revoked: Option<Arc<Revocations>>,
    /// What of it ends.
    pub(crate) expiries: Vec<Expiry>,
}

impl TlsState {
    /// Reads the files. A revocation list that cannot be used leaves the one that was in use
    /// `before`; without one before, nothing is believed.
    pub(crate) fn load(files: &TlsFiles, before: Option<&Self>) -> Result<Self, TlsError> {
        let loaded = files.read()?;
        let revoked = loaded
            .revoked
            .map(|fresh| choose(fresh, before))
            .transpose()?;
        let mut expiries = loaded.expiries;
        if let Some(lists) = &revoked {
            expiries.extend(expiry::of_lists(files, lists));
        }
        let verifier = verifier::build(loaded.roots, &loaded.authorities, revoked.clone())?;
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
            revoked,
            expiries,
        })
    }

    /// Of each kind of thing the first that ends.
    pub(crate) fn ends(&self) -> Vec<(&'static str, Timestamp)> {
        let mut first: BTreeMap<&'static str, Timestamp> = BTreeMap::new();
        for expiry in &self.expiries {
            let end = first.entry(expiry.kind.as_str()).or_insert(expiry.at);
            *end = (*end).min(expiry.at);
        }
        first.into_iter().collect()
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

/// The fresh list, or the last good one. What is kept still ends at its hard limit.
fn choose(
    fresh: Result<Revocations, TlsError>,
    before: Option<&TlsState>,
) -> Result<Arc<Revocations>, TlsError> {
    let known = before.and_then(|before| before.revoked.as_ref());
    let checked = fresh.and_then(|fresh| {
        let Some(known) = known else { return Ok(fresh) };
        fresh
            .check_newer_than(known, Timestamp::now())
            .map_err(TlsError::OldRevocation)?;
        Ok(fresh)
    });
    let lists = match (checked, known) {
        (Ok(fresh), _) => Arc::new(fresh),
        (Err(error), Some(known)) => {
            tracing::error!(error = %error, "REVOCATION LIST NOT RELOADED; the last good one stays in use");
            Arc::clone(known)
        }
        (Err(error), None) => return Err(error),
    };
    let now = Timestamp::now();
    if let Some(due) = lists.next_update().filter(|due| *due < now) {
        tracing::error!(%due, "THE REVOCATION LIST HAS EXPIRED; after its grace nobody is let in");
    }
    Ok(lists)
}
