//! The life of a container, through the docker CLI.

use lockgate_testkit::{Daemon, eventually};

#[test]
fn runs_a_command_and_passes_on_its_exit_code() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    assert_eq!(
        daemon
            .docker(&["run", "--rm", "busybox", "echo", "hello"])
            .ok(),
        "hello"
    );
    assert_eq!(
        daemon
            .docker(&["run", "--rm", "busybox", "sh", "-c", "exit 7"])
            .code(),
        7
    );
    assert_eq!(daemon.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn tells_why_a_command_cannot_start() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let missing = daemon.docker(&["run", "--rm", "busybox", "nope"]);
    missing.failed_with(127, "exec: \"nope\": executable file not found in $PATH");
    let directory = daemon.docker(&["run", "--rm", "busybox", "/etc"]);
    assert_eq!(directory.code(), 126, "{directory}");
    let data = daemon.docker(&["run", "--rm", "busybox", "/etc/passwd"]);
    data.failed_with(126, "permission denied");
    let workdir = daemon.docker(&["run", "--rm", "busybox", "/no/such/file"]);
    workdir.failed_with(127, "no such file or directory");
    let kept = daemon.docker(&["run", "--name", "kept", "busybox", "nope"]);
    assert_eq!(kept.code(), 127);
    assert_eq!(
        daemon.inspect("kept", "{{.State.Status}} {{.State.ExitCode}}"),
        "created 127"
    );
}

#[test]
fn says_no_such_image_and_no_such_container() {
    let daemon = Daemon::start();
    let created = daemon.api(
        "POST",
        "/v1.50/containers/create",
        Some(r#"{"Image":"nope"}"#),
    );
    assert_eq!(created.status, 404);
    assert_eq!(created.json()["message"], "No such image: nope:latest");
    let missing = daemon.docker(&["start", "nope"]);
    missing.failed_with(1, "No such container: nope");
}

#[test]
fn stops_with_the_signal_that_the_image_or_the_user_asks_for() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "trap 'exit 7' TERM; trap 'exit 8' USR1; while :; do sleep 0.05; done";
    daemon
        .docker(&["run", "-d", "--name", "ca", "busybox", "sh", "-c", script])
        .ok();
    daemon.docker(&["stop", "ca"]).ok();
    assert_eq!(daemon.inspect("ca", "{{.State.ExitCode}}"), "7");
    let create = [
        "run",
        "-d",
        "--name",
        "cb",
        "--stop-signal",
        "USR1",
        "busybox",
        "sh",
        "-c",
        script,
    ];
    daemon.docker(&create).ok();
    daemon.docker(&["stop", "cb"]).ok();
    assert_eq!(daemon.inspect("cb", "{{.State.ExitCode}}"), "8");
}

#[test]
fn kills_after_the_stop_timeout() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "trap '' TERM; while :; do sleep 0.05; done";
    daemon
        .docker(&["run", "-d", "--name", "ca", "busybox", "sh", "-c", script])
        .ok();
    daemon.docker(&["stop", "-t", "1", "ca"]).ok();
    assert_eq!(
        daemon.inspect("ca", "{{.State.ExitCode}} {{.State.Status}}"),
        "137 exited"
    );
}

#[test]
fn answers_not_modified_and_conflict_as_dockerd_does() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "k1", "busybox", "sleep", "60"])
        .ok();
    assert_eq!(daemon.api("POST", "/containers/k1/start", None).status, 304);
    let removed = daemon.api("DELETE", "/containers/k1", None);
    assert_eq!(removed.status, 409);
    assert_eq!(
        removed.json()["message"],
        "cannot remove container \"k1\": container is running: stop the container before removing or force remove"
    );
    assert_eq!(
        daemon.api("POST", "/containers/k1/stop?t=0", None).status,
        204
    );
    assert_eq!(
        daemon.api("POST", "/containers/k1/stop?t=0", None).status,
        304
    );
    assert_eq!(daemon.api("POST", "/containers/k1/kill", None).status, 409);
    assert_eq!(
        daemon
            .api("POST", "/containers/k1/wait?condition=bogus", None)
            .status,
        400
    );
    assert_eq!(daemon.api("GET", "/containers/k1/logs", None).status, 400);
}

#[test]
fn refuses_a_name_that_is_taken() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon.docker(&["create", "--name", "web", "busybox"]).ok();
    let again = daemon.docker(&["create", "--name", "web", "busybox"]);
    again.failed_with(
        1,
        "Conflict. The container name \"/web\" is already in use by container",
    );
}

#[test]
fn lists_renames_and_finds_by_prefix() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let id = daemon
        .docker(&["create", "--name", "old", "--label", "a=b", "busybox"])
        .ok()
        .to_owned();
    daemon.docker(&["rename", "old", "new"]).ok();
    assert_eq!(daemon.inspect(&id[..6], "{{.Name}}"), "/new");
    let list = |filter: &str| {
        daemon
            .docker(&["ps", "-aq", "--no-trunc", "--filter", filter])
            .ok()
            .to_owned()
    };
    assert_eq!(list("name=new"), id);
    assert_eq!(list("label=a=b"), id);
    assert_eq!(list("status=created"), id);
    assert_eq!(list("ancestor=busybox"), id);
    assert_eq!(list("name=old"), "");
    assert_eq!(list("status=running"), "");
}

#[test]
fn restarts_a_container_that_fails() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "run",
        "-d",
        "--name",
        "cr",
        "--restart",
        "on-failure:3",
        "busybox",
        "sh",
        "-c",
        "exit 1",
    ];
    daemon.docker(&flags).ok();
    eventually("three restarts", || {
        (daemon.inspect("cr", "{{.RestartCount}} {{.State.Status}}") == "3 exited").then_some(())
    });
}

#[test]
fn restarts_on_request_with_a_new_process() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "cr", "busybox", "sleep", "60"])
        .ok();
    let before = daemon.inspect("cr", "{{.State.Pid}}");
    daemon.docker(&["restart", "-t", "0", "cr"]).ok();
    let after = daemon.inspect("cr", "{{.State.Pid}} {{.State.Running}}");
    assert_ne!(format!("{before} true"), after);
    assert!(after.ends_with(" true"), "{after}");
}

#[test]
fn waits_for_a_container_and_tells_its_code() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "cw",
            "busybox",
            "sh",
            "-c",
            "sleep 0.3; exit 5",
        ])
        .ok();
    assert_eq!(daemon.docker(&["wait", "cw"]).ok(), "5");
    assert_eq!(daemon.docker(&["wait", "cw"]).ok(), "5");
}

#[test]
fn prunes_what_is_stopped() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "up", "busybox", "sleep", "60"])
        .ok();
    daemon
        .docker(&["run", "--name", "down", "busybox", "true"])
        .ok();
    let pruned = daemon.docker(&["container", "prune", "--force"]);
    assert!(pruned.ok().contains("Deleted Containers"), "{pruned}");
    assert_eq!(
        daemon.docker(&["ps", "-a", "--format", "{{.Names}}"]).ok(),
        "up"
    );
}

#[test]
fn an_init_process_reaps_and_forwards_signals() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&[
            "run", "-d", "--init", "--name", "ci", "busybox", "sleep", "60",
        ])
        .ok();
    eventually("init and sleep", || {
        (daemon.docker(&["top", "ci"]).ok().lines().count() == 3).then_some(())
    });
    daemon.docker(&["stop", "-t", "5", "ci"]).ok();
    assert_eq!(daemon.inspect("ci", "{{.State.ExitCode}}"), "143");
}

#[test]
fn shows_processes_statistics_and_events() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "cs", "busybox", "sleep", "60"])
        .ok();
    assert!(daemon.docker(&["top", "cs"]).ok().contains("sleep 60"));
    let aux = daemon.docker(&["top", "cs", "-o", "pid,comm"]);
    assert!(aux.ok().starts_with("PID"), "{aux}");
    let stats = daemon.docker(&["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}"]);
    assert_eq!(stats.ok(), "cs 1");
    daemon.docker(&["kill", "cs"]).ok();
    // The client cuts `--until` to whole seconds; the daemon waits for the end of this one.
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let until = (now + 1).to_string();
    let events = daemon.docker(&[
        "events",
        "--since",
        "1",
        "--until",
        &until,
        "--format",
        "{{.Action}}",
    ]);
    let actions: Vec<&str> = events.ok().lines().collect();
    for action in ["load", "create", "start", "top", "kill", "die"] {
        assert!(
            actions.contains(&action),
            "{action} is missing: {actions:?}"
        );
    }
    let order: Vec<usize> = ["create", "start", "kill", "die"]
        .iter()
        .map(|a| actions.iter().position(|b| a == b).unwrap())
        .collect();
    assert!(order.is_sorted(), "{actions:?}");
}

#[test]
fn removes_everything_of_a_container() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let id = daemon
        .docker(&[
            "run", "-d", "--name", "gone", "-v", "/data", "busybox", "sleep", "60",
        ])
        .ok()
        .to_owned();
    daemon.docker(&["rm", "-fv", "gone"]).ok();
    assert_eq!(daemon.docker(&["volume", "ls", "-q"]).ok(), "");
    for folder in [
        "data/containers",
        "data/overlay",
        "exec/containers",
        "exec/netns",
    ] {
        let left = eventually_empty(&daemon, folder, &id);
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&id), "{mounts}");
}

fn eventually_empty(daemon: &Daemon, folder: &str, id: &str) -> Vec<String> {
    std::fs::read_dir(daemon.path(folder))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(id))
        .collect()
}
