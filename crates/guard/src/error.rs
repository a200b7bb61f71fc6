//! What goes wrong between this door and the daemon behind it.

use http::StatusCode;
use lockgate_api::{Operation, error_body};
use lockgate_gate::{Reply, body};
use lockgate_types::ErrorKind;

/// Why an address of the upstream daemon cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Not a unix socket.
    #[error(
        "`{0}` is no address of a daemon to guard: it must be unix:///PATH, such as unix:///var/run/docker.sock"
    )]
    Scheme(String),
    /// Not an absolute path.
    #[error("`{0}` must name an absolute path, as in unix:///var/run/docker.sock")]
    Relative(String),
}

impl UpstreamError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Relative(_) | Self::Scheme(_) => ErrorKind::InvalidInput,
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
    /// A kind of stream that is not relayed.
    #[error("lockgate: {0} is not implemented in guard mode yet")]
    Unbuilt(Operation),
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
            Self::Patched { .. } => ErrorKind::Denied,
            Self::Unbuilt(_) => ErrorKind::Unsupported,
            Self::Unwritable(_) => ErrorKind::InvalidInput,
        }
    }

    /// The status of the answer. Failures of the upstream are a gateway's: 502 (RFC 9110, 15.6.3).
    fn status(&self) -> StatusCode {
        match self {
            Self::BrokeOff { .. } | Self::Strange { .. } | Self::Unreachable { .. } => {
                StatusCode::BAD_GATEWAY
            }
            Self::Patched { .. } => StatusCode::FORBIDDEN,
            Self::Unbuilt(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unwritable(_) => StatusCode::BAD_REQUEST,
        }
    }

    pub(crate) fn into_reply(self) -> Reply {
        let mut response = http::Response::new(body::full(error_body(&self.to_string())));
        *response.status_mut() = self.status();
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        Reply::Http(response)
    }
}
