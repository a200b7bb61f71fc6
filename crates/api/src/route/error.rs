//! Why a request is no call, and what is answered.

use super::Method;
use crate::ApiVersion;

/// Why a request is no call. `Display` is the message for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The target is no path at all: 400.
    #[error("bad request target")]
    BadPath,
    /// No such path, or not with this method: 404 without any of the API's headers.
    #[error("page not found")]
    PageNotFound,
    /// The path has a cleaner spelling: 301.
    #[error("moved to {0}")]
    Redirect(Redirect),
    /// The endpoint is younger than the version asked for: 400.
    #[error("{} {pattern} requires minimum API version {since}", .method.as_str())]
    NeedsVersion {
        /// The method.
        method: Method,
        /// The pattern of the endpoint.
        pattern: &'static str,
        /// The first version that has it.
        since: ApiVersion,
    },
    /// 400.
    #[error(
        "client version {0} is too new. Maximum supported API version is {max}",
        max = ApiVersion::MAX
    )]
    TooNew(String),
    /// 400, as plain text: clients this old do not read JSON errors.
    #[error(
        "client version {0} is too old. Minimum supported API version is {min}, \
         please upgrade your client to a newer version",
        min = ApiVersion::MIN
    )]
    TooOld(String),
}

impl RouteError {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadPath | Self::NeedsVersion { .. } | Self::TooNew(_) | Self::TooOld(_) => 400,
            Self::PageNotFound => 404,
            Self::Redirect(_) => 301,
        }
    }

    /// Whether the message goes out as plain text and not as `{"message":…}`.
    pub fn is_plain_text(&self) -> bool {
        matches!(self, Self::TooOld(_))
    }

    /// Whether the answer carries the API's headers (all but `Docker-Experimental`).
    pub fn has_api_headers(&self) -> bool {
        matches!(
            self,
            Self::NeedsVersion { .. } | Self::TooNew(_) | Self::TooOld(_)
        )
    }
}

/// The cleaned target of a redirect: always one slash and a path of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect(pub(super) String);

impl Redirect {
    /// The value of `Location`.
    pub fn location(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Redirect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
