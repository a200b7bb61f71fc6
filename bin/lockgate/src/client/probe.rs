//! A look at what answers at an address, without trusting it: plain HTTP, TLS in each version, the
//! certificate, whether it asks for ours. Nothing is sent that a daemon would act on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, ProtocolVersion,
    SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use x509_parser::prelude::{FromDer, X509Name};

use super::target::TlsFiles;
use super::tls::{TlsTrouble, roots};
use super::verify::Verifier;

/// How long each single step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than this no answer needs for us to know what it is.
const ANSWER_MAX: u64 = 4096;

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'s> {
    pub(crate) host: &'s str,
    pub(crate) port: u16,
}

/// Why nobody answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    /// The name has no address.
    #[error("{0}")]
    Name(String),
    /// The port is closed.
    #[error("connection refused")]
    Refused,
    /// Nothing came back in time.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// The system says why.
    #[error("{0}")]
    System(String),
}

/// What an answer to plain HTTP was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// The API, to anybody.
    Api,
    /// Something else, most often the advice to use TLS.
    Other,
}

/// What a handshake without a certificate of ours showed.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// Why its certificate is not to be trusted.
    pub(crate) verdict: Option<(CertificateError, TlsTrouble)>,
    /// Whose certificates it wants; `None` if it wants none.
    pub(crate) wants: Option<Vec<String>>,
    /// Whether it answered a request without knowing who we are.
    pub(crate) admitted: bool,
}

impl Site<'_> {
    async fn connect(&self) -> Result<TcpStream, Unreachable> {
        let addresses = lockgate_enroll::lookup(self.host)
            .await
            .map_err(|error| Unreachable::Name(error.to_string()))?;
        let mut last = Unreachable::Silent;
        for address in addresses {
            match timeout(PATIENCE, TcpStream::connect((address, self.port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    last = Unreachable::Refused;
                }
                Ok(Err(error)) => last = Unreachable::System(crate::config::go_error(&error)),
                Err(_elapsed) => last = Unreachable::Silent,
            }
        }
        Err(last)
    }

    /// Says what plain HTTP brings.
    pub(crate) async fn plain(&self) -> Result<Plain, Unreachable> {
        let mut stream = self.connect().await?;
        let answer = exchange(&mut stream, &ping(self.host)).await;
        Ok(if is_api(&answer) {
            Plain::Api
        } else {
            Plain::Other
        })
    }

    /// Makes a handshake without a certificate; `Err` is why there is no TLS.
    pub(crate) async fn handshake(
        &self,
        files: &TlsFiles,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Seen, String> {
        let stream = self.connect().await.map_err(|error| error.to_string())?;
        let observer = Arc::new(Observer::new(files)?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&observer) as Arc<dyn ServerCertVerifier>)
            .with_client_cert_resolver(Arc::clone(&observer) as Arc<dyn ResolvesClientCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(self.host.to_owned())
            .map_err(|_name| format!("tls: invalid server name: {}", self.host))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let connected = timeout(PATIENCE, connector.connect(name, stream)).await;
        let connected = connected.map_err(|_elapsed| Unreachable::Silent.to_string())?;
        let (version, admitted) = match connected {
            Ok(mut stream) => {
                let version = stream.get_ref().1.protocol_version();
                let answer = exchange(&mut stream, &ping(self.host)).await;
                (version, is_api(&answer))
            }
            // TLS 1.2 refuses a client without a certificate within the handshake.
            Err(_) if observer.notes().wants.is_some() => (None, false),
            Err(error) => return Err(crate::config::go_error(&error)),
        };
        let notes = std::mem::take(&mut *observer.notes());
        Ok(Seen {
            version,
            chain: notes.chain,
            verdict: notes.verdict,
            wants: notes.wants,
            admitted,
        })
    }

    /// Whether it still speaks TLS 1.0, which our own library cannot: a hello by hand.
    pub(crate) async fn speaks_tls10(&self) -> bool {
        let Ok(mut stream) = self.connect().await else {
            return false;
        };
        let answer = exchange(&mut stream, &hello_tls10()).await;
        // A handshake record (22) with a server's hello (2); a refusal is an alert (21).
        answer.first() == Some(&22) && answer.get(5) == Some(&2)
    }
}

fn ping(host: &str) -> Vec<u8> {
    format!("GET /_ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes()
}

fn is_api(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let ok = text.starts_with("HTTP/1.1 200") || text.starts_with("HTTP/1.0 200");
    ok && text.to_ascii_lowercase().contains("\r\napi-version:")
}

/// Sends, and reads what comes until the end, the limit or our patience is reached.
async fn exchange(
    stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    bytes: &[u8],
) -> Vec<u8> {
    let mut answer = Vec::new();
    let reading = async {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        let mut part = [0; 1024];
        while (answer.len() as u64) < ANSWER_MAX {
            let count = stream.read(&mut part).await?;
            if count == 0 {
                break;
            }
            answer.extend(part.iter().take(count));
            let is_tls = answer.first().is_some_and(|byte| matches!(byte, 21 | 22));
            if is_tls && answer.len() > 5 || answer.windows(4).any(|four| four == b"\r\n\r\n") {
                break;
            }
        }
        io::Result::Ok(())
    };
    // Whatever ended it: what was read until then is the answer.
    drop(timeout(PATIENCE, reading).await);
    answer
}

/// A client's hello of TLS 1.0 with suites of its time.
fn hello_tls10() -> Vec<u8> {
    const VERSION: [u8; 2] = [3, 1];
    const SUITES: [u8; 10] = [0xc0, 0x09, 0xc0, 0x13, 0xc0, 0x0a, 0xc0, 0x14, 0x00, 0x2f];
    // supported_groups: secp256r1; ec_point_formats: uncompressed.
    const EXTENSIONS: [u8; 14] = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
    let mut body = VERSION.to_vec();
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend([0, 10]);
    body.extend(SUITES);
    body.extend([1, 0, 0, 14]);
    body.extend(EXTENSIONS);
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[derive(Debug, Default)]
struct Notes {
    chain: Vec<CertificateDer<'static>>,
    verdict: Option<(CertificateError, TlsTrouble)>,
    wants: Option<Vec<String>>,
}

/// Lets everybody pass and writes down what it saw. Only a probe that sends nothing secret may.
#[derive(Debug)]
struct Observer {
    judge: Verifier,
    notes: Mutex<Notes>,
}

impl Observer {
    fn new(files: &TlsFiles) -> Result<Self, String> {
        let roots = roots(files)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        Ok(Self {
            judge: Verifier::new(roots, files.skip_verify, &provider)?,
            notes: Mutex::default(),
        })
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let judged = self.judge.verify_server_cert(leaf, chain, name, ocsp, now);
        let mut notes = self.notes();
        notes.chain = std::iter::once(leaf)
            .chain(chain)
            .map(|der| der.clone().into_owned())
            .collect();
        if let Err(TlsError::InvalidCertificate(why)) = judged {
            let trouble = self.judge.take_trouble();
            let trouble = trouble.unwrap_or_else(|| TlsTrouble::new(format!("x509: {why}")));
            notes.verdict = Some((why, trouble));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

impl ResolvesClientCert for Observer {
    fn resolve(
        &self,
        issuers: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let names = issuers
            .iter()
            .filter_map(|der| X509Name::from_der(der).ok());
        self.notes().wants = Some(names.map(|(_, name)| name.to_string()).collect());
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_hello_has_the_lengths_it_states() {
        let hello = hello_tls10();
        assert_eq!(usize::from(hello[4]), hello.len() - 5);
        assert_eq!(usize::from(hello[8]), hello.len() - 9);
    }

    #[test]
    fn only_a_daemon_s_answer_is_the_api() {
        assert!(is_api(b"HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\n\r\nOK"));
        assert!(!is_api(b"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n"));
        assert!(!is_api(
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        ));
    }
}
