//! What can go wrong between us and a daemon, in the sentences that docker users know.

use std::error::Error as _;
use std::io;

use http::StatusCode;

use super::tls::TlsTrouble;
use crate::failure::Failure;

/// Why a request has no answer, or a bad one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The daemon understood and refused.
    #[error("Error response from daemon: {message}")]
    Daemon { status: StatusCode, message: String },
    /// Nobody listens there.
    #[error("Cannot connect to the Docker daemon at {url}. Is the docker daemon running?")]
    NotRunning { url: String },
    /// The socket is not for us.
    #[error(
        "permission denied while trying to connect to the Docker daemon socket at unix://{path}: \
         {request}: dial unix {path}: connect: permission denied"
    )]
    Permission { path: String, request: String },
    /// The way to the daemon is broken.
    #[error("error during connect: {request}: {reason}")]
    Connect { request: String, reason: String },
    /// The TLS handshake failed, or our certificate was refused.
    #[error("error during connect: {request}: {trouble}")]
    Tls {
        request: String,
        trouble: TlsTrouble,
    },
    /// What came back is no HTTP.
    #[error("error during connect: {request}: net/http: malformed HTTP response{advice}")]
    Malformed {
        request: String,
        advice: &'static str,
    },
    /// An answer that should have been the start of a raw stream.
    #[error("unable to upgrade to tcp, received {0}")]
    NoUpgrade(u16),
    /// An answer whose body is not what the API promises.
    #[error("error reading the daemon's answer: {0}")]
    Answer(String),
    /// The connection broke while the answer was read.
    #[error("error reading the daemon's answer: {0}")]
    Broken(#[from] io::Error),
}

/// Docker's advice when something else than HTTP answers.
pub(super) const TLS_ADVICE: &str =
    ".\n* Are you trying to connect to a TLS-enabled daemon without TLS?";

impl ClientError {
    /// The status the daemon answered with, if it answered.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Daemon { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the daemon says that the object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// The daemon's own words, without the introduction.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Daemon { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// Whether no daemon could be spoken to at all.
    pub(crate) fn is_connection(&self) -> bool {
        !matches!(
            self,
            Self::Daemon { .. } | Self::Answer(_) | Self::NoUpgrade(_)
        )
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let ClientError::Broken(io) = &error
            && io.kind() == io::ErrorKind::BrokenPipe
        {
            return Self::new("").status(128 + 13);
        }
        let failure = Self::new(error.to_string());
        match &error {
            ClientError::Tls { trouble, .. } => {
                trouble.hints().into_iter().fold(failure, Self::hint)
            }
            _ => failure,
        }
    }
}

/// The innermost error that is an `io::Error`, and what it wraps.
pub(super) fn io_cause<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = Some(io);
        }
        next = error.source();
    }
    found
}

/// The TLS error inside an I/O error.
pub(super) fn tls_cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

/// The whole chain of a hyper error in one line.
pub(super) fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
