//! API versions, `1.24` to `1.55`.

use std::fmt;

/// A version of the Engine API that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// The newest version, used when a request names none.
    pub const MAX: Self = Self::new(1, 55);
    /// The oldest version, that of dockerd 28.
    pub const MIN: Self = Self::new(1, 24);

    /// The version `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Whether this is `1.minor` or newer.
    pub const fn since(self, minor: u16) -> bool {
        self.major > 1 || (self.major == 1 && self.minor >= minor)
    }

    /// Whether this is older than `1.minor`.
    pub const fn before(self, minor: u16) -> bool {
        !self.since(minor)
    }

    /// Reads digits and dots the way the stock daemon compares them: missing or unreadable parts
    /// are zero, and parts after the second count as "a little more than" the first two.
    pub(crate) fn parse(text: &str) -> (Self, bool) {
        let mut parts = text.split('.').map(|part| {
            part.parse::<u16>().unwrap_or(match part {
                "" => 0,
                _ => u16::MAX,
            })
        });
        let version = Self::new(parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        (version, parts.any(|rest| rest > 0))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(ApiVersion::new(1, 9) < ApiVersion::MIN);
        assert!(ApiVersion::MAX.since(55) && ApiVersion::MAX.before(56));
        assert_eq!(ApiVersion::MAX.to_string(), "1.55");
    }

    #[test]
    fn odd_spellings_have_a_meaning() {
        assert_eq!(ApiVersion::parse("1.44"), (ApiVersion::new(1, 44), false));
        assert_eq!(ApiVersion::parse("1.55.1"), (ApiVersion::new(1, 55), true));
        assert_eq!(ApiVersion::parse("1"), (ApiVersion::new(1, 0), false));
        assert_eq!(ApiVersion::parse(".."), (ApiVersion::new(0, 0), false));
        assert_eq!(
            ApiVersion::parse("1.99999999").0,
            ApiVersion::new(1, u16::MAX)
        );
    }
}
