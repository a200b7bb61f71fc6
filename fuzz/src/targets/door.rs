//! What the door reads of a request before anybody judges it.

use lockgate_api::latest::{container, exec, network, volume};
use lockgate_api::{Filters, TABLE, json, route as find};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is escaped in a path that is written anew.
const UNSURE: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) const ROUTE_WORDS: &[&str] = &[
    "/v1.41",
    "/v1.55",
    "/containers/",
    "/json",
    "/images/",
    "/push",
    "/archive",
    "%2e%2e",
    "%2F",
    "%00",
    "../",
    "//",
    "?",
    "&",
    "=",
    "filters={\"label\":[\"a\"]}",
    "http://x/",
    "/libpod",
    ";",
    "*",
];

pub(super) fn route(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let (method, target) = text.split_once(' ').unwrap_or(("GET", &text));
    let found = find(method, target);
    let Ok(call) = &found else {
        return format!("{found:?}");
    };
    if let Some(name) = call.target() {
        assert!(
            !name.chars().any(char::is_control),
            "a control character in a name"
        );
        let climbs = |part: &str| matches!(part, "" | "." | "..");
        assert!(!name.split('/').any(climbs), "a name that climbs");
    }
    // A daemon behind us gets the path written anew: it must find the same call.
    let written = utf8_percent_encode(&call.path(), &UNSURE).to_string();
    let again = find(method, &written).map(|again| again.operation());
    assert_eq!(
        again.ok(),
        Some(call.operation()),
        "another call when written again"
    );
    let filters = call
        .query()
        .pairs()
        .map(|(_, value)| Filters::parse(value).is_ok());
    format!(
        "{:?} {:?} {}",
        call.operation(),
        call.version(),
        filters.filter(|good| *good).count()
    )
}

pub(super) fn routes() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = TABLE
        .iter()
        .map(|route| format!("{} /v1.41{}", route.method.as_str(), route.pattern).into_bytes())
        .collect();
    all.push(b"GET /containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%22%5D%7D".to_vec());
    all.push(b"POST http://x/containers/a%2Fb/start".to_vec());
    all
}

pub(super) const BODY_WORDS: &[&str] = &[
    "\"HostConfig\":{",
    "\"hostconfig\":{",
    "\"Privileged\":true",
    "\"Binds\":[\"/:/h\"]",
    "\"Mounts\":[{",
    "\"Type\":\"bind\"",
    "\"Image\":\"x\"",
    "null",
    "\\u0042inds",
    "\u{feff}",
    "1e999",
    "-0",
    "{}",
    "[[[[[[[[",
    "\"Cmd\":",
];

pub(super) fn body(input: &[u8]) -> String {
    let container = container::CreateRequest::parse(input);
    let exec = json::parse::<exec::CreateRequest>(input);
    let network = json::parse::<network::CreateRequest>(input);
    let volume = json::parse::<volume::CreateRequest>(input);
    if let Ok(create) = &container {
        // A lenient reader, which takes the last of two keys, must not see a power that we do not.
        let lenient: Option<serde_json::Value> = serde_json::from_slice(input).ok();
        let privileged = lenient.is_some_and(|all| all["HostConfig"]["Privileged"] == true);
        assert!(
            !privileged || create.host_config.privileged,
            "a power that is not seen"
        );
    }
    format!(
        "{:?} {:?} {:?} {:?}",
        container.err(),
        exec.err(),
        network.err(),
        volume.err()
    )
}

pub(super) fn bodies() -> Vec<Vec<u8>> {
    [
        r#"{"Image":"busybox","Cmd":["sh"],"Env":["A=b"],"HostConfig":{"Privileged":false,"Binds":["a:/b:ro"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"Memory":1048576}}"#,
        r#"{"AttachStdin":true,"Cmd":["sh","-c","x"],"Tty":true,"ConsoleSize":[10,20]}"#,
        r#"{"Name":"n","Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.1.0.0/16"}]},"Labels":{"a":"b"}}"#,
        r#"{"Name":"v","Driver":"local","DriverOpts":{"type":"none","o":"bind","device":"/"}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
