//! Points in time as Docker writes them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time in UTC with nanoseconds, written as Go's `RFC3339Nano` (trailing zeros cut).
///
/// [`Timestamp::ZERO`] is Go's zero time, `0001-01-01T00:00:00Z`, which Docker uses for "never".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(i128);

impl Timestamp {
    /// Go's zero time, "never".
    pub const ZERO: Self = Self(-62_135_596_800_000_000_000);

    /// The current time.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time that many nanoseconds after 1970-01-01.
    pub fn from_unix_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// Whole seconds since 1970-01-01.
    pub fn unix_seconds(self) -> i64 {
        i64::try_from(self.0.div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
    }

    /// Nanoseconds since 1970-01-01, saturating at the ends of `i64` as Go's wraps there.
    pub fn unix_nanos(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }

    /// Whether this is "never".
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// How long ago `earlier` was at this time; zero if it is later.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The fixed-width form of container logs: always nine digits after the point.
    pub fn to_fixed_nanos(self) -> String {
        let date = self.date();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            date.hour(),
            date.minute(),
            date.second(),
            date.nanosecond()
        )
    }

    fn date(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(OffsetDateTime::from(time).unix_timestamp_nanos())
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixed = self.to_fixed_nanos();
        let digits = fixed
            .trim_end_matches('Z')
            .trim_end_matches('0')
            .trim_end_matches('.');
        write!(f, "{digits}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(
            OffsetDateTime::parse(text, &Rfc3339)?.unix_timestamp_nanos(),
        ))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = time::error::Parse;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_go_writes() {
        assert_eq!(Timestamp::ZERO.to_string(), "0001-01-01T00:00:00Z");
        let time = Timestamp::from_unix_nanos(1_795_301_646_630_087_570);
        assert_eq!(time.to_string(), "2026-11-21T22:54:06.63008757Z");
        assert_eq!(time.to_fixed_nanos(), "2026-11-21T22:54:06.630087570Z");
        assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn whole_seconds_have_no_point() {
        assert_eq!(
            Timestamp::from_unix_nanos(0).to_string(),
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            Timestamp::from_unix_nanos(10_000_000_000).to_string(),
            "1970-01-01T00:00:10Z"
        );
    }
}
