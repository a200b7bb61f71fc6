//! A guard's answers beside those of the dockerd behind it: status, every header, every field.
//!
//! The same requests go to a dockerd and to the guard before another one of the same kind. `guarded.txt` says which
//! differences are meant, each with its reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use lockgate_testkit::{Dockerd, HttpResponse};
use serde_json::{Value, json};

use super::{answer, body, compare, furnish, meant, requests};
use crate::clients::guarded::{Guarded, stock};

const MEANT: &str = include_str!("../../differential/guarded.txt");

/// As many as dockerd's answers depend on nothing but the request.
const ASKED: usize = 400;

/// Fields of the head that differ from run to run.
const OF_THE_RUN: [&str; 1] = ["date"];

/// What is said at the socket of a dockerd with this folder, or of the guard before it.
fn answers(socket: &Path, dockerd: &Dockerd) -> BTreeMap<String, Value> {
    let folder = dockerd.socket();
    let folder = folder.parent().unwrap().display().to_string();
    furnish(socket);
    let version = answer(socket, "GET /version").json();
    let newest = format!("/v{}/", version["ApiVersion"].as_str().unwrap());
    let ask = |line: &str| {
        let asked = line.replacen("/v1.51/", &newest, 1);
        let mut said = answer(socket, &asked);
        said.body = said.text().replace(&folder, "FOLDER").into_bytes();
        (line.to_owned(), whole(&said))
    };
    requests().map(ask).collect()
}

fn whole(response: &HttpResponse) -> Value {
    let mut headers = response.headers.clone();
    headers.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
    // Times are written without zeros at their end, so the length is of the run; whether it is told is not.
    if let Some(length) = headers.get_mut("content-length") {
        "N".clone_into(length);
    }
    json!({ "status": response.status, "headers": headers, "body": body(response) })
}

#[test]
fn a_guard_changes_no_answer_but_those_that_are_meant() {
    let (direct, guarded) = thread::scope(|scope| {
        let direct = scope.spawn(|| {
            let dockerd = stock();
            answers(&dockerd.socket(), &dockerd)
        });
        let guarded = Guarded::start();
        let guarded = answers(&guarded.door.socket(), &guarded.behind);
        (direct.join().unwrap(), guarded)
    });
    assert!(direct.len() > ASKED, "{} requests", direct.len());
    compare(&direct, &guarded, &meant(MEANT));
}
