//! What is attacked.

pub(crate) mod fixture;
mod spawn;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use serde_json::Value;

pub(crate) use spawn::Spawn;

use crate::authority::{Authority, Pair};
use crate::wire::{Answer, Wire};

/// An identity that the endpoint knows. Only `Admin` may have power over the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Admin,
    Operator,
    Viewer,
    Alice,
    Bob,
    /// An operator who builds, and whose calls have to keep to something of everything.
    Kept,
}

impl Who {
    fn folder(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Kept => "kept",
        }
    }
}

/// A running endpoint, and what is there for the cases.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) certs: PathBuf,
    pub(crate) policy: Option<PathBuf>,
    /// Whose key we have, if we may forge.
    pub(crate) authority: Option<Authority>,
    roots: RootCertStore,
}

impl Endpoint {
    pub(crate) fn open(address: SocketAddr, certs: &Path, policy: Option<PathBuf>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let ca = certs.join("ca.pem");
        let ca = CertificateDer::from_pem_file(&ca).with_context(|| ca.display().to_string())?;
        roots.add(ca)?;
        let endpoint = Self {
            address,
            certs: certs.to_owned(),
            policy,
            authority: Authority::open(certs).ok(),
            roots,
        };
        endpoint.furnish()?;
        Ok(endpoint)
    }

    /// The settings of a client that trusts the endpoint and shows nothing.
    pub(crate) fn bare(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig> {
        Ok(self.builder(versions)?.with_no_client_auth())
    }

    /// The settings of a client with this certificate.
    pub(crate) fn with(
        &self,
        pair: &Pair,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig> {
        let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes());
        let chain: Vec<_> = chain.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes())?;
        // Not looked at here: what is wrong with it is for the endpoint to find.
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?;
        let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        Ok(self
            .builder(versions)?
            .with_client_cert_resolver(Arc::new(shown)))
    }

    pub(crate) fn builder(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_root_certificates(self.roots.clone()))
    }

    /// The certificate of an identity.
    pub(crate) fn pair(&self, who: Who) -> Result<Pair> {
        let read = |name: &str| {
            let path = self.certs.join(who.folder()).join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        Ok(Pair {
            certificate: read("cert.pem")?,
            key: read("key.pem")?,
        })
    }

    pub(crate) fn connect(&self, who: Who) -> Result<Wire> {
        let config = self.with(&self.pair(who)?, rustls::ALL_VERSIONS)?;
        Wire::tls(self.address, Arc::new(config))
    }

    /// One request, and its answer.
    pub(crate) fn ask(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Answer> {
        self.ask_as(
            who,
            method,
            path,
            "application/json",
            body.map(str::as_bytes),
        )
    }

    /// The same with a body of another kind.
    pub(crate) fn ask_as(
        &self,
        who: Who,
        method: &str,
        path: &str,
        kind: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer> {
        let mut wire = self.connect(who)?;
        wire.patience(crate::wire::PATIENCE * 4)?;
        wire.send(request(method, path, kind, body));
        Ok(wire.answer(method == "HEAD"))
    }

    /// What the administrator sees of a container; null if it is not there.
    pub(crate) fn look(&self, container: &str) -> Result<Value> {
        let path = format!("/containers/{container}/json");
        let answer = self.ask(Who::Admin, "GET", &path, None)?;
        Ok(if answer.is_success() {
            answer.json()
        } else {
            Value::Null
        })
    }

    pub(crate) fn remove(&self, container: &str) -> Result<()> {
        let path = format!("/containers/{container}?force=1&v=1");
        self.ask(Who::Admin, "DELETE", &path, None).map(drop)
    }
}

/// A request that no proxy could complain of.
pub(crate) fn request(method: &str, path: &str, kind: &str, body: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: engine\r\n").into_bytes();
    if let Some(body) = body {
        let length = body.len();
        bytes.extend(format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n").into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body.unwrap_or_default());
    bytes
}
