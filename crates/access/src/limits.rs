//! How much one identity may ask for.

use serde::Deserialize;

/// Limits of an identity; `None` is no limit. Of several roles the widest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityLimits {
    /// Requests in a second, with bursts of as many.
    pub requests_per_second: Option<u32>,
    /// Answers that flow and connections that became streams, at one time.
    pub streams: Option<u32>,
    /// Exec streams at one time.
    pub execs: Option<u32>,
}

impl IdentityLimits {
    /// What holds for somebody who has both.
    pub(crate) fn widest(self, other: Self) -> Self {
        fn wider<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            Some(one?.max(other?))
        }
        Self {
            requests_per_second: wider(self.requests_per_second, other.requests_per_second),
            streams: wider(self.streams, other.streams),
            execs: wider(self.execs, other.execs),
        }
    }
}
