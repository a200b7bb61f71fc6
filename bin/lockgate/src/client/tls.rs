//! TLS towards a daemon, and plain words for what goes wrong on it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, Error as TlsError};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::certificate::Summary;
use super::error::tls_cause;
use super::target::TlsFiles;
use super::verify::Verifier;
use crate::config::go_error;

/// A TLS failure: the sentence, and what the user can do.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsTrouble {
    sentence: String,
    hints: Vec<String>,
}

impl TlsTrouble {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            hints: Vec::new(),
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What the user can do.
    pub(crate) fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

impl fmt::Display for TlsTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Opens TLS connections with one set of files.
#[derive(Debug)]
pub(super) struct TlsConnector {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    own: Option<Summary>,
}

impl TlsConnector {
    /// Reads the files. The sentences are the ones docker's client says.
    pub(super) fn new(files: &TlsFiles) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = roots(files)?;
        let verifier = Arc::new(Verifier::new(roots, files.skip_verify, &provider)?);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>);
        let (mut config, own) = match (&files.cert, &files.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let own = chain.first().and_then(|leaf| Summary::read(leaf));
                let key = private_key(key)?;
                let config = builder.with_client_auth_cert(chain, key).map_err(|error| {
                    format!("could not load X509 key pair ({}): {error}", cert.display())
                })?;
                (config, own)
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(
                    "could not load X509 key pair: certificate and key belong together: \
                            give both --tlscert and --tlskey"
                        .to_owned(),
                );
            }
            (None, None) => (builder.with_no_client_auth(), None),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            verifier,
            own,
        })
    }

    /// The handshake over a connected stream.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TlsTrouble> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_name| TlsTrouble::new(format!("tls: invalid server name: {host}")))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        connector
            .connect(name, stream)
            .await
            .map_err(|error| match tls_cause(&error) {
                Some(cause) => self.explain(cause),
                None => self.explain_broken(&error),
            })
    }

    /// Says what a TLS error means, also one that comes after the handshake.
    pub(super) fn explain(&self, error: &TlsError) -> TlsTrouble {
        match error {
            TlsError::InvalidCertificate(_) => self.verifier.take_trouble().unwrap_or_else(|| {
                TlsTrouble::new(format!("tls: failed to verify certificate: {error}"))
            }),
            TlsError::AlertReceived(alert) => self.refused(*alert),
            TlsError::InvalidMessage(_) => TlsTrouble::new(
                "http: server gave HTTP response to HTTPS client",
            )
            .hint(
                "nothing speaks TLS there: leave out --tls and --tlsverify, or try the other port",
            ),
            other => TlsTrouble::new(format!("tls: {other}")),
        }
    }

    /// The connection ended without a word: most often a server that wants a certificate.
    pub(super) fn explain_broken(&self, error: &std::io::Error) -> TlsTrouble {
        let trouble = TlsTrouble::new(format!("tls: handshake: {}", go_error(error)));
        if self.own.is_some() {
            trouble
        } else {
            trouble.hint(NO_CERTIFICATE)
        }
    }

    fn refused(&self, alert: AlertDescription) -> TlsTrouble {
        use AlertDescription as A;
        let name = alert_name(alert);
        let trouble = match alert {
            A::BadCertificate | A::CertificateRequired | A::HandshakeFailure => {
                TlsTrouble::new(format!(
                    "the server probably has client authentication (--tlsverify) enabled; check \
                     your TLS client configuration: remote error: tls: {name}"
                ))
            }
            A::CertificateExpired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::UnsupportedCertificate => TlsTrouble::new(format!(
                "the server refused our client certificate: remote error: tls: {name}"
            )),
            _ => return TlsTrouble::new(format!("remote error: tls: {name}")),
        };
        match &self.own {
            None => trouble.hint(NO_CERTIFICATE),
            Some(own) => trouble.hint(format!("our client certificate is {own}")),
        }
    }
}

const NO_CERTIFICATE: &str =
    "no client certificate was given: use --tlscert and --tlskey, or DOCKER_CERT_PATH";
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An alert as Go calls it, which is what people search for.
fn alert_name(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let known = match alert {
        A::AccessDenied => "access denied",
        A::BadCertificate => "bad certificate",
        A::CertificateExpired => "expired certificate",
        A::CertificateRequired => "certificate required",
        A::CertificateRevoked => "revoked certificate",
        A::CertificateUnknown => "unknown certificate",
        A::DecryptError => "error decrypting message",
        A::HandshakeFailure => "handshake failure",
        A::InternalError => "internal error",
        A::ProtocolVersion => "protocol version not supported",
        A::UnknownCA => "unknown certificate authority",
        A::UnsupportedCertificate => "unsupported certificate",
        other => return format!("alert {other:?}"),
    };
    known.to_owned()
}

/// The authorities that a set trusts: its own, else the system's.
pub(super) fn roots(files: &TlsFiles) -> Result<Vec<CertificateDer<'static>>, String> {
    match &files.ca {
        Some(path) => certificates(path),
        None => Ok(certificates(Path::new(SYSTEM_ROOTS)).unwrap_or_default()),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(format!("no certificate in {}", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = read(path)?;
    if String::from_utf8_lossy(&bytes).contains("ENCRYPTED") {
        return Err(format!(
            "{}: the private key is encrypted; docker clients need it without a passphrase",
            path.display()
        ));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("open {}: {}", path.display(), go_error(&e)))
}
