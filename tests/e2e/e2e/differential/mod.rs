//! Lockgate's answers beside dockerd's, field by field.
//!
//! `requests.txt` says what is asked, `dockerd-28.5.2.json` what dockerd answered, and
//! `intended.txt` which differences are meant or open, each with its reason. `cargo xtask differential --dockerd PATH` records dockerd's answers anew.

mod guarded;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockgate_testkit::{
    Daemon, Dockerd, HttpResponse, NetNs, busybox_archive, program, request, run,
};
use serde_json::{Map, Value, json};

const REQUESTS: &str = include_str!("../../differential/requests.txt");
const RECORDED: &str = include_str!("../../differential/dockerd-28.5.2.json");
const INTENDED: &str = include_str!("../../differential/intended.txt");

/// Where dockerd is, when its answers are to be recorded.
const RECORD: &str = "LOCKGATE_RECORD_DOCKERD";

/// Whether lines of `intended.txt` that excuse nothing are an error.
const STRICT: &str = "LOCKGATE_DIFFERENTIAL_STRICT";

#[track_caller]
fn must(socket: &Path, target: &str, body: &Value) {
    let response = request(socket, "POST", target, Some(&body.to_string()));
    assert!(response.status < 300, "{target}: {response:?}");
}

/// What the requests find.
fn furnish(socket: &Path) {
    let mut load = program("docker");
    load.arg("load")
        .env("DOCKER_HOST", format!("unix://{}", socket.display()));
    run(&mut load, &busybox_archive(&["busybox:latest"])).ok();
    let labels = json!({ "l": "v" });
    must(
        socket,
        "/volumes/create",
        &json!({ "Name": "dvol", "Labels": labels }),
    );
    let ipam = json!({ "Config": [{ "Subnet": "10.200.0.0/24" }] });
    must(
        socket,
        "/networks/create",
        &json!({ "Name": "dnet", "Labels": labels, "IPAM": ipam }),
    );
    for (name, network) in [("made", "bridge"), ("runs", "dnet"), ("alone", "none")] {
        let body = json!({ "Image": "busybox", "Cmd": ["sleep", "6000"], "Labels": labels, "Hostname": "h",
            "HostConfig": { "NetworkMode": network, "Binds": ["dvol:/d"] } });
        must(socket, &format!("/containers/create?name={name}"), &body);
    }
    // A body that nobody reads may cost the answer.
    let started = request(socket, "POST", "/containers/runs/start", None);
    assert_eq!(started.status, 204, "{started:?}");
}

/// What is asked.
fn requests() -> impl Iterator<Item = &'static str> {
    let lines = REQUESTS.lines();
    lines.filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Asks everything; what is made on the way is removed again.
fn answers(socket: &Path) -> BTreeMap<String, Value> {
    furnish(socket);
    let ask = |line: &str| (line.to_owned(), normal(&answer(socket, line)));
    requests().map(ask).collect()
}

fn answer(socket: &Path, line: &str) -> HttpResponse {
    let mut words = line.splitn(3, ' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let response = request(socket, method, target, words.next());
    remove_what_was_made(socket, target, &response);
    response
}

fn remove_what_was_made(socket: &Path, target: &str, response: &HttpResponse) {
    let made = response.json();
    for (kind, key) in [
        ("containers", "Id"),
        ("networks", "Id"),
        ("volumes", "Name"),
    ] {
        let name = made[key].as_str().unwrap_or_default();
        if response.status == 201 && target.contains(&format!("/{kind}/create")) && name != "dvol" {
            request(socket, "DELETE", &format!("/{kind}/{name}"), None);
        }
    }
}

/// Status, the headers that clients look at, and the body without what differs from run to run.
fn normal(response: &HttpResponse) -> Value {
    let header = |name: &str| response.headers.get(name).cloned();
    json!({ "status": response.status, "type": header("content-type"), "ostype": header("ostype"), "body": body(response) })
}

fn body(response: &HttpResponse) -> Value {
    match serde_json::from_slice(&response.body) {
        Ok(mut body) => {
            scrub("", &mut body);
            body
        }
        Err(_) => Value::String(scrubbed(&response.text())),
    }
}

fn scrub(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (name, mut field) in old {
                scrub(&name, &mut field);
                fields.insert(scrubbed(&name), field);
            }
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                scrub(key, item);
            }
            items.sort_by_key(ToString::to_string);
        }
        Value::String(text) if is_of_the_run(key) && !text.is_empty() => "*".clone_into(text),
        Value::String(text) => *text = scrubbed(text),
        Value::Number(number) if is_of_the_run(key) && number.as_i64() != Some(0) => {
            *value = json!("*");
        }
        _ => {}
    }
}

/// Times, places and sizes of one run.
fn is_of_the_run(key: &str) -> bool {
    [
        "Created",
        "CreatedAt",
        "StartedAt",
        "FinishedAt",
        "LastTagTime",
        "Pid",
        "MacAddress",
        "SandboxKey",
        "Mountpoint",
        "Source",
        "LogPath",
        "HostsPath",
        "HostnamePath",
        "ResolvConfPath",
        "Status",
        "SizeRw",
        "SizeRootFs",
        "Size",
    ]
    .contains(&key)
}

/// Without ids: 64 hexadecimal digits or 12.
fn scrubbed(text: &str) -> String {
    let mut out = String::new();
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = matches!(word.len(), 12 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit());
        out.push_str(if is_id { "ID" } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

/// Every field with its path.
fn fields(path: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => each(path, map, into),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                fields(&format!("{path}/{index}"), item, into);
            }
        }
        leaf => drop(into.insert(path.to_owned(), leaf.clone())),
    }
}

fn each(path: &str, map: &Map<String, Value>, into: &mut BTreeMap<String, Value>) {
    for (key, value) in map {
        fields(&format!("{path}/{key}"), value, into);
    }
}

/// `REQUEST => PATH => REASON`; `*` stands for anything.
type Meant = Vec<(&'static str, &'static str)>;

fn meant(list: &'static str) -> Meant {
    list.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let parts: Vec<&str> = line.split(" => ").collect();
            let [request, path, reason] = parts.as_slice() else {
                panic!("not `REQUEST => PATH => REASON`: {line}")
            };
            assert!(reason.len() > 5, "no reason: {line}");
            (*request, *path)
        })
        .collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(nothing)".to_owned(), ToString::to_string)
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|after| {
            (0..=after.len()).any(|at| after.is_char_boundary(at) && fits(rest, &after[at..]))
        }),
    }
}

#[test]
fn answers_are_dockerds_but_for_what_is_meant() {
    let recorded: BTreeMap<String, Value> = serde_json::from_str(RECORDED).unwrap();
    let daemon = Daemon::start();
    let ours = answers(&daemon.socket());
    assert_eq!(
        recorded.keys().collect::<Vec<_>>(),
        ours.keys().collect::<Vec<_>>(),
        "record dockerd's answers anew: cargo xtask differential --dockerd PATH"
    );
    compare(&recorded, &ours, &meant(INTENDED));
}

/// Every field of every answer is the same, or the list says why not.
#[track_caller]
fn compare(dockerd: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>, meant: &Meant) {
    let mut used = BTreeSet::new();
    let mut differences = Vec::new();
    for (request, theirs) in dockerd {
        let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
        fields("", theirs, &mut expected);
        fields("", &other[request], &mut found);
        let paths: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
        for path in paths
            .into_iter()
            .filter(|path| expected.get(*path) != found.get(*path))
        {
            let excused = meant
                .iter()
                .position(|(r, p)| fits(r, request) && fits(p, path));
            match excused {
                Some(index) => drop(used.insert(index)),
                None => differences.push(format!(
                    "{request} => {path} => dockerd {} lockgate {}",
                    shown(expected.get(path)),
                    shown(found.get(path))
                )),
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    let stale: Vec<_> = (0..meant.len())
        .filter(|index| !used.contains(index))
        .map(|i| meant[i])
        .collect();
    // A difference that is gone is good news; it fails the test only for who keeps the list.
    assert!(
        stale.is_empty() || std::env::var_os(STRICT).is_none(),
        "these excuse nothing any more: {stale:#?}"
    );
}

#[test]
#[ignore = "needs dockerd 28.5.2: cargo xtask differential --dockerd PATH"]
fn records_what_dockerd_answers() {
    let dockerd = PathBuf::from(std::env::var_os(RECORD).expect("the path of dockerd"));
    let peer = Dockerd::start_program_in(&dockerd, NetNs::new("lgd"), &[]);
    let recorded = answers(&peer.socket());
    for name in ["made", "runs", "alone"] {
        request(
            &peer.socket(),
            "DELETE",
            &format!("/containers/{name}?force=1&v=1"),
            None,
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/dockerd-28.5.2.json");
    let text = serde_json::to_string_pretty(&recorded).unwrap();
    std::fs::write(path, text + "\n").unwrap();
}
