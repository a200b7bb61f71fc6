//! What the command line answers, compared with what runc answers.

use crate::oci::Runtime;

/// Exit code and message of a command, without what must differ.
fn answer(runtime: &Runtime, args: &[&str]) -> (Option<i32>, String) {
    let output = runtime.run(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    // runc logs to standard error if it has no log; its message is quoted there.
    let last = stderr.lines().last().unwrap_or("").to_owned();
    let message = match last.split_once(" msg=") {
        Some((_, quoted)) => quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(quoted)
            .replace("\\\"", "\"")
            .replace("\\n", ""),
        None => last,
    };
    let program = runtime.program.display().to_string();
    let message = message
        .replace(&program, "runc")
        .replace("lockgate-oci", "runc");
    let directory = runtime.fixture.directory.display().to_string();
    (output.status.code(), message.replace(&directory, "D"))
}

/// Both runtimes in the same state, and what they answer.
fn compare(prepare: impl Fn(&Runtime), commands: &[&[&str]]) {
    let runtimes = Runtime::both(&["sleep", "100"]);
    for runtime in &runtimes {
        runtime.prepare(|_| {});
        prepare(runtime);
    }
    for args in commands {
        let [theirs, ours] = [&runtimes[0], &runtimes[1]].map(|runtime| answer(runtime, args));
        assert_eq!(ours, theirs, "{args:?}");
    }
    for runtime in &runtimes {
        drop(runtime.run(&["delete", "--force", "box"]));
    }
}

fn start(runtime: &Runtime) {
    let made = runtime.launch(&["run", "--detach", "box"]);
    assert!(made.0, "{}: {made:?}", runtime.name());
}

#[test]
fn without_a_container_it_answers_as_runc() {
    compare(
        |_| {},
        &[
            &["state"],
            &["start"],
            &["create"],
            &["create", "a", "b"],
            &["kill"],
            &["delete"],
            &["exec"],
            &["events"],
            &["state", "nope"],
            &["start", "nope"],
            &["kill", "nope"],
            &["kill", "nope", "FOO"],
            &["delete", "nope"],
            &["delete", "--force", "nope"],
            &["exec", "nope", "true"],
            &["exec", "nope"],
            &["pause", "nope"],
            &["resume", "nope"],
            &["events", "nope"],
            &["ps", "nope"],
            &["update", "nope"],
            &["list", "--format", "xml"],
            &["create", "-b", "/nowhere", "x"],
            &["--nope", "list"],
            &["state", "--nope", "x"],
            &["nope"],
            &["--log-format", "xml", "list"],
        ],
    );
}

#[test]
fn of_a_running_container_it_answers_as_runc() {
    compare(
        start,
        &[
            &["start", "box"],
            &["kill", "box", "FOO"],
            &["kill", "box", "0"],
            &["exec", "box", "nope"],
            &["exec", "box", "true"],
            &["exec", "box", "sh", "-c", "exit 7"],
            &["exec", "box", "sh", "-c", "kill -9 $$"],
            &["exec", "--tty", "--detach", "box", "true"],
            &["delete", "box"],
            &["create", "box"],
            &["resume", "box"],
            &["pause", "box"],
            &["pause", "box"],
            &["exec", "box", "true"],
            &["resume", "box"],
            &["resume", "box"],
            &["update", "--memory", "nonsense", "box"],
            &["update", "--pids-limit", "20", "box"],
            &["update", "box"],
            &["kill", "--all", "box", "CONT"],
        ],
    );
}

#[test]
fn of_a_stopped_container_it_answers_as_runc() {
    compare(
        |runtime| {
            start(runtime);
            assert!(runtime.run(&["kill", "box", "KILL"]).status.success());
            runtime.wait_for("box", "stopped");
        },
        &[
            &["start", "box"],
            &["kill", "box"],
            &["exec", "box", "true"],
            &["pause", "box"],
            &["resume", "box"],
            &["events", "--stats", "box"],
            &["update", "--pids-limit", "20", "box"],
            &["delete", "box"],
            &["delete", "box"],
        ],
    );
}

#[test]
fn a_bundle_without_a_configuration_is_told_as_by_runc() {
    let remove = |runtime: &Runtime| {
        std::fs::remove_file(runtime.bundle().join("config.json")).unwrap();
    };
    compare(remove, &[&["create", "x"], &["run", "x"]]);
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    let runtimes = Runtime::both(&["true"]);
    let ours = &runtimes[1];
    ours.prepare(|_| {});
    for (args, part) in [
        (
            &["checkpoint", "box"][..],
            "checkpoint is not supported by this runtime, which does not use CRIU",
        ),
        (
            &["restore", "box"],
            "restore is not supported by this runtime, which does not use CRIU",
        ),
        (
            &["--systemd-cgroup", "create", "box"],
            "--cgroup-manager=cgroupfs",
        ),
        (
            &["create", "--preserve-fds", "many", "box"],
            "invalid value \"many\" for preserve-fds",
        ),
        (
            &["create", "--preserve-fds", "900", "box"],
            "unable to stat preserved-fd",
        ),
        (
            &["update", "--l3-cache-schema", "x", "box"],
            "container does not exist",
        ),
    ] {
        let (code, message) = answer(ours, args);
        assert_eq!(code, Some(1), "{args:?}");
        assert!(message.contains(part), "{args:?}: {message}");
    }
}
