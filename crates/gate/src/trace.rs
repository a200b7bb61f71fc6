//! W3C Trace Context: whose request ours is part of, and what we tell those behind us.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};
use lockgate_types::random_hex;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Longer ones are not passed on.
const LONGEST_STATE: usize = 512;

/// Gets the spans of requests, and says what became of them.
pub trait Tracer: std::fmt::Debug + Send + Sync {
    /// A request is over. Must not wait for anything.
    fn ended(&self, span: Span);

    /// What was not delivered since the start, by signal.
    fn lost(&self) -> Vec<(&'static str, u64)>;
}

/// One request, from the end of its head to the end of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// 32 hex digits.
    pub trace: String,
    /// 16 hex digits.
    pub id: String,
    /// The caller's span, if it named one.
    pub parent: Option<String>,
    /// `tracestate` as it came.
    pub state: Option<String>,
    /// The operation.
    pub name: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path with its holes.
    pub route: &'static str,
    /// The id in the audit log, once there is one.
    pub call: Option<String>,
    /// Of the answer; 0 if there is none.
    pub status: u16,
    /// When it began.
    pub start: SystemTime,
    /// When it was over.
    pub end: SystemTime,
}

/// `traceparent`, read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parent {
    trace: String,
    span: String,
    sampled: bool,
}

impl Parent {
    /// Version 00, and of later ones what 00 has.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            let part = parts.next()?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (part.len() == length && part.bytes().all(is_hex)).then_some(part)
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let rest = parts.next();
        let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
        if version == "ff" || (version == "00" && rest.is_some()) || is_zero(trace) || is_zero(span)
        {
            return None;
        }
        Some(Self {
            trace: trace.to_owned(),
            span: span.to_owned(),
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        })
    }

    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(TRACEPARENT).iter();
        let only = all.next()?.to_str().ok();
        // Two of them mean nothing.
        only.filter(|_| all.next().is_none()).and_then(Self::parse)
    }
}

/// Begins the span of a request, and makes it the parent of what is asked of those behind us. `None` if the caller
/// does not want the request to be seen; then its headers are passed on as they are.
pub(crate) fn begin(
    headers: &mut HeaderMap,
    name: &'static str,
    method: &'static str,
    route: &'static str,
) -> Option<Span> {
    let parent = Parent::of(headers);
    let state = headers
        .get(TRACESTATE)
        .and_then(|state| state.to_str().ok())
        .filter(|state| parent.is_some() && state.len() <= LONGEST_STATE)
        .map(str::to_owned);
    if parent.as_ref().is_some_and(|parent| !parent.sampled) {
        return None;
    }
    let random = random_hex();
    let (trace, rest) = random.split_at_checked(32)?;
    let (trace, parent) = match parent {
        Some(parent) => (parent.trace, Some(parent.span)),
        None => (trace.to_owned(), None),
    };
    let id = rest.get(..16)?.to_owned();
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{id}-01")) {
        headers.insert(TRACEPARENT, value);
    }
    if state.is_none() {
        headers.remove(TRACESTATE);
    }
    let now = SystemTime::now();
    Some(Span {
        trace,
        id,
        parent,
        state,
        name,
        method,
        route,
        call: None,
        status: 0,
        start: now,
        end: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn begun(values: &[&'static str]) -> (Option<Span>, HeaderMap) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_static(value));
        }
        headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
        let span = begin(&mut headers, "SystemInfo", "GET", "/info");
        (span, headers)
    }

    #[test]
    fn a_callers_trace_goes_on_with_our_span_as_the_parent() {
        for text in [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more",
        ] {
            let (span, headers) = begun(&[text]);
            let span = span.unwrap();
            assert_eq!(
                (span.trace.as_str(), span.parent.as_deref()),
                (TRACE, Some("00f067aa0ba902b7"))
            );
            assert_eq!(headers[TRACEPARENT], format!("00-{TRACE}-{}-01", span.id));
            assert_eq!(
                (headers[TRACESTATE].as_bytes(), span.state.as_deref()),
                (&b"a=b"[..], Some("a=b"))
            );
        }
    }

    #[test]
    fn who_does_not_want_to_be_seen_is_not_and_says_so_further_on() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let (span, headers) = begun(&[text]);
        assert!(span.is_none());
        assert_eq!(headers[TRACEPARENT], text);
    }

    #[test]
    fn what_is_no_context_begins_another_trace() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for texts in [
            &[][..],
            &["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
            &["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
            &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"],
            &["00-4bf9-00f067aa0ba902b7-01"],
            &["00"],
            &[good, good],
        ] {
            let (span, headers) = begun(texts);
            let span = span.unwrap();
            assert!(span.parent.is_none() && span.state.is_none(), "{texts:?}");
            assert_ne!(span.trace, TRACE);
            assert_eq!(
                headers[TRACEPARENT],
                format!("00-{}-{}-01", span.trace, span.id)
            );
            assert!(!headers.contains_key(TRACESTATE) && Parent::of(&headers).is_some());
        }
    }
}
