//! TLS to a log service.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use lockgate_runtime::protocol::LogSetup;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};

use crate::address::Wire;
use crate::target::option;

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// The authorities that Debian and its like trust.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";
/// No file of certificates is longer.
const MAX_FILE: u64 = 4 << 20;

/// The options `syslog-tls-*`, read.
pub(crate) struct Settings(Arc<ClientConfig>);

impl Settings {
    pub(crate) fn of(setup: &LogSetup) -> io::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let roots = match option(setup, "syslog-tls-ca-cert") {
            Some(path) => roots(path).map_err(|error| {
                io::Error::other(format!("could not read CA certificate \"{path}\": {error}"))
            })?,
            None => roots(SYSTEM).unwrap_or_else(|_missing| RootCertStore::empty()),
        };
        let builder = if setup.options.contains_key("syslog-tls-skip-verify") {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            builder.with_root_certificates(roots)
        };
        let config = match (
            option(setup, "syslog-tls-cert"),
            option(setup, "syslog-tls-key"),
        ) {
            (Some(cert), Some(key)) => {
                let failed = |error: io::Error| {
                    io::Error::other(format!("could not load X509 key pair: {error}"))
                };
                let chain = certificates(cert).map_err(failed)?;
                let key = PrivateKeyDer::from_pem_slice(&read(key).map_err(failed)?)
                    .map_err(|error| failed(io::Error::other(error)))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(io::Error::other)?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Self(Arc::new(config)))
    }
}

/// Connects and shakes hands.
pub(crate) fn connect(settings: &Settings, host: &str, port: u16) -> io::Result<Tls> {
    let Wire::Tcp(mut stream) = Wire::dial("tcp", host, port)? else {
        return Err(io::Error::other("TLS needs TCP"));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection =
        ClientConnection::new(Arc::clone(&settings.0), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn roots(path: &str) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let (added, _ignored) = store.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(io::Error::other("no certificate in it"));
    }
    Ok(store)
}

fn certificates(path: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(io::Error::other)
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    let opened = fs::File::open(Path::new(path));
    let file = opened.map_err(|error| crate::address::in_go(&format!("open {path}"), &error))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `syslog-tls-skip-verify`: whoever answers is believed. Signatures are checked all the same.
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Anybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anybody")
    }
}
