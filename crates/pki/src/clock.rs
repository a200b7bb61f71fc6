//! Where the time comes from.

use lockgate_types::Timestamp;
use time::OffsetDateTime;

/// The time that certificates are issued and judged at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Always this moment: tests issue certificates that have expired by now.
    Fixed(Timestamp),
    /// The clock of this host.
    #[default]
    System,
}

impl Clock {
    /// What this clock shows.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Fixed(moment) => moment,
            Self::System => Timestamp::now(),
        }
    }

    /// What this clock shows, in whole seconds.
    pub(crate) fn seconds(self) -> i64 {
        self.now().unix_seconds()
    }
}

/// The moment that many seconds after 1970-01-01, at the ends of the calendar if beyond them.
pub(crate) fn date(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The same moment as a timestamp.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix_nanos(i128::from(seconds) * 1_000_000_000)
}

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;
