//! Moments: as the API writes them, as people read them, as `--since` takes them.

use std::time::{SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::spec::units;

/// The year 1, which stands for no time at all.
pub(crate) const BEFORE_EVERYTHING: i64 = -62_135_596_800;

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Reads `2013-01-02T13:23:37.5Z`.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// `2013-01-02 13:23:37 +0000 UTC`, as Go prints a time.
pub(crate) fn go_string(seconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
    let text = moment
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default();
    format!("{text} +0000 UTC")
}

/// `Thu May  7 21:09:36 2026` for a moment in RFC 3339; anything else as it is.
pub(crate) fn readable(text: &str) -> String {
    let format = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let shown = parse(text).and_then(|moment| moment.format(&format).ok());
    shown.unwrap_or_else(|| text.to_owned())
}

/// `3 weeks ago`.
pub(crate) fn ago(seconds: i64) -> String {
    format!("{} ago", units::human_duration(now() - seconds))
}

/// RFC 3339 in UTC, as `history` and `events` print it.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
    moment
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// RFC 3339 with nine digits behind the second, as `events` prints it.
pub(crate) fn rfc3339_nano(nanoseconds: i64) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanoseconds)).ok();
    moment
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default()
}

/// Turns what `--since` and `--until` take into the API's seconds: an age (`10m`), a moment, or
/// seconds since 1970 as they are.
pub(crate) fn timestamp(text: &str) -> Result<String, String> {
    if let Ok(age) = units::parse_duration(text)
        && text != "0"
    {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX);
        return Ok(decimal(now - i128::from(age)));
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if is_number(whole) && is_number(part) {
        return Ok(text.to_owned());
    }
    let moment = absolute(text)
        .ok_or_else(|| format!("invalid value for timestamp: failed to parse {text:?}"))?;
    Ok(decimal(moment.unix_timestamp_nanos()))
}

/// `<seconds>.<nine digits>`.
fn decimal(nanoseconds: i128) -> String {
    let second = 1_000_000_000;
    format!(
        "{}.{:09}",
        nanoseconds.div_euclid(second),
        nanoseconds.rem_euclid(second)
    )
}

/// A moment in any of the forms that docker takes; without a zone it is UTC here, as a static
/// program knows no local time.
fn absolute(text: &str) -> Option<OffsetDateTime> {
    if let Some(moment) = parse(text) {
        return Some(moment);
    }
    let text = text.trim_end_matches('Z');
    let full = match text.len() {
        4 => format!("{text}-01-01T00:00:00"),
        7 => format!("{text}-01T00:00:00"),
        10 => format!("{text}T00:00:00"),
        13 => format!("{text}:00:00"),
        16 => format!("{text}:00"),
        _ => text.to_owned(),
    };
    let (full, part) = full
        .split_once('.')
        .map_or((full.as_str(), ""), |(f, p)| (f, p));
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let moment = PrimitiveDateTime::parse(full, &format).ok()?;
    let nanos: u32 = format!("{part:0<9}").get(..9)?.parse().ok()?;
    Some(
        moment
            .replace_nanosecond(nanos)
            .ok()?
            .assume_offset(UtcOffset::UTC),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_seconds() {
        for (text, expected) in [
            ("1136073845", "1136073845"),
            ("1136073845.25", "1136073845.25"),
            ("2006-01-02T15:04:05Z", "1136214245.000000000"),
            ("2006-01-02T15:04:05.5Z", "1136214245.500000000"),
            ("2006-01-02T15:04:05+01:00", "1136210645.000000000"),
            ("2006-01-02T15:04", "1136214240.000000000"),
            ("2006-01-02", "1136160000.000000000"),
        ] {
            assert_eq!(timestamp(text).as_deref(), Ok(expected), "{text}");
        }
        timestamp("nonsense").unwrap_err();
        let minute_ago: f64 = timestamp("1m").unwrap().parse().unwrap();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a test that looks at whole seconds"
        )]
        let now = now() as f64;
        assert!((now - minute_ago - 60.0).abs() < 2.0);
    }

    #[test]
    fn moments_are_printed_like_go_prints_them() {
        assert_eq!(go_string(1_136_214_245), "2006-01-02 15:04:05 +0000 UTC");
        assert_eq!(rfc3339(1_136_214_245), "2006-01-02T15:04:05Z");
        assert_eq!(
            readable("2006-01-02T15:04:05.0+00:00"),
            "Mon Jan  2 15:04:05 2006"
        );
        assert_eq!(
            rfc3339_nano(1_136_214_245_000_000_001),
            "2006-01-02T15:04:05.000000001Z"
        );
    }
}
