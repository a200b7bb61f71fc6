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
    /// Builds at one time.
    pub builds: Option<u32>,
    /// Bytes that the bodies of all requests that are being served may have together.
    #[serde(deserialize_with = "size")]
    pub body_bytes: Option<u64>,
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
            builds: wider(self.builds, other.builds),
            body_bytes: wider(self.body_bytes, other.body_bytes),
        }
    }
}

/// `"512m"`, or a number of bytes.
fn size<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a size such as \"512m\"")]
    enum Size {
        Bytes(u64),
        Text(String),
    }
    match Size::deserialize(from)? {
        Size::Bytes(bytes) => Ok(Some(bytes)),
        Size::Text(text) => crate::policy::bytes(&text)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no size such as `512m`"))),
    }
}
