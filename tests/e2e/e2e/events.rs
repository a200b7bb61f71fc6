//! The order and the attributes of events, against what dockerd answered to the same commands.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockgate_testkit::{Daemon, eventually, run};

/// One scene of the recording.
#[derive(Default)]
struct Scene {
    title: &'static str,
    commands: Vec<&'static str>,
    events: Vec<&'static str>,
}

fn recorded() -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    for line in include_str!("../recorded/events.txt").lines() {
        if let Some(title) = line.strip_prefix("# ") {
            scenes.push(Scene {
                title,
                ..Scene::default()
            });
        } else if let Some(command) = line.strip_prefix("$ ") {
            scenes.last_mut().unwrap().commands.push(command);
        } else if !line.starts_with("! ") {
            scenes.last_mut().unwrap().events.push(line);
        }
    }
    scenes
}

fn now() -> String {
    timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

fn timestamp(time: Duration) -> String {
    format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
}

/// Events of a span of time, with what differs from run to run replaced as in the recording.
fn told(daemon: &Daemon, since: &str, until: &str, more: &[&str]) -> Vec<String> {
    let mut args = vec!["events", "--since", since, "--until", until];
    args.extend(more);
    args.extend([
        "--format",
        "{{.Type}} {{.Action}} {{json .Actor.Attributes}}",
    ]);
    let out = daemon.docker(&args);
    out.ok().lines().map(normal).collect()
}

fn normal(line: &str) -> String {
    let mut words = Vec::new();
    for part in line.split('"') {
        let bare = part.strip_prefix("sha256:").unwrap_or(part);
        let is_id = bare.len() == 64 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        let after = words.len() >= 2 && words[words.len() - 2] == "execDuration";
        words.push(match (is_id, after) {
            (true, _) if bare == part => "ID",
            (true, _) => "sha256:ID",
            (_, true) => "N",
            _ => part,
        });
    }
    words.join("\"")
}

#[test]
fn events_come_in_dockerds_order_with_its_attributes() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    for scene in recorded() {
        let since = now();
        for command in &scene.commands {
            let mut shell = daemon.docker_command();
            let docker = shell.get_program().to_owned();
            let environment: Vec<_> = shell
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect();
            assert_eq!(docker, "docker");
            shell = lockgate_testkit::program("sh");
            shell.args(["-c", command]).envs(environment);
            shell.env("SOCKET", daemon.socket());
            // Some of them are to fail: what counts is what is told.
            run(&mut shell, b"");
        }
        eventually(scene.title, || {
            let seen = told(&daemon, &since, &now(), &[]);
            (seen.len() >= scene.events.len()).then_some(())
        });
        assert_eq!(
            told(&daemon, &since, &now(), &[]),
            scene.events,
            "{}: {:?}",
            scene.title,
            scene.commands
        );
    }
}

#[test]
fn a_restart_policy_counts_its_restarts_and_a_stop_by_hand_ends_it() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let run = |name: &str, policy: &str, script: &str| {
        let args = [
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            name,
            "--restart",
            policy,
        ];
        daemon
            .docker(&[&args[..], &["busybox", "sh", "-c", script]].concat())
            .ok();
    };
    run("twice", "on-failure:2", "exit 7");
    run("well", "on-failure:2", "exit 0");
    run("always", "always", "exit 0");
    run("stopped", "unless-stopped", "sleep 600");
    run("manual", "always", "sleep 600");
    run("lives", "unless-stopped", "sleep 600");
    let state = |daemon: &Daemon, name: &str| {
        daemon.inspect(
            name,
            "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}",
        )
    };
    eventually("two restarts and no more", || {
        (state(&daemon, "twice") == "exited 2 7").then_some(())
    });
    assert_eq!(state(&daemon, "well"), "exited 0 0");
    let restarts = || {
        daemon
            .inspect("always", "{{.RestartCount}}")
            .parse::<u32>()
            .unwrap()
    };
    eventually("three restarts", || (restarts() >= 3).then_some(()));
    daemon.docker(&["stop", "-t", "0", "always"]).ok();
    let count = restarts();
    daemon.docker(&["stop", "-t", "0", "stopped"]).ok();
    daemon.docker(&["stop", "-t", "0", "manual"]).ok();
    daemon.kill();
    daemon.spawn();
    // As dockerd: `always` comes back with the daemon, `unless-stopped` only if nobody stopped it.
    eventually("`always` comes back", || {
        daemon
            .inspect("manual", "{{.State.Status}}")
            .eq("running")
            .then_some(())
    });
    assert_eq!(state(&daemon, "stopped"), "exited 0 137");
    assert_eq!(state(&daemon, "lives"), "running 0 0");
    assert_eq!(state(&daemon, "twice"), "exited 2 7");
    assert!(
        daemon
            .inspect("always", "{{.RestartCount}}")
            .parse::<u32>()
            .unwrap()
            <= count + 3
    );
}

#[test]
fn events_are_replayed_from_one_time_to_another_and_filtered() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let first = now();
    for name in ["one", "two"] {
        let label = format!("number={name}");
        daemon
            .docker(&[
                "run",
                "--network",
                "none",
                "--name",
                name,
                "--label",
                &label,
                "busybox",
                "true",
            ])
            .ok();
    }
    let middle = now();
    daemon.docker(&["rm", "one"]).ok();
    daemon.docker(&["volume", "create", "vol"]).ok();
    let told = |since: &str, until: &str, filters: &[&str]| -> Vec<String> {
        let more: Vec<&str> = filters.iter().flat_map(|f| ["--filter", f]).collect();
        told(&daemon, since, until, &more)
            .iter()
            .map(|line| line.split(" {").next().unwrap().to_owned())
            .collect()
    };
    let last = now();
    assert_eq!(
        told(&middle, &last, &[]),
        ["container destroy", "volume create"]
    );
    assert_eq!(
        told(&first, &middle, &["container=two", "event=die"]),
        ["container die"]
    );
    assert_eq!(
        told(
            &first,
            &last,
            &["label=number=one", "event=start", "event=destroy"]
        ),
        ["container start", "container destroy"]
    );
    assert_eq!(told(&first, &last, &["type=volume"]), ["volume create"]);
    assert_eq!(
        told(&first, &last, &["image=busybox", "event=create"]).len(),
        2
    );
    assert_eq!(told(&first, &last, &["volume=vol"]), ["volume create"]);
    assert!(told(&first, &last, &["type=daemon"]).is_empty());
}
