//! The `filters` of list, prune and events requests.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_types::{ErrorKind, Timestamp};

/// Filter values by key. Keys are ANDed; what values of one key mean depends on the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, BTreeSet<String>>);

/// A filter that cannot be applied; the texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The key is not known to this operation.
    #[error("invalid filter '{0}'")]
    Key(String),
    /// The value makes no sense for the key.
    #[error("invalid filter '{key}={value}'")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// The same with the reason.
    #[error("invalid filter '{key}={value}': {reason}")]
    Reason {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// Why.
        reason: String,
    },
    /// The values are no boolean.
    #[error("invalid filter '{key}=[{}]'", .values.join(" "))]
    Boolean {
        /// The key.
        key: String,
        /// The values.
        values: Vec<String>,
    },
    /// Not one of the times that are understood.
    #[error("failed to parse value as time or duration: {0:?}")]
    Time(String),
    /// A text of its own.
    #[error("{0}")]
    Text(String),
}

impl FilterError {
    /// Always the caller's fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Key(_)
            | Self::Value { .. }
            | Self::Reason { .. }
            | Self::Boolean { .. }
            | Self::Time(_)
            | Self::Text(_) => ErrorKind::InvalidInput,
        }
    }

    pub(crate) fn value(key: &str, value: &str) -> Self {
        Self::Value {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }
}

impl Filters {
    /// Adds one value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().insert(value.into());
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `key` occurs.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The values of `key`, in order.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flatten().map(String::as_str)
    }

    /// Refuses keys that are not in `known`.
    pub fn check_keys(&self, known: &[&str]) -> Result<(), FilterError> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(FilterError::Key(key.clone())),
            None => Ok(()),
        }
    }

    /// The one boolean value of `key`: `true`, `1`, `false` or `0`.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, FilterError> {
        match self.values(key).collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            ["true" | "1"] => Ok(Some(true)),
            ["false" | "0"] => Ok(Some(false)),
            values => Err(FilterError::Boolean {
                key: key.to_owned(),
                values: values.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Whether `labels` has every pair of the filters `label`, and none of `label!`.
    pub fn matches_labels(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        self.values("label").all(|wanted| has_label(labels, wanted))
            && !self
                .values("label!")
                .any(|unwanted| has_label(labels, unwanted))
    }

    /// Whether `value` is one of the values of `key`, or `key` does not occur.
    pub fn matches_exactly(&self, key: &str, value: &str) -> bool {
        self.0.get(key).is_none_or(|values| values.contains(value))
    }

    /// Whether `text` matches one of the regular expressions or substrings of `key`, or `key` does not occur.
    pub fn matches_pattern(&self, key: &str, text: &str) -> bool {
        !self.contains(key) || self.values(key).any(|pattern| is_match(pattern, text))
    }

    /// The time of the filter `until`: an RFC 3339 date, a unix time or a duration before `now`.
    pub fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, FilterError> {
        let mut latest = None;
        for value in self.values("until") {
            let time = parse_time(value, now).ok_or_else(|| FilterError::Time(value.to_owned()))?;
            latest = Some(time);
        }
        Ok(latest)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Filters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut filters = Self::default();
        for (key, value) in pairs {
            filters.insert(key, value);
        }
        filters
    }
}

fn has_label(labels: Option<&BTreeMap<String, String>>, wanted: &str) -> bool {
    let Some(labels) = labels else { return false };
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
        None => labels.contains_key(wanted),
    }
}

fn is_match(pattern: &str, text: &str) -> bool {
    pattern == text
        || regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
        || text.contains(pattern)
}

/// Reads `2006-01-02T15:04:05Z`, `1136073845.000000001` or a Go duration such as `1h30m` ago.
pub(crate) fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(time) = parse_unix_time(text) {
        return Some(time);
    }
    if let Some(nanos) = parse_duration(text) {
        return Some(Timestamp::from_unix_nanos(
            i128::from(now.unix_nanos()) - nanos,
        ));
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    // Dates without zone or time, read as UTC.
    let padded = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    };
    padded.parse().ok()
}

fn parse_unix_time(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp::from_unix_nanos(
        i128::from(seconds) * 1_000_000_000 + nanos,
    ))
}

/// A Go duration in nanoseconds: decimal numbers with the units h, m, s, ms, us and ns.
pub(crate) fn parse_duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let scale = match unit {
            "h" => 3.6e12,
            "m" => 6e10,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a duration of centuries fits in 128 bits"
    )]
    let nanos = total.round() as i128;
    Some(if negative { -nanos } else { nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_match_by_key_or_pair_and_all_must() {
        let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        for (filter, expected) in [("a", true), ("a=b", true), ("a=c", false), ("b", false)] {
            let filters: Filters = [("label", filter)].into_iter().collect();
            assert_eq!(filters.matches_labels(Some(&labels)), expected, "{filter}");
        }
        let both: Filters = [("label", "a"), ("label", "x")].into_iter().collect();
        assert!(!both.matches_labels(Some(&labels)));
        let not: Filters = [("label!", "a")].into_iter().collect();
        assert!(!not.matches_labels(Some(&labels)));
        assert!(not.matches_labels(None));
    }

    #[test]
    fn unknown_keys_are_named() {
        let filters: Filters = [("bad", "true")].into_iter().collect();
        assert_eq!(
            filters.check_keys(&["label"]).unwrap_err().to_string(),
            "invalid filter 'bad'"
        );
    }

    #[test]
    fn times_are_dates_unix_times_or_durations() {
        let now = Timestamp::from_unix_nanos(100_000_000_000);
        for (text, seconds) in [
            ("0", 0),
            ("5.5", 5),
            ("1m30s", 10),
            ("10s", 90),
            ("1970-01-01T00:00:07Z", 7),
            ("1970-01-01T00:00:08", 8),
            ("1970-01-02", 86400),
        ] {
            let time = parse_time(text, now).unwrap();
            assert_eq!(time.unix_seconds(), seconds, "{text}");
        }
        assert_eq!(parse_time("nonsense", now), None);
    }
}
