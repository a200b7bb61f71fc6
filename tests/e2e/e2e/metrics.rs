//! The metrics of a running daemon, read by the parser that Prometheus' own client library has.

use lockgate_testkit::{Daemon, DaemonOptions, program, run};
use serde_json::{Value, json};

use crate::clients::venv;

/// Prints each family with its kind and samples as JSON; the parser raises an error for what is not the format.
const READ: &str = r"
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
families = {}
for family in parse(sys.stdin.read()):
    assert family.name not in families, family.name
    samples = [[s.name, s.labels, s.value] for s in family.samples]
    keys = [json.dumps(s[:2], sort_keys=True) for s in samples]
    assert len(keys) == len(set(keys)), family.name
    assert family.documentation, family.name
    families[family.name] = {'type': family.type, 'samples': samples}
print(json.dumps(families))
";

fn read(daemon: &Daemon) -> Value {
    let python = venv::python("prometheus-client-0.26.0", &["prometheus-client==0.26.0"]);
    let text = run(
        daemon
            .netns()
            .command("curl")
            .args(["-sSf", "http://127.0.0.1:9323/metrics"]),
        b"",
    );
    let read = run(program(python).args(["-c", READ]), text.ok().as_bytes());
    serde_json::from_str(read.ok()).unwrap()
}

fn value(families: &Value, family: &str, labels: &Value) -> f64 {
    let samples = families[family]["samples"].as_array().unwrap();
    let found = samples.iter().find(|sample| &sample[1] == labels);
    found.map_or(0.0, |sample| sample[2].as_f64().unwrap())
}

#[test]
fn another_parser_reads_the_metrics_and_they_are_true() {
    let daemon = Daemon::start_with(DaemonOptions {
        config: Some(json!({ "metrics-addr": "127.0.0.1:9323" })),
        ..DaemonOptions::default()
    });
    daemon.load_busybox();
    for name in ["one", "two", "three"] {
        daemon
            .docker(&["run", "-d", "--name", name, "busybox", "sleep", "600"])
            .ok();
    }
    daemon.docker(&["kill", "three"]).ok();
    daemon.docker(&["wait", "three"]).ok();
    let families = read(&daemon);
    let kind = |family: &str| families[family]["type"].as_str().unwrap().to_owned();
    assert_eq!(kind("lockgate_request_duration_seconds"), "histogram");
    assert_eq!(kind("lockgate_decisions"), "counter");
    assert_eq!(kind("lockgate_containers"), "gauge");
    for (state, count) in [("running", 2.0), ("exited", 1.0)] {
        let found = value(&families, "lockgate_containers", &json!({ "state": state }));
        assert!((found - count).abs() < 0.5, "{state}: {found}");
    }
    // Every histogram counts what it has in its buckets, and no bucket has less than the one below.
    let samples = families["lockgate_request_duration_seconds"]["samples"]
        .as_array()
        .unwrap();
    let starts: Vec<f64> = samples
        .iter()
        .filter(|sample| {
            sample[0] == "lockgate_request_duration_seconds_bucket"
                && sample[1]["operation"] == "ContainerStart"
        })
        .map(|sample| sample[2].as_f64().unwrap())
        .collect();
    assert!(
        starts.is_sorted() && starts.last() == Some(&3.0),
        "{starts:?}"
    );
    // What was counted is what was recorded.
    let log = std::fs::read_to_string(daemon.path("data/audit.log")).unwrap();
    let recorded = log
        .lines()
        .filter(|line| line.contains("\"operation\":\"ContainerStart\""))
        .count();
    let counted = value(
        &families,
        "lockgate_decisions",
        &json!({ "decision": "allow", "rule": "allow", "role": "admin", "operation": "ContainerStart" }),
    );
    assert!(
        (counted - 3.0).abs() < 0.5 && recorded == 3,
        "{counted} {recorded}"
    );
}
