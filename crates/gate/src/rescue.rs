//! The gate's own refusals, and the one table of their answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use lockgate_access::{Denied, ElevateError, FactsError};
use lockgate_api::{Redirect, RouteError, error_body};
use lockgate_types::ErrorKind;

use crate::backend::LookUpError;
use crate::body::{self, Body};
use crate::quota::Exceeded;
use crate::wire::HeadError;

/// Why a request does not reach the backend, or gets no answer from it. `Display` is for the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// A body of the door's own that means nothing.
    #[error("the request body cannot be used: {0}")]
    BadBody(String),
    /// A judged body that broke off, or whose framing did.
    #[error("the request body broke off")]
    BodyBroken,
    /// A judged body that took too long.
    #[error("the request body did not arrive in time")]
    BodySlow,
    /// A body beyond its limit.
    #[error("the request body is larger than {limit} bytes, which is the limit here")]
    BodyTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// A web page asks.
    #[error("requests from web pages are refused: {0}")]
    Browser(&'static str),
    /// Policy or the audit trail.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A role that is not lent.
    #[error(transparent)]
    Elevate(#[from] ElevateError),
    /// A body that cannot be judged.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A head that is refused.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The backend panicked, or answered what the call cannot be answered with.
    #[error("internal error; please report it with the daemon's log")]
    Internal,
    /// The door's own endpoints are for this machine.
    #[error("this is answered on the daemon's unix socket alone")]
    LocalOnly,
    /// There is no such elevation, or no more.
    #[error("no such elevation: {0}")]
    NoElevation(String),
    /// What the call is about cannot be found out, so it cannot be judged.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    /// The identity has had its share.
    #[error(transparent)]
    Quota(#[from] Exceeded),
    /// No call.
    #[error(transparent)]
    Route(#[from] RouteError),
}

impl Refused {
    /// The status of the answer. The gate's half of the table whose other half is `rest::error`.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadBody(_) | Self::BodyBroken | Self::BodyTooLarge { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Elevate(error) => status_of(error.kind()),
            Self::NoElevation(_) => StatusCode::NOT_FOUND,
            Self::BodySlow => StatusCode::REQUEST_TIMEOUT,
            Self::Browser(_) | Self::LocalOnly => StatusCode::FORBIDDEN,
            Self::Denied(denied) => status_of(denied.kind()),
            Self::Facts(error) => status_of(error.kind()),
            Self::Head(error) => of_head(*error),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::LookUp(_) => StatusCode::BAD_GATEWAY,
            Self::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Route(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
        }
    }

    /// A stable word for the audit trail; `None` if the refusal has its own record.
    pub(crate) fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::BodyBroken => "broken_body",
            Self::BodySlow => "slow_body",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::Browser(_) => "web_page",
            Self::BadBody(_)
            | Self::Denied(_)
            | Self::Elevate(_)
            | Self::Internal
            | Self::NoElevation(_) => return None,
            Self::Facts(_) => "unreadable_body",
            Self::LocalOnly => "local_only",
            Self::LookUp(_) => "unknown_objects",
            Self::Quota(_) => "too_many_requests",
            Self::Head(error) => error.word(),
            Self::Route(RouteError::PageNotFound) => "unknown_path",
            Self::Route(
                RouteError::BadPath
                | RouteError::NeedsVersion { .. }
                | RouteError::Redirect(_)
                | RouteError::TooNew(_)
                | RouteError::TooOld(_),
            ) => "unusable_path",
        })
    }

    /// Whether the answer carries the API's headers.
    pub(crate) fn headers(&self) -> ApiHeaders {
        match self {
            Self::BadBody(_)
            | Self::Denied(_)
            | Self::Elevate(_)
            | Self::Facts(_)
            | Self::Internal
            | Self::NoElevation(_)
            | Self::LocalOnly
            | Self::LookUp(_)
            | Self::Quota(_)
            | Self::BodyTooLarge { .. } => ApiHeaders::All,
            Self::Route(error) if error.has_api_headers() => ApiHeaders::NotExperimental,
            Self::BodyBroken
            | Self::BodySlow
            | Self::Browser(_)
            | Self::Head(_)
            | Self::Route(_) => ApiHeaders::None,
        }
    }

    /// The answer, but for the API's headers.
    pub(crate) fn answer(&self) -> Response<Body> {
        let message = self.to_string();
        if let Self::Route(RouteError::Redirect(redirect)) = self {
            return moved(redirect, self.status());
        }
        let (kind, bytes) = if self.is_plain_text() {
            (
                "text/plain; charset=utf-8",
                format!("{message}\n").into_bytes(),
            )
        } else {
            ("application/json", error_body(&message))
        };
        let mut response = Response::new(body::full(Bytes::from(bytes)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if matches!(self, Self::Head(_) | Self::BodyBroken | Self::BodySlow) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn is_plain_text(&self) -> bool {
        matches!(self, Self::Route(error) if error.is_plain_text())
    }
}

/// Nothing but the place, as dockerd answers.
fn moved(redirect: &Redirect, status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body::full(Bytes::new()));
    *response.status_mut() = status;
    if let Ok(location) = HeaderValue::from_str(redirect.location()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Which of the API's headers an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiHeaders {
    All,
    None,
    NotExperimental,
}

/// The one table from the kind of an error to the status that Docker's clients expect, of the gate's
/// refusals and of the backend's errors alike.
pub const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::AlreadyExists | ErrorKind::Conflict | ErrorKind::PreconditionFailed => {
            StatusCode::CONFLICT
        }
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Exhausted | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::InvalidInput => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::NotModified => StatusCode::NOT_MODIFIED,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
    }
}

fn of_head(error: HeadError) -> StatusCode {
    match error {
        HeadError::BareLineFeed
        | HeadError::Chunk
        | HeadError::Grpc
        | HeadError::Http2
        | HeadError::Length
        | HeadError::MissingHost
        | HeadError::Syntax
        | HeadError::Tls => StatusCode::BAD_REQUEST,
        HeadError::Timeout => StatusCode::REQUEST_TIMEOUT,
        HeadError::TooLarge | HeadError::TooManyFields => {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every refusal of the gate: record, status, text.
    #[test]
    fn the_table_of_refusals() {
        let heads = [
            HeadError::BareLineFeed,
            HeadError::Chunk,
            HeadError::Grpc,
            HeadError::Http2,
            HeadError::Length,
            HeadError::MissingHost,
            HeadError::Syntax,
            HeadError::Timeout,
            HeadError::Tls,
            HeadError::TooLarge,
            HeadError::TooManyFields,
        ];
        let others = [
            Refused::BodyBroken,
            Refused::BodySlow,
            Refused::BodyTooLarge { limit: 7 },
            Refused::Browser("x"),
            Refused::Internal,
            Refused::LookUp(LookUpError("x".to_owned())),
            Refused::Quota(Exceeded::Requests(5)),
            Refused::Quota(Exceeded::Streams(5)),
            Refused::Quota(Exceeded::Execs(5)),
            Refused::Quota(Exceeded::Builds(5)),
            Refused::Quota(Exceeded::Bodies(5)),
            Refused::Route(RouteError::PageNotFound),
            Refused::Route(RouteError::BadPath),
        ];
        let all = heads.into_iter().map(Refused::Head).chain(others);
        let table: Vec<String> = all
            .map(|refused| {
                let word = refused.word().unwrap_or("-");
                format!("{word} {} {refused}", refused.status().as_u16())
            })
            .collect();
        assert_eq!(table.join("\n"), TABLE.trim());
    }

    const TABLE: &str = "
bare_line_feed 400 a line of the request head ends in a bare line feed
malformed_chunk 400 malformed chunked encoding
grpc 400 gRPC is not spoken here
http2 400 HTTP/2 is not spoken here; use HTTP/1.1
ambiguous_length 400 the length of the request body is ambiguous
missing_host 400 missing required Host header
malformed_request 400 malformed HTTP request
slow_head 408 the request head did not arrive in time
tls_on_plain_socket 400 client sent a TLS handshake to a socket without TLS
head_too_large 431 the request head is too large
too_many_fields 431 the request has too many header fields
broken_body 400 the request body broke off
slow_body 408 the request body did not arrive in time
body_too_large 400 the request body is larger than 7 bytes, which is the limit here
web_page 403 requests from web pages are refused: x
- 500 internal error; please report it with the daemon's log
unknown_objects 502 x
too_many_requests 429 too many requests in a second; the limit of this identity is 5
too_many_requests 429 too many streams at one time; the limit of this identity is 5
too_many_requests 429 too many exec sessions at one time; the limit of this identity is 5
too_many_requests 429 too many builds at one time; the limit of this identity is 5
too_many_requests 429 too much in request bodies at one time; the limit of this identity is 5 bytes
unknown_path 404 page not found
unusable_path 400 bad request target
";
}
