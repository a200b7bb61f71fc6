//! Which daemon is meant, and which version is spoken with it.

use crate::client::{Lockgate, lockgate};
use crate::fake::{Fake, Reply, frame, ping};
use crate::run::answer;

fn empty() -> Fake {
    Fake::unix(|seen| ping(seen).unwrap_or_else(|| Reply::Json(200, "[]".to_owned())))
}

fn pinged(version: &'static str) -> Fake {
    Fake::unix(move |seen| {
        if seen.path.ends_with("/_ping") {
            Reply::Raw(
                format!(
                    "HTTP/1.1 200 OK\r\n{version}Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .into_bytes(),
            )
        } else {
            Reply::Json(200, "[]".to_owned())
        }
    })
}

#[test]
fn speaks_the_older_of_both_versions() {
    for (header, path) in [
        ("Api-Version: 1.60\r\n", "/v1.50/containers/json"),
        ("Api-Version: 1.41\r\n", "/v1.41/containers/json"),
        ("Api-Version: 1.9\r\n", "/v1.9/containers/json"),
        ("", "/v1.24/containers/json"),
    ] {
        let fake = pinged(header);
        assert_eq!(lockgate(&fake.url, &["ps"]).status, 0);
        assert_eq!(fake.seen().last().unwrap().path, path);
    }
}

#[test]
fn a_version_that_is_set_is_not_negotiated() {
    let fake = empty();
    let ended = Lockgate::new(&fake.url, &["ps"])
        .env("DOCKER_API_VERSION", "v1.30")
        .run();
    assert_eq!(ended.status, 0);
    assert_eq!(fake.lines(), ["GET /v1.30/containers/json"]);
}

#[test]
fn a_flag_beats_the_environment() {
    let (right, wrong) = (empty(), empty());
    let words = ["-H", right.url.as_str(), "ps"];
    assert_eq!(lockgate(&wrong.url, &words).status, 0);
    assert!(wrong.seen().is_empty());
    assert_eq!(right.seen().len(), 2);
}

#[test]
fn our_own_variable_beats_docker_s() {
    let (ours, theirs) = (empty(), empty());
    let ended = Lockgate::new(&theirs.url, &["ps"])
        .env("LOCKGATE_HOST", &ours.url)
        .run();
    assert_eq!(ended.status, 0);
    assert!(theirs.seen().is_empty());
}

#[test]
fn a_context_names_a_daemon() {
    let fake = empty();
    let folder = tempfile::tempdir().unwrap();
    // The SHA-256 of `foo`.
    let hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let meta = folder.path().join("contexts/meta").join(hash);
    std::fs::create_dir_all(&meta).unwrap();
    let json = serde_json::json!({"Name": "foo", "Endpoints": {"docker": {"Host": fake.url}}});
    std::fs::write(meta.join("meta.json"), json.to_string()).unwrap();
    let run = |words: &[&str], context: &str| {
        Lockgate::new("", words)
            .env("DOCKER_CONFIG", folder.path())
            .env("DOCKER_CONTEXT", context)
            .run()
    };
    assert_eq!(run(&["ps"], "foo").status, 0);
    assert_eq!(run(&["-c", "foo", "ps"], "").status, 0);
    assert_eq!(fake.seen().len(), 4);
    let missing = run(&["-c", "bar", "ps"], "");
    assert_eq!(missing.status, 1);
    assert!(
        missing.err.contains("context \"bar\": context not found"),
        "{}",
        missing.err
    );
    let list = run(
        &["context", "ls", "--format", "{{.Name}} {{.Current}}"],
        "foo",
    );
    assert_eq!(list.out, "default false\nfoo true\n");
}

#[test]
fn nobody_there_is_told_with_the_address() {
    for (host, message) in [
        (
            "unix:///nonexistent/s",
            "Cannot connect to the Docker daemon at unix:///nonexistent/s. \
             Is the docker daemon running?\n",
        ),
        (
            "tcp://127.0.0.1:1",
            "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. \
             Is the docker daemon running?\n",
        ),
        (
            "foo://x",
            "Failed to initialize: unable to resolve docker endpoint: \
             invalid bind address format: foo://x\n",
        ),
    ] {
        let ended = lockgate(host, &["ps"]);
        assert_eq!((ended.status, ended.err.as_str()), (1, message));
    }
}

#[test]
fn a_daemon_that_hangs_up_is_told() {
    let fake = Fake::unix(|_| Reply::Raw(Vec::new()));
    let ended = lockgate(&fake.url, &["ps"]);
    assert_eq!(ended.status, 1);
    assert!(
        ended.err.starts_with("error during connect: Get \"http://"),
        "{}",
        ended.err
    );
    assert!(ended.err.ends_with(": EOF\n"), "{}", ended.err);
}

#[test]
fn called_docker_it_speaks_of_itself_as_docker() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("docker");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lockgate"), &link).unwrap();
    let ended = std::process::Command::new(&link)
        .args(["ps", "--foo"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(125));
    assert_eq!(
        String::from_utf8(ended.stderr).unwrap(),
        "unknown flag: --foo\n\nUsage:  docker ps [OPTIONS]\n\n\
         Run 'docker ps --help' for more information\n"
    );
}

#[test]
fn ssh_runs_dial_stdio_on_the_other_side() {
    use std::os::unix::fs::PermissionsExt;
    let output = frame(1, "answer\n");
    let fake = Fake::unix(move |seen| answer(seen, &output, 6));
    let folder = tempfile::tempdir().unwrap();
    let (script, log) = (folder.path().join("ssh"), folder.path().join("log"));
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nDOCKER_HOST={} exec {} system dial-stdio\n",
        log.display(),
        fake.url,
        env!("CARGO_BIN_EXE_lockgate"),
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let ended = Lockgate::new(
        "ssh://me@host:2222/run/x.sock",
        &["run", "-i", "busybox", "cat"],
    )
    .env("PATH", path)
    .stdin("question")
    .run();
    assert_eq!(
        (ended.status, ended.out.as_str(), ended.err.as_str()),
        (6, "answer\n", "")
    );
    let stdin = fake
        .seen()
        .into_iter()
        .find(|seen| seen.method == "STDIN")
        .unwrap();
    assert_eq!(stdin.body, "question");
    let called = std::fs::read_to_string(log).unwrap();
    let expected = "-o ConnectTimeout=30 -T -l me -p 2222 -- host docker --host \
                    unix:///run/x.sock system dial-stdio";
    assert!(called.lines().all(|line| line == expected), "{called}");
}
