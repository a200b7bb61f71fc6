//! Health checks, as dockerd 28.5.2 carries them out.

use std::path::Path;

use lockgate_testkit::{Daemon, eventually};

/// Starts a container with a check, and more flags.
fn run(daemon: &Daemon, name: &str, check: &str, flags: &[&str]) {
    let mut args = vec!["run", "-d", "--network", "none", "--name", name];
    args.extend(["--health-cmd", check, "--health-interval", "100ms"]);
    args.extend(flags);
    args.extend(["busybox", "sleep", "600"]);
    daemon.docker(&args).ok();
}

fn status(daemon: &Daemon, name: &str) -> String {
    daemon.inspect(name, "{{.State.Health.Status}}")
}

fn await_status(daemon: &Daemon, name: &str, wanted: &str) {
    eventually(&format!("{name} is {wanted}"), || {
        (status(daemon, name) == wanted).then_some(())
    });
}

/// The actions of a container so far.
fn events(daemon: &Daemon, name: &str) -> Vec<String> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    // To the nanosecond: `0s` would leave out the second that has begun.
    let until = format!("{}.{:09}", now.as_secs(), now.subsec_nanos());
    let filter = format!("container={name}");
    let out = daemon.docker(&[
        "events",
        "--since",
        "1",
        "--until",
        &until,
        "--filter",
        &filter,
        "--format",
        "{{.Action}}",
    ]);
    out.ok().lines().map(str::to_owned).collect()
}

#[test]
fn a_container_is_starting_then_well_then_ill_and_everybody_is_told() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    run(&daemon, "h1", "cat /ok", &["--health-retries", "2"]);
    let list = |filter: &str| {
        daemon
            .docker(&[
                "ps",
                "--filter",
                filter,
                "--format",
                "{{.Names}} {{.Status}}",
            ])
            .ok()
            .to_owned()
    };
    assert!(
        list("name=h1").ends_with("(health: starting)"),
        "{}",
        list("name=h1")
    );
    daemon.docker(&["exec", "h1", "touch", "/ok"]).ok();
    await_status(&daemon, "h1", "healthy");
    assert!(list("health=healthy").ends_with("(healthy)"));
    assert_eq!(list("health=unhealthy"), "");
    daemon.docker(&["exec", "h1", "rm", "/ok"]).ok();
    await_status(&daemon, "h1", "unhealthy");
    assert!(list("health=unhealthy").ends_with("(unhealthy)"));
    let last = daemon.inspect("h1", "{{json .State.Health}}");
    let last: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert!(last["FailingStreak"].as_i64().unwrap() >= 2, "{last}");
    let probe = last["Log"].as_array().unwrap().last().unwrap();
    assert_eq!(probe["ExitCode"], 1);
    assert_eq!(
        probe["Output"],
        "cat: can't open '/ok': No such file or directory\n"
    );
    eventually("the log is full and stays so", || {
        let length = daemon.inspect(
            "h1",
            "{{len .State.Health.Log}} {{.State.Health.FailingStreak}}",
        );
        assert!(length.split(' ').next() <= Some("5"), "{length}");
        (length.starts_with("5 ") && length.len() > 3).then_some(())
    });
    let events = events(&daemon, "h1");
    let told: Vec<&str> = events
        .iter()
        .filter_map(|event| event.strip_prefix("health_status: "))
        .collect();
    assert_eq!(told, ["healthy", "unhealthy"]);
    let ill = events
        .iter()
        .position(|e| e == "health_status: unhealthy")
        .unwrap();
    let before = events[ill - 3..ill].join(", ");
    assert_eq!(
        before,
        "exec_create: /bin/sh -c cat /ok, exec_start: /bin/sh -c cat /ok, exec_die"
    );
    daemon
        .docker(&["ps", "--filter", "health=bogus"])
        .failed_with(1, "invalid filter 'health=bogus': invalid value for health (bogus): must be one of none, starting, healthy, unhealthy");
}

#[test]
fn a_probe_that_hangs_is_killed_and_counts_as_a_failure() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = ["--health-timeout", "300ms", "--health-retries", "1"];
    run(&daemon, "h2", "echo partial; sleep 4711", &flags);
    await_status(&daemon, "h2", "unhealthy");
    let format = "{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}";
    let text = daemon.inspect("h2", format);
    assert_eq!(
        text.trim_end(),
        "-1 Health check exceeded timeout (300ms): partial"
    );
    daemon.docker(&["pause", "h2"]).ok();
    daemon.docker(&["unpause", "h2"]).ok();
    // Each probe is gone before the next one begins, whatever ended it.
    for _ in 0..20 {
        let processes = daemon
            .docker(&["top", "h2", "-o", "pid,args"])
            .ok()
            .to_owned();
        let probes = processes
            .lines()
            .filter(|line| line.ends_with("sleep 4711"))
            .count();
        assert!(probes <= 1, "{processes}");
    }
    let events = events(&daemon, "h2");
    let ill = events
        .iter()
        .position(|e| e == "health_status: unhealthy")
        .unwrap();
    assert_eq!(events[ill - 1], "exec_die");
}

#[test]
fn output_is_cut_at_4096_bytes_and_a_missing_program_is_a_failure() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    run(&daemon, "h3", "yes | head -c 6000", &[]);
    await_status(&daemon, "h3", "healthy");
    let text = daemon.inspect("h3", "{{(index .State.Health.Log 0).Output}}");
    assert_eq!((text.len(), text.ends_with("y\n...")), (4099, true));
    let body = r#"{"Image":"busybox","Cmd":["sleep","600"],"HostConfig":{"NetworkMode":"none"},
        "Healthcheck":{"Test":["CMD","/nope"],"Interval":50000000,"Retries":1}}"#;
    assert_eq!(
        daemon
            .api("POST", "/containers/create?name=h4", Some(body))
            .status,
        201
    );
    daemon.docker(&["start", "h4"]).ok();
    await_status(&daemon, "h4", "unhealthy");
    assert_eq!(
        daemon.inspect(
            "h4",
            "{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}"
        ),
        "-1 OCI runtime exec failed: exec failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory: unknown"
    );
}

#[test]
fn a_paused_container_is_not_probed_and_recovers_afterwards() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    run(&daemon, "h5", "true", &[]);
    await_status(&daemon, "h5", "healthy");
    daemon.docker(&["pause", "h5"]).ok();
    let count = || {
        events(&daemon, "h5")
            .iter()
            .filter(|e| e.starts_with("exec_create"))
            .count()
    };
    // dockerd calls what it does not probe unhealthy.
    assert_eq!(status(&daemon, "h5"), "unhealthy");
    let shown = daemon
        .docker(&["ps", "--format", "{{.Status}}"])
        .ok()
        .to_owned();
    assert!(shown.ends_with("(Paused)"), "{shown}");
    let before = count();
    std::thread::sleep(std::time::Duration::from_millis(350));
    assert_eq!(count(), before);
    daemon.docker(&["unpause", "h5"]).ok();
    await_status(&daemon, "h5", "healthy");
    daemon.docker(&["stop", "-t", "0", "h5"]).ok();
    assert_eq!(status(&daemon, "h5"), "unhealthy");
    let shown = daemon
        .docker(&["ps", "-a", "--format", "{{.Status}}"])
        .ok()
        .to_owned();
    assert!(!shown.contains("healthy"), "{shown}");
}

#[test]
fn probing_goes_on_after_the_daemon_was_killed() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    run(&daemon, "h6", "test ! -e /ill", &["--health-retries", "1"]);
    await_status(&daemon, "h6", "healthy");
    daemon.kill();
    daemon.spawn();
    await_status(&daemon, "h6", "healthy");
    daemon.docker(&["exec", "h6", "touch", "/ill"]).ok();
    await_status(&daemon, "h6", "unhealthy");
}

#[test]
fn failures_within_the_start_period_do_not_count() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "--health-start-period",
        "60s",
        "--health-start-interval",
        "50ms",
        "--health-retries",
        "1",
    ];
    run(&daemon, "h7", "test -e /ok", &flags);
    eventually("three probes have failed", || {
        (daemon.inspect("h7", "{{len .State.Health.Log}}").as_str() >= "3").then_some(())
    });
    assert_eq!(
        daemon.inspect(
            "h7",
            "{{.State.Health.Status}} {{.State.Health.FailingStreak}}"
        ),
        "starting 0"
    );
    daemon.docker(&["exec", "h7", "touch", "/ok"]).ok();
    await_status(&daemon, "h7", "healthy");
    daemon.docker(&["exec", "h7", "rm", "/ok"]).ok();
    // It has been well: the period is over.
    await_status(&daemon, "h7", "unhealthy");
}

#[test]
fn the_images_check_is_merged_with_the_containers_and_can_be_switched_off() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let image = daemon.path("image.tar");
    daemon
        .docker(&["save", "-o", &image.to_string_lossy(), "busybox"])
        .ok();
    with_check(&daemon, &image);
    daemon
        .docker(&[
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            "h8",
            "--health-retries",
            "7",
            "checked",
            "sleep",
            "600",
        ])
        .ok();
    assert_eq!(
        daemon.inspect("h8", "{{json .Config.Healthcheck}}"),
        r#"{"Test":["CMD-SHELL","true"],"Interval":100000000,"Retries":7}"#
    );
    await_status(&daemon, "h8", "healthy");
    for client in ["docker", "lockgate"] {
        let name = format!("h9{client}");
        let args = [
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            &name,
            "--no-healthcheck",
            "checked",
            "sleep",
            "600",
        ];
        if client == "docker" {
            daemon.docker(&args).ok().len()
        } else {
            daemon.lockgate(&args).ok().len()
        };
        assert_eq!(
            daemon.inspect(
                &name,
                "{{json .State.Health}} {{json .Config.Healthcheck.Test}}"
            ),
            r#"null ["NONE"]"#
        );
    }
    let args = [
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "h10",
        "--health-cmd",
        "exit 3",
        "--health-interval",
        "50ms",
        "--health-timeout",
        "2s",
        "--health-retries",
        "1",
        "--health-start-period",
        "1ms",
        "--health-start-interval",
        "1s",
        "busybox",
        "sleep",
        "600",
    ];
    daemon.lockgate(&args).ok();
    assert_eq!(
        daemon.inspect("h10", "{{json .Config.Healthcheck}}"),
        r#"{"Test":["CMD-SHELL","exit 3"],"Interval":50000000,"Timeout":2000000000,"StartPeriod":1000000,"StartInterval":1000000000,"Retries":1}"#
    );
    await_status(&daemon, "h10", "unhealthy");
    daemon
        .lockgate(&["run", "--no-healthcheck", "--health-cmd", "x", "busybox"])
        .failed_with(125, "--no-healthcheck conflicts with --health-* options");
}

/// Makes the image `checked` with a `HEALTHCHECK` of its own.
fn with_check(daemon: &Daemon, scratch: &Path) {
    daemon
        .docker(&["create", "--name", "source", "busybox"])
        .ok();
    let layer = lockgate_testkit::busybox_layer();
    std::fs::write(scratch, layer).unwrap();
    daemon
        .docker(&[
            "import",
            "-c",
            "HEALTHCHECK --interval=100ms CMD true",
            "-c",
            "ENV PATH=/bin:/usr/bin",
            &scratch.to_string_lossy(),
            "checked",
        ])
        .ok();
    daemon.docker(&["rm", "source"]).ok();
}
