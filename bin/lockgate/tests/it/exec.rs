//! `exec`, `logs`, `attach`, `start`.

use crate::client::{Lockgate, lockgate};
use crate::fake::{Fake, ID, Reply, Seen, frame};

fn answer(seen: &Seen, status: i64) -> Reply {
    let path = seen.path.as_str();
    match () {
        () if path.ends_with("/_ping") => Reply::Empty(200),
        () if path.ends_with("/containers/web/json") => Reply::Json(
            200,
            format!(
                "{{\"Id\":\"{ID}\",\"Config\":{{\"Tty\":false,\"OpenStdin\":false}},\
                 \"State\":{{\"Running\":true}},\"HostConfig\":{{}}}}"
            ),
        ),
        () if path.ends_with("/containers/web/exec") => {
            Reply::Json(201, r#"{"Id":"e1"}"#.to_owned())
        }
        () if path.ends_with("/exec/e1/start") && seen.header("upgrade").is_some() => {
            Reply::Upgrade([frame(1, "out\n"), frame(2, "err\n")].concat())
        }
        () if path.ends_with("/exec/e1/start") => Reply::Empty(200),
        () if path.ends_with("/exec/e1/json") => {
            Reply::Json(200, format!("{{\"ExitCode\":{status}}}"))
        }
        () if path.contains("/logs?") => Reply::Bytes(
            "application/vnd.docker.multiplexed-stream",
            [frame(1, "one\n"), frame(2, "two\n"), frame(1, "three\n")].concat(),
        ),
        () => Reply::Json(404, r#"{"message":"No such container: nope"}"#.to_owned()),
    }
}

#[test]
fn exec_ends_with_the_status_of_the_command() {
    let fake = Fake::unix(|seen| answer(seen, 4));
    let ended = lockgate(
        &fake.url,
        &["exec", "-e", "A=b", "web", "sh", "-c", "exit 4"],
    );
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (4, "out\n", "err\n")
    );
    assert_eq!(
        fake.lines(),
        [
            "HEAD /_ping",
            "GET /containers/web/json",
            "POST /containers/web/exec",
            "POST /exec/e1/start",
            "STDIN /exec/e1/start",
            "GET /exec/e1/json",
        ]
    );
    let seen = fake.seen();
    assert_eq!(
        seen[2].body,
        "{\"User\":\"\",\"Privileged\":false,\"Tty\":false,\"AttachStdin\":false,\
         \"AttachStderr\":true,\"AttachStdout\":true,\"Detach\":false,\"DetachKeys\":\"\",\
         \"Env\":[\"A=b\"],\"WorkingDir\":\"\",\"Cmd\":[\"sh\",\"-c\",\"exit 4\"]}\n"
    );
    assert_eq!(seen[3].body, "{\"Detach\":false,\"Tty\":false}\n");
    assert_eq!(seen[3].header("content-type"), Some("application/json"));
}

#[test]
fn exec_sends_stdin_only_if_asked() {
    let fake = Fake::unix(|seen| answer(seen, 0));
    let run = |words: &[&str]| Lockgate::new(&fake.url, words).stdin("typed").run();
    run(&["exec", "web", "cat"]);
    run(&["exec", "-i", "web", "cat"]);
    let sent: Vec<String> = fake
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "STDIN")
        .map(|seen| seen.body)
        .collect();
    assert_eq!(sent, ["", "typed"]);
}

#[test]
fn a_detached_exec_takes_no_connection_over() {
    let fake = Fake::unix(|seen| answer(seen, 0));
    let ended = lockgate(&fake.url, &["exec", "-d", "web", "true"]);
    assert_eq!((ended.status, ended.out.as_str()), (0, ""));
    let seen = fake.seen();
    assert_eq!(
        seen.last().unwrap().body,
        "{\"Detach\":true,\"Tty\":false}\n"
    );
    assert!(seen.iter().all(|seen| seen.connection == 1));
}

#[test]
fn a_terminal_is_needed_for_a_terminal() {
    let fake = Fake::unix(|seen| answer(seen, 0));
    for words in [
        &["exec", "-it", "web", "sh"][..],
        &["run", "-it", "busybox"],
    ] {
        let ended = lockgate(&fake.url, words);
        assert_eq!(
            (ended.status, ended.err.as_str()),
            (1, "the input device is not a TTY\n")
        );
    }
}

#[test]
fn logs_keep_the_streams_apart() {
    let fake = Fake::unix(|seen| answer(seen, 0));
    let ended = lockgate(
        &fake.url,
        &["logs", "-t", "--tail", "5", "--since", "17", "web"],
    );
    assert_eq!(
        (ended.out.as_str(), ended.err.as_str()),
        ("one\nthree\n", "two\n")
    );
    assert_eq!(
        fake.lines().last().unwrap(),
        "GET /containers/ID/logs?since=17&stderr=1&stdout=1&tail=5&timestamps=1"
    );
}

#[test]
fn what_is_not_there_is_told_in_the_daemon_s_words() {
    let fake = Fake::unix(|seen| answer(seen, 0));
    let ended = lockgate(&fake.url, &["logs", "nope"]);
    assert_eq!(
        (ended.status, ended.err.as_str()),
        (1, "Error response from daemon: No such container: nope\n")
    );
    let ended = lockgate(&fake.url, &["start", "nope"]);
    assert_eq!(
        ended.err,
        "Error response from daemon: No such container: nope\n\
         Error: failed to start containers: nope\n"
    );
}
