//! OTLP's JSON: 64-bit numbers are strings, ids are hex digits, enumerations are numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_gate::Span;
use serde_json::{Map, Value, json};

/// `SEVERITY_NUMBER_INFO`, `SEVERITY_NUMBER_WARN`.
const INFO: u8 = 9;
const WARN: u8 = 13;
/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// Audit lines as log records: the line as it stands in the file, so that its hash can be checked, and its plain
/// fields as attributes.
pub(crate) fn logs(lines: &[String], version: &str) -> Vec<u8> {
    let now = nanoseconds(SystemTime::now());
    let records: Vec<Value> = lines.iter().map(|line| log(line, &now)).collect();
    let request = json!({"resourceLogs": [{
        "resource": resource(version),
        "scopeLogs": [{"scope": {"name": "lockgate.audit", "version": version}, "logRecords": records}],
    }]});
    request.to_string().into_bytes()
}

fn log(line: &str, now: &str) -> Value {
    let fields: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let event = text("event").unwrap_or("unknown");
    let is_refusal = event == "refused" || text("decision") == Some("deny");
    let (number, word) = if is_refusal {
        (WARN, "WARN")
    } else {
        (INFO, "INFO")
    };
    let mut attributes = vec![attribute(
        "event.name",
        &format!("lockgate.audit.{event}").into(),
    )];
    let plain = fields
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "event" | "time"));
    attributes.extend(plain.map(|(key, value)| attribute(&format!("lockgate.{key}"), value)));
    json!({
        "timeUnixNano": text("time").and_then(moment).unwrap_or_else(|| now.to_owned()),
        "observedTimeUnixNano": now,
        "severityNumber": number,
        "severityText": word,
        "body": {"stringValue": line},
        "attributes": attributes,
    })
}

/// Spans, as those of a server.
pub(crate) fn traces(spans: &[Span], version: &str) -> Vec<u8> {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let request = json!({"resourceSpans": [{
        "resource": resource(version),
        "scopeSpans": [{"scope": {"name": "lockgate.gate", "version": version}, "spans": spans}],
    }]});
    request.to_string().into_bytes()
}

fn span(span: &Span) -> Value {
    let mut attributes = vec![
        attribute("http.request.method", &span.method.into()),
        attribute("http.route", &span.route.into()),
    ];
    if span.status != 0 {
        attributes.push(attribute("http.response.status_code", &span.status.into()));
    }
    if let Some(call) = &span.call {
        attributes.push(attribute("lockgate.call", &call.as_str().into()));
    }
    let mut encoded = json!({
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": SERVER,
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": attributes,
        "status": if span.status >= 500 { json!({"code": ERROR}) } else { json!({}) },
    });
    for (key, value) in [("parentSpanId", &span.parent), ("traceState", &span.state)] {
        if let (Some(value), Some(fields)) = (value, encoded.as_object_mut()) {
            fields.insert(key.to_owned(), value.as_str().into());
        }
    }
    encoded
}

fn resource(version: &str) -> Value {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    json!({"attributes": [
        attribute("service.name", &"lockgated".into()),
        attribute("service.version", &version.into()),
        attribute("host.name", &host.trim().into()),
    ]})
}

/// A key with a text, a number or a truth; anything else as its JSON.
fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            json!({"intValue": number.to_string()})
        }
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            json!({"stringValue": value.to_string()})
        }
    };
    json!({"key": key, "value": value})
}

fn nanoseconds(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string()
}

/// RFC 3339 as nanoseconds since 1970.
fn moment(text: &str) -> Option<String> {
    let time: lockgate_types::Timestamp = text.parse().ok()?;
    Some(time.unix_nanos().to_string())
}
