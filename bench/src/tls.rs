//! A TLS client that does the least a client can do.

use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

/// More than there are cores, so that the server never waits for a client.
const THREADS: usize = 4;

/// A connection on which hands have been shaken.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// With the certificate and the key in that folder. No session is resumed; the key exchange is one that every
/// server here has.
pub(crate) fn config(folder: &Path) -> Result<Arc<ClientConfig>> {
    let chain = CertificateDer::pem_file_iter(folder.join("cert.pem"))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let provider = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believer))
        .with_client_auth_cert(chain, key)?;
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Connects and shakes hands.
pub(crate) fn connect(port: u16, config: &Arc<ClientConfig>) -> Result<Stream> {
    let socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_nodelay(true)?;
    let name = ServerName::try_from("127.0.0.1")?;
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(config), name)?, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Shakes hands again and again on several threads; how many times. Each connection is read to the server's
/// end of it, which comes after the server has looked at the client's certificate.
pub(crate) fn shake_for(port: u16, config: &Arc<ClientConfig>, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    let work = || -> Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            let mut stream = connect(port, config)?;
            stream.conn.send_close_notify();
            stream.conn.complete_io(&mut stream.sock)?;
            stream.sock.shutdown(Shutdown::Write)?;
            drain(&mut stream).context("the server did not take the handshake")?;
            count += 1;
        }
        Ok(count)
    };
    std::thread::scope(|scope| {
        let mut all = Vec::with_capacity(THREADS);
        for _ in 0..THREADS {
            all.push(scope.spawn(work));
        }
        let mut sum = 0;
        for thread in all {
            sum += thread
                .join()
                .map_err(|_panic| anyhow!("a client panicked"))??;
        }
        Ok(sum)
    })
}

fn drain(stream: &mut Stream) -> io::Result<()> {
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // Go closes without a word.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Looks at nothing that the server shows: its half of the work is what is measured.
#[derive(Debug)]
struct Believer;

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
