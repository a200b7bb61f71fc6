//! From the lines of a log to the bytes that clients get.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate_types::Timestamp;

use super::LogQuery;
use super::decode::{Line, decode};

/// What is wanted, prepared for comparison.
#[derive(Debug)]
pub(super) struct Formatter {
    stdout: bool,
    stderr: bool,
    timestamps: bool,
    details: bool,
    raw: bool,
    since: Option<String>,
    until: Option<String>,
}

/// Whether later lines can still be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// The line is later than `until`.
    Past,
}

impl Formatter {
    pub(super) fn new(query: &LogQuery, raw: bool) -> Self {
        let fixed = |time: Option<Timestamp>| {
            time.filter(|time| time.unix_nanos() > 0)
                .map(Timestamp::to_fixed_nanos)
        };
        Self {
            stdout: query.stdout,
            stderr: query.stderr,
            timestamps: query.timestamps,
            details: query.details,
            raw,
            since: fixed(query.since),
            until: fixed(query.until),
        }
    }

    /// Appends one line of the file in the form that clients get, if it is wanted.
    pub(super) fn append(&self, line: &[u8], out: &mut Vec<u8>) -> Verdict {
        let Some(line) = decode(line) else {
            tracing::debug!("a damaged log line");
            return Verdict::GoOn;
        };
        if self.since.is_some() || self.until.is_some() {
            let time = fixed_nanos(&line.time);
            if self.until.as_ref().is_some_and(|until| time > *until) {
                return Verdict::Past;
            }
            if self.since.as_ref().is_some_and(|since| time < *since) {
                return Verdict::GoOn;
            }
        }
        if if line.is_stderr {
            self.stderr
        } else {
            self.stdout
        } {
            self.append_wanted(&line, out);
        }
        Verdict::GoOn
    }

    fn append_wanted(&self, line: &Line<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        if !self.raw {
            out.extend_from_slice(&[if line.is_stderr { 2 } else { 1 }, 0, 0, 0, 0, 0, 0, 0]);
        }
        if self.timestamps {
            out.extend_from_slice(fixed_nanos(&line.time).as_bytes());
            out.push(b' ');
        }
        if self.details {
            out.extend_from_slice(details(line.attrs.as_deref()).as_bytes());
            out.push(b' ');
        }
        line.text.append_to(out);
        if !self.raw {
            let length = u32::try_from(out.len() - start - 8).unwrap_or(u32::MAX);
            if let Some(place) = out.get_mut(start + 4..start + 8) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    }
}

/// The time with all nine digits, so that times compare as texts.
fn fixed_nanos(time: &str) -> String {
    match time.strip_suffix('Z') {
        Some(_) if time.len() == 30 => time.to_owned(),
        Some(digits) => {
            let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            format!("{seconds}.{fraction:0<9}Z")
        }
        None => time
            .parse()
            .map_or_else(|_| time.to_owned(), Timestamp::to_fixed_nanos),
    }
}

/// `key=value,…`, escaped as in a query.
fn details(attrs: Option<&[u8]>) -> String {
    let attrs: BTreeMap<String, String> = attrs
        .and_then(|attrs| serde_json::from_slice(attrs).ok())
        .unwrap_or_default();
    let mut text = String::new();
    for (key, value) in attrs {
        if !text.is_empty() {
            text.push(',');
        }
        escape(&key, &mut text);
        text.push('=');
        escape(&value, &mut text);
    }
    text
}

fn escape(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => {
                // Writing to a String cannot fail.
                write!(out, "%{byte:02X}").unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] =
        br#"{"log":"hi\n","stream":"stdout","attrs":{"a":"b c"},"time":"2026-11-21T22:54:06.63Z"}"#;

    fn format(query: &LogQuery, raw: bool) -> Vec<u8> {
        let mut out = Vec::new();
        Formatter::new(query, raw).append(LINE, &mut out);
        out
    }

    fn query() -> LogQuery {
        LogQuery {
            stdout: true,
            stderr: true,
            ..LogQuery::default()
        }
    }

    #[test]
    fn lines_become_frames_or_raw_text() {
        assert_eq!(format(&query(), false), b"\x01\0\0\0\0\0\0\x03hi\n");
        assert_eq!(format(&query(), true), b"hi\n");
    }

    #[test]
    fn timestamps_have_nine_digits_and_details_follow() {
        let query = LogQuery {
            timestamps: true,
            details: true,
            ..query()
        };
        assert_eq!(
            format(&query, true),
            b"2026-11-21T22:54:06.630000000Z a=b+c hi\n"
        );
    }

    #[test]
    fn only_wanted_streams_and_times_are_delivered() {
        let none = LogQuery {
            stdout: false,
            ..query()
        };
        assert!(format(&none, true).is_empty());
        let at = |text: &str| Some(text.parse().unwrap());
        for (since, until, shown) in [
            (at("2026-11-21T22:54:06.63Z"), None, true),
            (at("2026-11-21T22:54:06.631Z"), None, false),
            (None, at("2026-11-21T22:54:06.63Z"), true),
            (None, at("2026-11-21T22:54:06Z"), false),
        ] {
            let query = LogQuery {
                since,
                until,
                ..query()
            };
            assert_eq!(
                !format(&query, true).is_empty(),
                shown,
                "{since:?} {until:?}"
            );
        }
    }
}
