//! Sizes and durations, read and written as docker does it.

/// Reads `64`, `64b`, `64k`, `1.5GiB`: units of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<i64, String> {
    let wrong = || format!("invalid size: '{text}'");
    let end = text
        .rfind(|c: char| c.is_ascii_digit() || c == '.')
        .ok_or_else(wrong)?
        + 1;
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_number| wrong())?;
    if !number.is_finite() || number < 0.0 || text.starts_with(['+', '-']) {
        return Err(wrong());
    }
    let suffix = suffix.trim_start().to_ascii_lowercase();
    let power = match suffix.as_str() {
        "" | "b" => 0,
        _ => {
            let letter = suffix.chars().next().unwrap_or('?');
            let power = "kmgtp".find(letter).ok_or_else(wrong)? + 1;
            if !matches!(suffix.get(1..), Some("" | "b" | "ib")) {
                return Err(format!("invalid suffix: '{suffix}'"));
            }
            power
        }
    };
    let power = i32::try_from(power).unwrap_or(0);
    truncated(number * 1024_f64.powi(power)).ok_or_else(wrong)
}

/// Reads a number of processors, `1.5`, into billionths.
pub(crate) fn parse_cpus(text: &str) -> Result<i64, String> {
    let wrong = || format!("failed to parse {text} as a rational number");
    if text.is_empty() {
        return Ok(0);
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let part = part.trim_end_matches('0');
    if part.len() > 9 {
        return Err("value is too precise".to_owned());
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_n| wrong())?
    };
    let part: i64 = format!("{part:0<9}").parse().map_err(|_n| wrong())?;
    whole
        .checked_mul(1_000_000_000)
        .and_then(|nano| nano.checked_add(part))
        .ok_or_else(wrong)
}

/// Reads a duration such as `1h30m` or `1.5s` into nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("time: invalid duration {text:?}");
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_number| wrong())?;
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, scale) = TIME_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| {
                if unit.is_empty() {
                    format!("time: missing unit in duration {text:?}")
                } else {
                    format!("time: unknown unit {unit:?} in duration {text:?}")
                }
            })?;
        total += number * scale;
        rest = tail;
    }
    truncated(sign * total.round()).ok_or_else(wrong)
}

const TIME_UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
];

fn truncated(number: f64) -> Option<i64> {
    // 2^63; everything below it in magnitude fits.
    let fits = number.is_finite() && number.abs() < 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "checked on the line above")]
    fits.then_some(number as i64)
}

/// A size in units of 1000 with so many significant digits: `1.98MB`.
pub(crate) fn human_size(size: f64, digits: usize) -> String {
    scaled(
        size,
        1000.0,
        &["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"],
        digits,
    )
}

/// A size in units of 1024: `7.664GiB`.
pub(crate) fn binary_size(size: f64) -> String {
    scaled(
        size,
        1024.0,
        &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"],
        4,
    )
}

fn scaled(mut size: f64, base: f64, units: &[&str], digits: usize) -> String {
    let mut unit = 0;
    // A sum of nothing is -0.
    size += 0.0;
    while size >= base && unit + 1 < units.len() {
        size /= base;
        unit += 1;
    }
    format!(
        "{}{}",
        significant(size, digits),
        units.get(unit).copied().unwrap_or_default()
    )
}

/// C's `%.<digits>g`.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    let digits = digits.max(1);
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let places = i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent;
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if places < 0 || exponent < -4 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    trim(&format!("{value:.*}", usize::try_from(places).unwrap_or(0)))
}

/// How long ago, roughly: `About a minute`, `3 weeks`.
pub(crate) fn human_duration(seconds: i64) -> String {
    let minutes = seconds / 60;
    let hours = (seconds + 1800) / 3600;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_units_of_1024() {
        for (text, size) in [
            ("0", 0),
            ("32", 32),
            ("32b", 32),
            ("32k", 32 << 10),
            ("32 KB", 32 << 10),
            ("1.5KiB", 1536),
            ("2g", 2 << 30),
            ("1p", 1 << 50),
        ] {
            assert_eq!(parse_bytes(text), Ok(size), "{text}");
        }
        for bad in ["", "foo", "-1", "1x", "1kx", "1.2.3", "b", "1ki"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_bytes("foo").unwrap_err(), "invalid size: 'foo'");
    }

    #[test]
    fn processors_are_read_exactly() {
        assert_eq!(parse_cpus("1.5"), Ok(1_500_000_000));
        assert_eq!(parse_cpus(".1"), Ok(100_000_000));
        assert_eq!(parse_cpus("0.000000001"), Ok(1));
        assert_eq!(parse_cpus("1.0000000000"), Ok(1_000_000_000));
        assert_eq!(
            parse_cpus("0.0000000001").unwrap_err(),
            "value is too precise"
        );
        assert_eq!(
            parse_cpus("x").unwrap_err(),
            "failed to parse x as a rational number"
        );
        parse_cpus(".").unwrap_err();
    }

    #[test]
    fn durations_are_read_like_go_reads_them() {
        assert_eq!(parse_duration("1m30s"), Ok(90_000_000_000));
        assert_eq!(parse_duration("1.5h"), Ok(5_400_000_000_000));
        assert_eq!(parse_duration("-10ms"), Ok(-10_000_000));
        assert_eq!(parse_duration("0"), Ok(0));
        assert_eq!(
            parse_duration("5").unwrap_err(),
            "time: missing unit in duration \"5\""
        );
        assert_eq!(
            parse_duration("x").unwrap_err(),
            "time: invalid duration \"x\""
        );
        assert!(
            parse_duration("5y")
                .unwrap_err()
                .starts_with("time: unknown unit")
        );
    }

    #[test]
    fn sizes_are_written_with_significant_digits() {
        for (size, digits, text) in [
            (0.0, 4, "0B"),
            (999.0, 3, "999B"),
            (1_984_162.0, 3, "1.98MB"),
            (1_982_000.0, 4, "1.982MB"),
            (1_000_000.0, 3, "1MB"),
            (123_456_789.0, 3, "123MB"),
            (999_999.0, 3, "1e+03kB"),
        ] {
            assert_eq!(human_size(size, digits), text);
        }
        assert_eq!(binary_size(8_229_000_000.0), "7.664GiB");
        assert_eq!(significant(0.0001, 4), "0.0001");
        assert_eq!(significant(0.00001, 4), "1e-05");
    }

    #[test]
    fn ages_are_rounded_for_people() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (120, "2 minutes"),
            (3600, "About an hour"),
            (5400, "2 hours"),
            (86400 * 2, "2 days"),
            (86400 * 14, "2 weeks"),
            (86400 * 61, "2 months"),
            (86400 * 365 * 2, "2 years"),
        ] {
            assert_eq!(human_duration(seconds), text, "{seconds}");
        }
    }
}
