//! Bodies that the docker command line sends: all of what they say is understood.

use std::path::PathBuf;

use lockgate_api::latest::container::{CreateRequest, UpdateRequest};
use lockgate_api::latest::{exec, network, volume};
use lockgate_api::{ApiVersion, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

fn request(name: &str) -> String {
    let file = format!("tests/requests/{name}.json");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether `ours` has everything that `theirs` says; nulls and empty values say nothing.
fn assert_understood(theirs: &Value, ours: &Value, path: &str) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                if !says_nothing(value) && !NOTES.contains(&key.as_str()) {
                    let ours = ours
                        .get(key)
                        .unwrap_or_else(|| panic!("{path}.{key} is lost"));
                    assert_understood(value, ours, &format!("{path}.{key}"));
                }
            }
        }
        (theirs, ours) => assert_eq!(theirs, ours, "{path}"),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.values().all(says_nothing) && members.is_empty(),
        Value::Bool(true) => false,
    }
}

/// What the command line notes for itself.
const NOTES: [&str; 1] = ["Detach"];

fn round_trip<T: DeserializeOwned + Serialize>(name: &str) {
    let body = request(name);
    let typed: T = json::parse(body.as_bytes()).unwrap();
    let theirs: Value = serde_json::from_str(&body).unwrap();
    assert_understood(&theirs, &serde_json::to_value(typed).unwrap(), name);
}

#[test]
fn creates_are_understood() {
    for name in ["create-plain", "create-full"] {
        let body = request(name);
        let mut typed = CreateRequest::parse(body.as_bytes()).unwrap();
        typed.upgrade(ApiVersion::new(1, 50)).unwrap();
        let Value::Object(mut ours) = serde_json::to_value(&typed.config).unwrap() else {
            panic!("a config is an object")
        };
        ours.insert(
            "HostConfig".into(),
            serde_json::to_value(&typed.host_config).unwrap(),
        );
        let networking = serde_json::to_value(&typed.networking_config).unwrap();
        ours.insert("NetworkingConfig".into(), networking);
        let theirs: Map<String, Value> = serde_json::from_str(&body).unwrap();
        assert_understood(&Value::Object(theirs), &Value::Object(ours), name);
    }
}

#[test]
fn smaller_requests_are_understood() {
    round_trip::<exec::CreateRequest>("exec");
    round_trip::<exec::StartRequest>("exec-start");
    round_trip::<UpdateRequest>("update");
    round_trip::<volume::CreateRequest>("volume-create");
    round_trip::<network::CreateRequest>("network-create");
}
