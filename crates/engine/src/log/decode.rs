//! One line of a json-file log, decoded by hand.
//!
//! A log is read far more often than it is debugged: `docker logs` of a busy container is hundreds
//! of thousands of lines. The shim and dockerd write the members in one order
//! (`log`, `stream`, optionally `attrs`, `time`), which is decoded without building anything; a line
//! in any other form goes through serde_json.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// One message of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The text as it is in the file, JSON escapes and all.
    pub(super) text: Text<'a>,
    pub(super) is_stderr: bool,
    /// RFC 3339 in UTC.
    pub(super) time: Cow<'a, str>,
    /// A JSON object.
    pub(super) attrs: Option<Cow<'a, [u8]>>,
}

/// A message's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// Between the quotes of a JSON text.
    Escaped(&'a [u8]),
    /// Decoded.
    Plain(Vec<u8>),
}

/// Decodes one line without its newline; `None` if it is damaged.
pub(super) fn decode(line: &[u8]) -> Option<Line<'_>> {
    decode_fast(line).or_else(|| decode_any(line))
}

fn decode_fast(line: &[u8]) -> Option<Line<'_>> {
    let rest = line.strip_prefix(b"{\"log\":\"")?;
    let end = end_of_text(rest)?;
    let (text, rest) = rest.split_at_checked(end)?;
    let rest = rest.strip_prefix(b"\",\"stream\":\"std")?;
    let (is_stderr, rest) = match rest.strip_prefix(b"out\"") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix(b"err\"")?),
    };
    let (attrs, rest) = match rest.strip_prefix(b",\"attrs\":") {
        Some(rest) => {
            let end = end_of_object(rest)?;
            let (attrs, rest) = rest.split_at_checked(end)?;
            (Some(Cow::Borrowed(attrs)), rest)
        }
        None => (None, rest),
    };
    let rest = rest.strip_prefix(b",\"time\":\"")?;
    let time = rest.strip_suffix(b"\"}")?;
    if !time
        .iter()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'T' | b'Z'))
    {
        return None;
    }
    let time = Cow::Borrowed(std::str::from_utf8(time).ok()?);
    Some(Line {
        text: Text::Escaped(text),
        is_stderr,
        time,
        attrs,
    })
}

/// The index of the quote that ends a JSON text.
fn end_of_text(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(found) == Some(&b'"') {
            return Some(found);
        }
        from = found + 2;
    }
}

/// The index after an object of texts.
fn end_of_object(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let mut from = 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'}', bytes.get(from..)?)?;
        if bytes.get(found) == Some(&b'}') {
            return Some(found + 1);
        }
        from = found + 1 + end_of_text(bytes.get(found + 1..)?)? + 1;
    }
}

fn decode_any(line: &[u8]) -> Option<Line<'_>> {
    #[derive(Deserialize)]
    struct Any {
        #[serde(default)]
        log: String,
        #[serde(default)]
        stream: String,
        attrs: Option<BTreeMap<String, String>>,
        time: String,
    }
    let any: Any = serde_json::from_slice(line).ok()?;
    let attrs = any.attrs.and_then(|attrs| serde_json::to_vec(&attrs).ok());
    Some(Line {
        text: Text::Plain(any.log.into_bytes()),
        is_stderr: any.stream == "stderr",
        time: Cow::Owned(any.time),
        attrs: attrs.map(Cow::Owned),
    })
}

impl Text<'_> {
    /// Appends the decoded text.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(text) => out.extend_from_slice(text),
            Self::Escaped(text) => unescape(text, out),
        }
    }
}

fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(found) = memchr::memchr(b'\\', text) {
        let (plain, rest) = text.split_at(found);
        out.extend_from_slice(plain);
        let Some((escape, rest)) = rest.get(1..).and_then(<[u8]>::split_first) else {
            return;
        };
        text = rest;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => text = unescape_unicode(rest, out),
            other => out.push(*other),
        }
    }
    out.extend_from_slice(text);
}

/// Decodes what follows `\u`, with the low half of a pair if there is one.
fn unescape_unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let unit = |text: &[u8]| {
        let digits = std::str::from_utf8(text.get(..4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(high) = unit(text) else { return text };
    let mut rest = text.get(4..).unwrap_or_default();
    let mut code = high;
    if (0xd800..0xdc00).contains(&high)
        && let Some(low) = rest.strip_prefix(b"\\u").and_then(unit)
        && (0xdc00..0xe000).contains(&low)
    {
        code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        rest = rest.get(6..).unwrap_or_default();
    }
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(line: &Line<'_>) -> String {
        let mut out = Vec::new();
        line.text.append_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_what_dockerd_writes() {
        let line = decode(
            br#"{"log":"a \"b\"\t\u003c\u00e9\ud83d\ude00\n","stream":"stderr","attrs":{"k":"v}\"","tag":"x"},"time":"2026-11-21T22:54:06.63Z"}"#,
        )
        .unwrap();
        assert_eq!(text(&line), "a \"b\"\t<é😀\n");
        assert!(line.is_stderr);
        assert_eq!(line.time, "2026-11-21T22:54:06.63Z");
        assert_eq!(
            line.attrs.as_deref(),
            Some(&br#"{"k":"v}\"","tag":"x"}"#[..])
        );
    }

    #[test]
    fn reads_any_order_of_members() {
        let line = decode(br#"{ "time":"2026-11-21T22:54:06Z", "stream":"stdout", "log":"x\n" }"#)
            .unwrap();
        assert_eq!((text(&line).as_str(), line.is_stderr), ("x\n", false));
    }

    #[test]
    fn damaged_lines_are_no_lines() {
        for bad in [
            "",
            "{",
            "null",
            "{\"log\":\"x",
            "{\"log\":\"x\\",
            "\0\0\0",
            "{\"log\":\"a\",\"stream\":\"std",
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(log in any::<String>(), is_stderr in any::<bool>(), key in any::<Option<String>>()) {
            let stream = if is_stderr { "stderr" } else { "stdout" };
            let log_json = serde_json::to_string(&log).unwrap();
            let attrs = key.as_ref().map(|key| {
                let object = serde_json::to_string(&BTreeMap::from([(key, "v")])).unwrap();
                format!(",\"attrs\":{object}")
            }).unwrap_or_default();
            let line = format!("{{\"log\":{log_json},\"stream\":\"{stream}\"{attrs},\"time\":\"2026-11-21T22:54:06.1Z\"}}");
            let fast = decode_fast(line.as_bytes()).unwrap();
            prop_assert_eq!(text(&fast), log);
            prop_assert_eq!(fast.is_stderr, is_stderr);
            if let Some(key) = key {
                let attrs: BTreeMap<String, String> = serde_json::from_slice(&fast.attrs.unwrap()).unwrap();
                prop_assert_eq!(attrs.into_keys().next().unwrap(), key);
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut line = b"{\"log\":\"".to_vec();
            line.extend_from_slice(&bytes);
            if let Some(line) = decode(&line) {
                line.text.append_to(&mut Vec::new());
            }
            unescape(&bytes, &mut Vec::new());
        }
    }
}
