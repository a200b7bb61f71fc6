//! The JSON encoding of OTLP: names, ids, numbers as the protocol has them.

use std::time::{Duration, SystemTime};

use lockgate_access::Outlet;
use lockgate_gate::{Span, Tracer};
use lockgate_telemetry::Telemetry;
use serde_json::{Value, json};

use crate::collector::Collector;

fn attribute<'a>(of: &'a Value, key: &str) -> &'a Value {
    let all = of["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == key);
    &found.unwrap_or_else(|| panic!("no {key} in {of}"))["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_that_of_a_server() {
    let collector = Collector::start(&[200]);
    let telemetry = Telemetry::start(&collector.endpoint(), "1.2.3");
    let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    let span = Span {
        trace: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        id: "00f067aa0ba902b7".to_owned(),
        parent: Some("b7ad6b7169203331".to_owned()),
        state: Some("a=b".to_owned()),
        name: "ContainerCreate",
        method: "POST",
        route: "/containers/create",
        call: Some("41d0".to_owned()),
        status: 500,
        start,
        end: start + Duration::from_nanos(1),
    };
    telemetry.ended(Span {
        parent: None,
        state: None,
        call: None,
        status: 200,
        ..span.clone()
    });
    telemetry.ended(span);
    telemetry.close().await;
    let (path, head, body) = collector.taken().remove(0);
    assert_eq!(path, "/v1/traces");
    assert!(
        head.to_ascii_lowercase()
            .contains("content-type: application/json"),
        "{head}"
    );
    let resource = &body["resourceSpans"][0]["resource"];
    assert_eq!(
        attribute(resource, "service.name"),
        &json!({"stringValue": "lockgated"})
    );
    assert_eq!(
        attribute(resource, "service.version"),
        &json!({"stringValue": "1.2.3"})
    );
    let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(spans.as_array().unwrap().len(), 2);
    let (root, child) = (&spans[0], &spans[1]);
    assert!(root.get("parentSpanId").is_none() && root.get("traceState").is_none());
    assert_eq!(root["status"], json!({}));
    assert_eq!(child["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(
        (&child["spanId"], &child["parentSpanId"]),
        (&json!("00f067aa0ba902b7"), &json!("b7ad6b7169203331"))
    );
    assert_eq!(
        (&child["kind"], &child["status"]),
        (&json!(2), &json!({"code": 2}))
    );
    assert_eq!(child["startTimeUnixNano"], "1700000000123456789");
    assert_eq!(child["endTimeUnixNano"], "1700000000123456790");
    assert_eq!(
        attribute(child, "http.response.status_code"),
        &json!({"intValue": "500"})
    );
    assert_eq!(
        attribute(child, "http.route"),
        &json!({"stringValue": "/containers/create"})
    );
    assert_eq!(
        attribute(child, "lockgate.call"),
        &json!({"stringValue": "41d0"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_line_is_a_log_record_with_its_fields() {
    let collector = Collector::start(&[200]);
    let telemetry = Telemetry::start(&collector.endpoint(), "1");
    let line = r#"{"sequence":7,"time":"2026-11-22T10:00:00.5Z","event":"decision","decision":"deny","identity":{"uid":0},"operation":"ExecStart"}"#;
    telemetry.send(line);
    telemetry.close().await;
    let (path, _, body) = collector.taken().remove(0);
    assert_eq!(path, "/v1/logs");
    let record = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["body"], json!({"stringValue": line}));
    assert_eq!(record["timeUnixNano"], "1795341600500000000");
    assert_eq!(
        (&record["severityNumber"], &record["severityText"]),
        (&json!(13), &json!("WARN"))
    );
    assert_eq!(
        attribute(record, "event.name"),
        &json!({"stringValue": "lockgate.audit.decision"})
    );
    assert_eq!(
        attribute(record, "lockgate.sequence"),
        &json!({"intValue": "7"})
    );
    assert_eq!(
        attribute(record, "lockgate.identity"),
        &json!({"stringValue": "{\"uid\":0}"})
    );
}
