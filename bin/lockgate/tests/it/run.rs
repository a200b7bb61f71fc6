//! `run`, step by step.

use crate::client::{Lockgate, lockgate};
use crate::fake::{Fake, ID, Reply, Seen, frame, ping};

/// A daemon whose container says `output` and ends with `status`.
fn daemon(output: Vec<u8>, status: i64) -> Fake {
    Fake::unix(move |seen| answer(seen, &output, status))
}

pub(crate) fn answer(seen: &Seen, output: &[u8], status: i64) -> Reply {
    let path = seen.path.as_str();
    match () {
        () if path.ends_with("/_ping") => Reply::Empty(200),
        () if path.contains("/containers/create") => {
            Reply::Json(201, format!("{{\"Id\":\"{ID}\",\"Warnings\":[]}}\n"))
        }
        () if path.contains("/attach?") => Reply::Upgrade(output.to_vec()),
        () if path.contains("/wait") => Reply::Later(format!("{{\"StatusCode\":{status}}}\n")),
        () if path.ends_with("/start") || path.contains("/resize?") => Reply::Empty(204),
        () => Reply::Json(404, r#"{"message":"page not found"}"#.to_owned()),
    }
}

#[test]
fn attaches_before_it_waits_and_waits_before_it_starts() {
    let fake = daemon(frame(1, "hi\n"), 0);
    let ended = lockgate(&fake.url, &["run", "--rm", "busybox", "echo", "hi"]);
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (0, "hi\n", "")
    );
    let mut lines = fake.lines();
    lines.retain(|line| !line.starts_with("STDIN"));
    assert_eq!(
        lines,
        [
            "HEAD /_ping",
            "POST /containers/create",
            "POST /containers/ID/attach?stderr=1&stdout=1&stream=1",
            "POST /containers/ID/wait?condition=removed",
            "POST /containers/ID/start",
        ]
    );
    let connections: Vec<usize> = fake
        .seen()
        .iter()
        .filter(|seen| seen.method != "STDIN")
        .map(|seen| seen.connection)
        .collect();
    assert_eq!(connections, [1, 1, 2, 1, 3]);
}

#[test]
fn asks_for_an_upgrade_in_docker_s_form() {
    let fake = daemon(Vec::new(), 0);
    lockgate(&fake.url, &["run", "busybox"]);
    let seen = fake.seen();
    let attach = seen
        .iter()
        .find(|seen| seen.path.contains("/attach"))
        .unwrap();
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "tcp"),
        ("content-type", "text/plain"),
        ("content-length", "0"),
        ("host", "api.moby.localhost"),
    ] {
        assert_eq!(attach.header(name), Some(value), "{name}");
    }
    let wait = seen
        .iter()
        .find(|seen| seen.path.contains("/wait"))
        .unwrap();
    assert!(wait.path.ends_with("/wait?condition=next-exit"));
}

#[test]
fn closes_its_half_at_once_if_nothing_is_to_be_sent() {
    let fake = daemon([frame(1, "out\n"), frame(2, "err\n")].concat(), 3);
    let ended = Lockgate::new(&fake.url, &["run", "busybox"])
        .stdin("not sent")
        .run();
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (3, "out\n", "err\n")
    );
    let stdin = fake
        .seen()
        .into_iter()
        .find(|seen| seen.method == "STDIN")
        .unwrap();
    assert_eq!(stdin.body, "");
}

#[test]
fn sends_stdin_to_its_end_and_still_hears_the_answer() {
    let fake = daemon(frame(1, "answer\n"), 0);
    let ended = Lockgate::new(&fake.url, &["run", "-i", "busybox", "cat"])
        .stdin("question\n")
        .run();
    assert_eq!((ended.status, ended.out.as_str()), (0, "answer\n"));
    let stdin = fake
        .seen()
        .into_iter()
        .find(|seen| seen.method == "STDIN")
        .unwrap();
    assert_eq!(stdin.body, "question\n");
    assert!(
        stdin
            .path
            .ends_with("/attach?stderr=1&stdin=1&stdout=1&stream=1")
    );
}

#[test]
fn ends_with_the_status_of_the_container() {
    for (status, ours) in [(0, 0), (1, 1), (137, 137), (255, 255)] {
        let fake = daemon(Vec::new(), status);
        assert_eq!(lockgate(&fake.url, &["run", "busybox"]).status, ours);
    }
}

#[test]
fn a_detached_container_shows_its_id() {
    let fake = daemon(Vec::new(), 0);
    let ended = lockgate(&fake.url, &["run", "-d", "--name", "web", "busybox"]);
    assert_eq!((ended.status, ended.out), (0, format!("{ID}\n")));
    assert_eq!(
        fake.lines(),
        [
            "HEAD /_ping",
            "POST /containers/create?name=web",
            "POST /containers/ID/wait?condition=next-exit",
            "POST /containers/ID/start",
        ]
    );
}

#[test]
fn the_reason_of_a_failed_start_decides_about_the_status() {
    for (reason, status) in [
        (
            "exec: \\\"x\\\": executable file not found in $PATH: unknown",
            127,
        ),
        ("exec: \\\"/x\\\": permission denied: unknown", 126),
        ("no space left on device", 125),
    ] {
        let body = format!("{{\"message\":\"{reason}\"}}\n");
        let fake = Fake::unix(move |seen| {
            if seen.path.ends_with("/start") {
                Reply::Json(400, body.clone())
            } else {
                answer(seen, b"", 0)
            }
        });
        let ended = lockgate(&fake.url, &["run", "busybox", "x"]);
        assert_eq!(ended.status, status, "{reason}");
        let told = reason.replace('\\', "");
        assert_eq!(
            ended.err,
            format!(
                "lockgate: Error response from daemon: {told}\n\n\
                 Run 'lockgate run --help' for more information\n"
            )
        );
    }
}

#[test]
fn pulls_an_image_that_is_missing_and_says_why_it_cannot() {
    let fake = Fake::unix(|seen| match () {
        () if seen.path.contains("/containers/create") => Reply::Json(
            404,
            r#"{"message":"No such image: nope:latest"}"#.to_owned(),
        ),
        () if seen.path.contains("/images/create") => {
            Reply::Json(500, r#"{"message":"no registry"}"#.to_owned())
        }
        () => answer(seen, b"", 0),
    });
    let ended = lockgate(&fake.url, &["run", "nope"]);
    assert_eq!(ended.status, 125);
    assert_eq!(
        ended.err,
        "Unable to find image 'nope:latest' locally\n\
         lockgate: Error response from daemon: no registry\n\n\
         Run 'lockgate run --help' for more information\n"
    );
    let seen = fake.seen();
    let pull = seen.last().unwrap();
    assert_eq!(
        pull.path,
        "/v1.50/images/create?fromImage=docker.io%2Flibrary%2Fnope&tag=latest"
    );
    assert_eq!(pull.header("x-registry-auth"), Some("e30="));
    let never = lockgate(&fake.url, &["run", "--pull", "never", "nope"]);
    assert_eq!(never.status, 125);
    assert!(
        !fake.seen()[seen.len()..]
            .iter()
            .any(|seen| seen.path.contains("/images/"))
    );
}

#[test]
fn an_attach_that_is_not_upgraded_is_refused() {
    let fake = Fake::unix(|seen| {
        if seen.path.contains("/attach") {
            Reply::Empty(200)
        } else {
            answer(seen, b"", 0)
        }
    });
    let ended = lockgate(&fake.url, &["run", "busybox"]);
    assert_eq!(
        (ended.status, ended.err.as_str()),
        (1, "unable to upgrade to tcp, received 200\n")
    );
}

#[test]
fn the_body_says_what_the_flags_say() {
    let fake = daemon(Vec::new(), 0);
    lockgate(
        &fake.url,
        &[
            "create", "-p", "8080:80", "-e", "A=b", "-v", "/a:/b", "-m", "64m", "i", "sh", "-c",
            "x",
        ],
    );
    let seen = fake.seen();
    let body: serde_json::Value = serde_json::from_str(&seen.last().unwrap().body).unwrap();
    assert_eq!(body["Cmd"], serde_json::json!(["sh", "-c", "x"]));
    assert_eq!(body["Env"], serde_json::json!(["A=b"]));
    assert_eq!(body["ExposedPorts"], serde_json::json!({"80/tcp": {}}));
    let host = &body["HostConfig"];
    assert_eq!(host["Binds"], serde_json::json!(["/a:/b"]));
    assert_eq!(host["Memory"], 64 << 20);
    assert_eq!(host["MemorySwappiness"], -1);
    assert_eq!(
        host["PortBindings"],
        serde_json::json!({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]})
    );
    assert_eq!(host["NetworkMode"], "default");
    assert!(body["NetworkingConfig"]["EndpointsConfig"]["default"].is_object());
}

#[test]
fn a_container_that_cannot_be_waited_for_is_told() {
    let fake = Fake::unix(|seen| match () {
        () if seen.path.contains("/wait") => Reply::Later(
            r#"{"StatusCode":-1,"Error":{"Message":"container went away"}}"#.to_owned(),
        ),
        () => answer(seen, b"", 0),
    });
    let ended = lockgate(&fake.url, &["run", "--rm", "busybox"]);
    assert_eq!(ended.status, 125);
    assert!(ended.err.contains("container went away"));
}

#[test]
fn an_id_file_is_written_once() {
    let fake = daemon(Vec::new(), 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id");
    let words = ["create", "--cidfile", path.to_str().unwrap(), "busybox"];
    assert_eq!(lockgate(&fake.url, &words).status, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ID);
    let again = lockgate(&fake.url, &words);
    assert_eq!(again.status, 125);
    assert!(again.err.contains("container ID file found"));
    let refusing =
        Fake::unix(|seen| ping(seen).unwrap_or_else(|| Reply::Json(400, "{}".to_owned())));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(lockgate(&refusing.url, &words).status, 125);
    assert!(!path.exists());
}
