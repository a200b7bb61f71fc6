//! Containers outlive the engine: it may be closed, dropped or killed at any moment.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockgate_engine::{CreateContainer, Engine, LogQuery, RemoveOptions, StopOptions};
use lockgate_types::container::RestartPolicy;

use crate::fixture::{Fixture, PATIENCE, Roots, config, sh};

/// Closes the first engine and opens the second on the same roots.
async fn reopen(fixture: Fixture) -> Fixture {
    let Fixture { engine, roots } = fixture;
    engine.close().await;
    drop(engine);
    let engine = roots.open().await;
    Fixture { engine, roots }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_container_is_adopted_with_its_streams() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run("n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done")
        .await;
    let pid = fixture.inspect(&id).await.state.pid;
    let fixture = reopen(fixture).await;
    let state = fixture.inspect(&id).await.state;
    assert_eq!((state.status, state.pid), ("running", pid));
    let query = LogQuery {
        stdout: true,
        follow: true,
        ..LogQuery::default()
    };
    let mut log = fixture.containers().logs(&id, query).await.unwrap();
    assert!(
        tokio::time::timeout(PATIENCE, log.next())
            .await
            .unwrap()
            .is_some()
    );
    fixture
        .containers()
        .stop(
            &id,
            StopOptions {
                timeout: Some(0),
                signal: None,
            },
        )
        .await
        .unwrap();
    // Not a line is missing.
    let text = fixture.log(&id).await;
    for (index, line) in text.lines().enumerate() {
        assert_eq!(line, (index + 1).to_string());
    }
}

/// A container that goes on with `script` once the file `told/go` is there.
fn until_told(fixture: &Fixture, script: &str) -> CreateContainer {
    let host = fixture.roots.directory.path().join("told");
    let mut request = sh(&format!(
        "while ! test -e /told/go; do sleep 0.02; done; {script}"
    ));
    request.host_config.binds = Some(vec![format!("{}:/told", host.display())]);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_while_nobody_looked_is_known_afterwards() {
    let fixture = Fixture::new().await;
    let id = fixture
        .run_with(until_told(&fixture, "echo bye; exit 9"))
        .await;
    let Fixture { engine, roots } = fixture;
    engine.close().await;
    drop(engine);
    std::fs::write(roots.directory.path().join("told/go"), "").unwrap();
    let exit = roots.data().join("containers").join(&id).join("exit.json");
    lockgate_testkit::eventually("the shim records the exit", || exit.exists().then_some(()));
    let fixture = Fixture {
        engine: roots.open().await,
        roots,
    };
    let state = fixture
        .eventually(&id, |now| now.state.status == "exited")
        .await
        .state;
    assert_eq!(state.exit_code, 9);
    assert_eq!(fixture.log(&id).await, "bye\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_limits_and_states_survive() {
    let fixture = Fixture::new().await;
    let mut request = sh("exit 2");
    request.name = Some("kept".to_owned());
    request.host_config.memory = 32 << 20;
    let id = fixture.run_with(request).await;
    fixture.wait(&id).await;
    fixture
        .containers()
        .rename("kept", "renamed")
        .await
        .unwrap();
    let before = fixture.inspect(&id).await;
    let fixture = reopen(fixture).await;
    assert_eq!(fixture.inspect("renamed").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_auto_remove_are_caught_up_with() {
    let fixture = Fixture::new().await;
    let mut request = until_told(&fixture, "exit 1");
    request.host_config.auto_remove = true;
    let removed = fixture.run_with(request).await;
    let mut request = until_told(
        &fixture,
        "test -e /again && exec sleep 60; touch /again; exit 1",
    );
    request.host_config.restart_policy = RestartPolicy {
        name: "always".to_owned(),
        maximum_retry_count: 0,
    };
    let restarted = fixture.run_with(request).await;
    let Fixture { engine, roots } = fixture;
    engine.close().await;
    drop(engine);
    std::fs::write(roots.directory.path().join("told/go"), "").unwrap();
    for id in [&removed, &restarted] {
        let exit = roots.data().join("containers").join(id).join("exit.json");
        lockgate_testkit::eventually("the shim records the exit", || exit.exists().then_some(()));
    }
    let fixture = Fixture {
        engine: roots.open().await,
        roots,
    };
    let gone = async {
        while fixture.containers().inspect(&removed, false).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    // Its shim may still be there and be adopted for a moment.
    let again = fixture.eventually(&restarted, |now| {
        now.state.status == "running" && now.restart_count == 1
    });
    again.await;
    fixture.remove(&restarted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_answered_is_cleared_away() {
    let fixture = Fixture::new().await;
    let kept = fixture.create(sh("true")).await;
    let Fixture { engine, roots } = fixture;
    engine.close().await;
    drop(engine);
    let containers = roots.data().join("containers");
    let torn = containers.join("ab".repeat(32));
    std::fs::create_dir(&torn).unwrap();
    std::fs::write(torn.join("container.json"), "{\"schema\":1,\"id\":\"").unwrap();
    let empty = containers.join("cd".repeat(32));
    std::fs::create_dir(&empty).unwrap();
    let foreign = containers.join("ef".repeat(32));
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("container.json"), "{\"schema\":99}").unwrap();
    let fixture = Fixture {
        engine: roots.open().await,
        roots,
    };
    assert!(!torn.exists() && !empty.exists());
    assert!(
        foreign.exists(),
        "a record of another version is left alone"
    );
    assert_eq!(fixture.status(&kept).await, "created");
    assert_eq!(fixture.info().containers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_shim_is_noticed_and_told() {
    let fixture = Fixture::new().await;
    let id = fixture.run("exec sleep 60").await;
    let init = fixture.inspect(&id).await.state.pid;
    let stat = std::fs::read_to_string(format!("/proc/{init}/stat")).unwrap();
    let shim: i32 = stat
        .rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let shim = rustix::process::Pid::from_raw(shim).unwrap();
    rustix::process::kill_process(shim, rustix::process::Signal::KILL).unwrap();
    let now = fixture
        .eventually(&id, |now| !now.state.error.is_empty())
        .await;
    assert!(now.state.error.contains("shim died"), "{}", now.state.error);
    // Whether the process lives on or not, the engine knows it and can end it.
    fixture.remove(&id).await;
    std::fs::metadata(format!("/proc/{init}/cwd")).unwrap_err();
}

/// Not a test of its own: the process that the crash tests kill.
#[tokio::test(flavor = "multi_thread")]
async fn helper_engine_for_crash_tests() {
    let Ok(root) = std::env::var("LOCKGATE_TEST_ROOT") else {
        return;
    };
    let cgroup = std::env::var("LOCKGATE_TEST_CGROUP").unwrap();
    let engine = Engine::open(config(std::path::Path::new(&root), &cgroup))
        .await
        .unwrap();
    for number in 0.. {
        let mut request = sh("exec sleep 60");
        request.name = Some(format!("c{number}"));
        let id = engine.containers().create(request).await.unwrap().id;
        println!("created {id}");
        if number % 2 == 0 {
            engine.containers().start(id.as_str()).await.unwrap();
            println!("started {id}");
        }
        if number % 3 == 0 {
            let options = RemoveOptions {
                force: true,
                ..RemoveOptions::default()
            };
            engine
                .containers()
                .remove(id.as_str(), options)
                .await
                .unwrap();
            println!("removed {id}");
        }
    }
}

fn spawn_helper(roots: &Roots) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "restore::helper_engine_for_crash_tests",
            "--nocapture",
        ])
        .env("LOCKGATE_TEST_ROOT", roots.directory.path())
        .env("LOCKGATE_TEST_CGROUP", &roots.cgroup)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nothing_that_was_answered() {
    for round in 0..6 {
        let roots = Roots::new();
        let mut helper = spawn_helper(&roots);
        let output = BufReader::new(helper.stdout.take().unwrap());
        let mut answers = Vec::new();
        for line in output.lines().map(Result::unwrap) {
            if line.contains("created ") || line.contains("started ") || line.contains("removed ") {
                answers.push(line);
            }
            if answers.len() == 7 + round {
                // Somewhere in the middle of what comes next.
                std::thread::sleep(Duration::from_micros(round as u64 * 700));
                helper.kill().unwrap();
            }
        }
        helper.wait().unwrap();
        let fixture = Fixture {
            engine: roots.open().await,
            roots,
        };
        check_answers(&fixture, &answers).await;
    }
}

/// Every answer holds, and nothing runs that was not answered.
async fn check_answers(fixture: &Fixture, answers: &[String]) {
    let of = |word: &str| -> Vec<String> {
        let lines = answers.iter().filter_map(|line| line.rsplit_once(word));
        lines.map(|(_, id)| id.to_owned()).collect()
    };
    let (created, started, removed) = (of("created "), of("started "), of("removed "));
    let last = answers.last().unwrap();
    for id in &created {
        let now = fixture.containers().inspect(id, false).await;
        if removed.contains(id) {
            assert!(now.is_err(), "removed, and there again: {answers:?}");
        } else if let Ok(now) = now {
            if started.contains(id) && !last.ends_with(id.as_str()) {
                assert_eq!(now.state.status, "running", "{answers:?}");
            }
            fixture.remove(id).await;
        } else {
            // The removal that was under way may have been done, but not answered.
            assert!(last.ends_with(id.as_str()), "lost {id}: {answers:?}");
        }
    }
    let unanswered = fixture.info().containers;
    assert!(
        unanswered <= 1,
        "{unanswered} containers were never answered"
    );
}
