//! The backend's errors as answers; the gate has the table of their statuses.

use std::fmt;

use http::StatusCode;
use lockgate_api::{FilterError, Operation, QueryError, UpgradeError, error_body, json};
use lockgate_gate::{Reply, body, status_of};
use lockgate_types::{ErrorKind, ReferenceError};

/// A refused or failed operation: whose fault, and the sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: ErrorKind,
    message: String,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The client's fault.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// An operation that Lockgate does not have.
    pub(crate) fn unbuilt(operation: Operation) -> Self {
        let message = format!("lockgate: {operation} is not implemented yet");
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Lockgate does not orchestrate; clients know this sentence.
    pub(crate) fn no_swarm() -> Self {
        Self::new(
            ErrorKind::Unavailable,
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" \
             to connect this node to swarm and try again.",
        )
    }

    /// The same fault in other words.
    pub(crate) fn map_message(self, change: impl FnOnce(String) -> String) -> Self {
        Self::new(self.kind, change(self.message))
    }

    pub(crate) fn status(&self) -> StatusCode {
        status_of(self.kind)
    }

    /// The answer: `{"message":"…"}`, or nothing where HTTP allows none.
    pub(crate) fn into_reply(self) -> Reply {
        let status = self.status();
        let mut response = http::Response::new(body::empty());
        if status != StatusCode::NOT_MODIFIED {
            response = http::Response::new(body::full(error_body(&self.message)));
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/json"),
            );
        }
        *response.status_mut() = status;
        Reply::Http(response)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! from_engine {
    ($($error:ident)*) => {
        $(impl From<lockgate_engine::$error> for Failure {
            fn from(error: lockgate_engine::$error) -> Self {
                Self::new(error.kind(), error.to_string())
            }
        })*
    };
}

from_engine! {
    AttachError ChangesError CommitError CreateError CreateVolumeError DiskUsageError ExecError FilesError FilterError InspectError KillError LogsError LookupError PauseError
    ImageError ImportImageError LoadImageError NetworkError PruneError RemoveError RemoveImageError RemoveVolumeError RenameError ResizeError RestartError StartError StatsError StopError
    TagImageError TopError UpdateError VolumeError WaitConditionError
}

macro_rules! from_input {
    ($($error:ty)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::invalid(error.to_string())
            }
        })*
    };
}

from_input! {
    FilterError QueryError UpgradeError json::JsonError json::ContentTypeError ReferenceError
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind, so that a new one is missed here and in the table.
    const KINDS: [ErrorKind; 13] = [
        ErrorKind::AlreadyExists,
        ErrorKind::Conflict,
        ErrorKind::Denied,
        ErrorKind::Exhausted,
        ErrorKind::Internal,
        ErrorKind::InvalidInput,
        ErrorKind::NotFound,
        ErrorKind::NotModified,
        ErrorKind::PreconditionFailed,
        ErrorKind::Timeout,
        ErrorKind::Unauthenticated,
        ErrorKind::Unavailable,
        ErrorKind::Unsupported,
    ];

    #[test]
    fn the_table_of_statuses_is_this() {
        let table: Vec<String> = KINDS
            .iter()
            .map(|kind| format!("{kind:?} {}", status_of(*kind).as_u16()))
            .collect();
        assert_eq!(
            table.join("\n"),
            "AlreadyExists 409\nConflict 409\nDenied 403\nExhausted 500\nInternal 500\n\
             InvalidInput 400\nNotFound 404\nNotModified 304\nPreconditionFailed 409\n\
             Timeout 504\nUnauthenticated 401\nUnavailable 503\nUnsupported 501"
        );
    }

    #[test]
    fn unbuilt_operations_are_named() {
        let failure = Failure::unbuilt(Operation::ImageBuild);
        assert_eq!(
            failure.to_string(),
            "lockgate: ImageBuild is not implemented yet"
        );
        assert_eq!(failure.status(), StatusCode::NOT_IMPLEMENTED);
    }

    #[test]
    fn not_modified_has_no_body() {
        let failure = Failure::new(ErrorKind::NotModified, "container x is already running");
        let Reply::Http(response) = failure.into_reply() else {
            panic!("hijacked")
        };
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert!(response.headers().is_empty());
    }
}
