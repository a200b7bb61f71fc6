//! What goes wrong between this door and the daemon behind it.

use http::StatusCode;
use lockgate_access::Kind;
use lockgate_api::{FilterError, Operation, error_body};
use lockgate_gate::Reply;
use lockgate_gate::websocket::HandshakeError;
use lockgate_types::ErrorKind;

use crate::answer;

/// Why an address of the upstream daemon cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Neither a unix socket nor a TCP address.
    #[error(
        "`{0}` is no address of a daemon to guard: it must be unix:///PATH, such as unix:///var/run/docker.sock, or tcp://HOST:PORT"
    )]
    Scheme(String),
    /// A TCP address without a host or a port.
    #[error("`{0}` must name a host and a port, as in tcp://dockerhost:2376")]
    Address(String),
    /// Whoever is on the way could read and change everything.
    #[error(
        "`{0}` without TLS would show everything to whoever is on the way: name --guard-tlscacert, --guard-tlscert and --guard-tlskey (for tests on a loopback address there is --guard-insecure-loopback)"
    )]
    Plain(String),
    /// TLS files for a unix socket.
    #[error("--guard-tlscacert and its like are for tcp://, not for `{0}`")]
    NoTls(String),
    /// A certificate without its key, or the other way round.
    #[error("--guard-tlscert and --guard-tlskey belong together")]
    Half,
    /// Nobody is said to be believed.
    #[error(
        "--guard-tlscert and --guard-tls-crl need --guard-tlscacert: who signed the certificate of the daemon"
    )]
    NoAuthority,
    /// The TLS files cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not an absolute path.
    #[error("`{0}` must name an absolute path, as in unix:///var/run/docker.sock")]
    Relative(String),
}

impl UpstreamError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Address(_)
            | Self::File { .. }
            | Self::Half
            | Self::NoAuthority
            | Self::NoTls(_)
            | Self::Plain(_)
            | Self::Relative(_)
            | Self::Scheme(_) => ErrorKind::InvalidInput,
        }
    }
}

/// Why a call got no answer from the upstream daemon. `Display` is for the client.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Nobody listens.
    #[error("lockgate: the daemon behind this door, {upstream}, cannot be reached: {source}")]
    Unreachable {
        /// Its address.
        upstream: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It broke off.
    #[error("lockgate: the daemon behind this door, {upstream}, broke off without an answer: {source}; {}", consequence(*mutates))]
    BrokeOff {
        /// Its address.
        upstream: String,
        /// Whether the call may have changed something.
        mutates: bool,
        /// How.
        source: hyper::Error,
    },
    /// It answered with something that is no answer to this call.
    #[error(
        "lockgate: the daemon behind this door, {upstream}, gave an answer that cannot be relayed: {what}"
    )]
    Strange {
        /// Its address.
        upstream: String,
        /// What is strange.
        what: &'static str,
    },
    /// A virtual patch refuses.
    #[error(
        "lockgate: refused by virtual patch {id}: {why}; upgrade the daemon, or start lockgated with --guard-without={id}"
    )]
    Patched {
        /// The name of the patch.
        id: &'static str,
        /// What it refuses.
        why: &'static str,
    },
    /// What the judged call is about is not there, in the stock daemon's words.
    #[error("{}", kind.not_there(name))]
    NotThere {
        /// What it is.
        kind: Kind,
        /// As it was named.
        name: String,
    },
    /// Nobody can tell whose the objects of this operation are.
    #[error(
        "lockgate: {0} is not for a role with `own`: what there is of services, secrets and plugins has no owner"
    )]
    Unowned(Operation),
    /// The opening handshake of a WebSocket is none.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// Filters that cannot be read.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The client's body has no end, or is longer than it may be.
    #[error("lockgate: the body of the request broke off before its end: {reason}")]
    Upload {
        /// How.
        reason: String,
    },
    /// The call cannot be written as a request.
    #[error("lockgate: the call cannot be passed on: {0}")]
    Unwritable(#[from] http::Error),
}

fn consequence(mutates: bool) -> &'static str {
    if mutates {
        "whether the call was carried out is not known"
    } else {
        "try again"
    }
}

impl GuardError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BrokeOff { .. } | Self::Strange { .. } | Self::Unreachable { .. } => {
                ErrorKind::Unavailable
            }
            Self::Patched { .. } | Self::Unowned(_) => ErrorKind::Denied,
            Self::NotThere { .. } => ErrorKind::NotFound,
            Self::Filter(_) | Self::Handshake(_) | Self::Unwritable(_) | Self::Upload { .. } => {
                ErrorKind::InvalidInput
            }
        }
    }

    /// The status of the answer. Failures of the upstream are a gateway's: 502 (RFC 9110, 15.6.3).
    fn status(&self) -> StatusCode {
        match self {
            Self::BrokeOff { .. } | Self::Strange { .. } | Self::Unreachable { .. } => {
                StatusCode::BAD_GATEWAY
            }
            Self::Patched { .. } | Self::Unowned(_) => StatusCode::FORBIDDEN,
            Self::NotThere { .. } => StatusCode::NOT_FOUND,
            Self::Filter(_) | Self::Handshake(_) | Self::Unwritable(_) | Self::Upload { .. } => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    pub(crate) fn into_reply(self) -> Reply {
        let body = error_body(&self.to_string());
        Reply::Http(answer::json(self.status(), body))
    }
}
