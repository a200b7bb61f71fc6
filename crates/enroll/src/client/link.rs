//! One connection to the authority.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lockgate_pki::{CertificateInfo, KeyError};
use lockgate_types::ErrorKind;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error as TlsError};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::Trusting;
use crate::binding::{self, Exported};
use crate::resolve::lookup;
use crate::token::{TokenError, split_address};
use crate::wire::Problem;

/// Why the authority did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is none.
    #[error("`{0}` is no address of an authority: write HOST:PORT")]
    Address(String),
    /// Nobody answers.
    #[error("cannot reach the authority at {address}: {reason}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// Somebody else answers.
    #[error(
        "whoever answers at {0} is NOT the authority that invited you (its public key is another \
         one): nothing was sent; ask who invited you, and do not try again over this network"
    )]
    WrongPin(String),
    /// The certificate of the authority is for other names.
    #[error(
        "the authority answers at {0}, but its certificate does not name that address: dial a name it has"
    )]
    WrongName(String),
    /// Our certificate is refused, or TLS fails.
    #[error("the authority at {address} and we do not understand each other: {reason}")]
    Tls {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// It said no.
    #[error("{message}")]
    Refused {
        /// A stable word.
        reason: String,
        /// Its own words.
        message: String,
    },
    /// It said something that is no answer.
    #[error("the authority at {address} gave no sensible answer: {reason}")]
    Answer {
        /// Where.
        address: String,
        /// What.
        reason: String,
    },
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Our key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Our certificate and key.
    #[error("our own certificate and key cannot be used: {0}")]
    Own(String),
    /// Nothing to trust.
    #[error("there is no CA certificate to prove the authority with")]
    NoRoots,
}

impl LinkError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Address(_) | Self::NoRoots | Self::Own(_) => ErrorKind::InvalidInput,
            Self::Answer { .. } | Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::WrongPin(_) | Self::WrongName(_) | Self::Tls { .. } => ErrorKind::Unauthenticated,
            Self::Refused { .. } => ErrorKind::Denied,
            Self::Token(error) => error.kind(),
            Self::Key(error) => error.kind(),
        }
    }
}

/// A certificate of ours and its key.
#[derive(Debug)]
pub struct Credentials {
    /// The certificate, and what leads to the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    address: String,
    sender: SendRequest<Full<Bytes>>,
    /// The connection while it runs; how it ended is often the reason why a request did.
    connection: Option<JoinHandle<Result<(), hyper::Error>>>,
    exported: Exported,
    /// Our certificate, for people.
    ours: String,
}

impl Link {
    /// Connects and proves the authority.
    pub async fn open(
        address: &str,
        trusting: &Trusting,
        credentials: Option<&Credentials>,
    ) -> Result<Self, LinkError> {
        let (host, port) =
            split_address(address).ok_or_else(|| LinkError::Address(address.to_owned()))?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_no_name| LinkError::Address(address.to_owned()))?;
        let config = config(trusting, credentials)?;
        let ours = credentials.map(own_name).unwrap_or_default();
        let socket = tokio::time::timeout(PATIENCE, dial(host, port))
            .await
            .unwrap_or_else(|_late| Err("no answer in time".to_owned()))
            .map_err(|reason| unreachable(address, reason))?;
        let shake = TlsConnector::from(Arc::new(config)).connect(name, socket);
        let stream = tokio::time::timeout(PATIENCE, shake)
            .await
            .map_err(|_late| unreachable(address, "no answer in time".to_owned()))?
            .map_err(|error| of_tls(address, trusting, &ours, &error))?;
        let exported = binding::of_client(stream.get_ref().1)
            .map_err(|error| tls(address, error.to_string()))?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(address, error.to_string()))?;
        Ok(Self {
            address: address.to_owned(),
            sender,
            connection: Some(tokio::spawn(connection)),
            exported,
            ours,
        })
    }

    pub(super) fn exported(&self) -> &Exported {
        &self.exported
    }

    pub(super) async fn post<M: Serialize, T: DeserializeOwned>(
        &mut self,
        path: &str,
        message: &M,
    ) -> Result<T, LinkError> {
        let body = serde_json::to_vec(message).map_err(|e| self.no_answer(e.to_string()))?;
        let answer = self.call(Method::POST, path, body, PATIENCE).await?;
        answer.ok_or_else(|| self.no_answer("nothing".to_owned()))
    }

    /// `None` if the authority has nothing new; `wait` is how many seconds it may take to say so.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        wait: u32,
    ) -> Result<Option<T>, LinkError> {
        let patience = PATIENCE + Duration::from_secs(wait.into());
        self.call(Method::GET, path, Vec::new(), patience).await
    }

    async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Option<T>, LinkError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.no_answer(error.to_string()))?;
        let exchange = async {
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok::<_, hyper::Error>((status, body.map(http_body_util::Collected::to_bytes)))
        };
        let exchanged = tokio::time::timeout(patience, exchange)
            .await
            .map_err(|_late| unreachable(&self.address, "no answer in time".to_owned()))?;
        let (status, body) = match exchanged {
            Ok(answer) => answer,
            Err(error) => return Err(self.ended(error).await),
        };
        let body = body.map_err(|error| self.no_answer(error.to_string()))?;
        match status {
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::OK => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|error| self.no_answer(error.to_string())),
            _ => Err(self.refused(status, &body)),
        }
    }

    /// Why there was no answer. With TLS 1.3 a refused certificate shows only after the handshake, and it
    /// depends on the moment whether the request or its connection is told.
    async fn ended(&mut self, error: hyper::Error) -> LinkError {
        if !error.is_canceled() {
            return of_hyper(&self.address, &self.ours, &error);
        }
        let connection = async {
            match self.connection.take() {
                Some(connection) => connection.await.ok()?.err(),
                None => None,
            }
        };
        let told = tokio::time::timeout(LAST_WORDS, connection).await;
        let error = told.ok().flatten().unwrap_or(error);
        of_hyper(&self.address, &self.ours, &error)
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> LinkError {
        match serde_json::from_slice::<Problem>(body) {
            Ok(Problem { reason, message }) => LinkError::Refused { reason, message },
            Err(_not_ours) => self.no_answer(format!("status {status}")),
        }
    }

    fn no_answer(&self, reason: String) -> LinkError {
        LinkError::Answer {
            address: self.address.clone(),
            reason,
        }
    }
}

fn config(
    trusting: &Trusting,
    credentials: Option<&Credentials>,
) -> Result<ClientConfig, LinkError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = trusting.verifier(Arc::clone(&provider))?;
    let own = |error: TlsError| LinkError::Own(error.to_string());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(own)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match credentials {
        Some(ours) => builder
            .with_client_auth_cert(ours.chain.clone(), ours.key.clone_key())
            .map_err(own)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = lookup(host).await.map_err(|error| error.to_string())?;
    let mut reason = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect((address, port)).await {
            Ok(socket) => {
                socket
                    .set_nodelay(true)
                    .map_err(|error| error.to_string())?;
                return Ok(socket);
            }
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

fn unreachable(address: &str, reason: String) -> LinkError {
    LinkError::Unreachable {
        address: address.to_owned(),
        reason,
    }
}

fn tls(address: &str, reason: String) -> LinkError {
    LinkError::Tls {
        address: address.to_owned(),
        reason,
    }
}

fn of_tls(address: &str, trusting: &Trusting, ours: &str, error: &std::io::Error) -> LinkError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(TlsError::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => match trusting {
            Trusting::Pin(_) => LinkError::WrongPin(address.to_owned()),
            Trusting::Roots(_) => tls(address, "its certificate is of no CA that we trust".into()),
        },
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => LinkError::WrongName(address.to_owned()),
        Some(error) => tls(address, said(error, ours)),
        None => unreachable(address, error.to_string()),
    }
}

/// With TLS 1.3, that our certificate is refused shows only when the answer is read.
fn of_hyper(address: &str, ours: &str, error: &hyper::Error) -> LinkError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>();
        let found = io.and_then(|io| io.get_ref()?.downcast_ref::<TlsError>());
        if let Some(error) = found {
            return tls(address, said(error, ours));
        }
        cause = inner.source();
    }
    unreachable(address, error.to_string())
}

/// Which certificate we show: there may be several on a host.
fn own_name(ours: &Credentials) -> String {
    let leaf = ours.chain.first();
    let info = leaf.and_then(|leaf| CertificateInfo::from_der(leaf).ok());
    info.map_or_else(String::new, |info| {
        let (subject, serial, until) = (info.subject, info.serial, info.not_after);
        format!(" {subject} (serial {serial}, until {until})")
    })
}

fn said(error: &TlsError, ours: &str) -> String {
    match error {
        TlsError::AlertReceived(AlertDescription::CertificateExpired) => {
            format!(
                "our certificate{ours} has expired, and its grace is over; ask for a new invitation"
            )
        }
        TlsError::AlertReceived(AlertDescription::CertificateRevoked) => {
            format!("our certificate{ours} is revoked")
        }
        TlsError::AlertReceived(AlertDescription::UnknownCA) => {
            format!("our certificate{ours} is of another authority")
        }
        other => other.to_string(),
    }
}

/// How long the end of a connection may take that ended already.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a connection, and an ordinary answer, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than a list of four million entries.
const LONGEST: usize = 384 << 20;
