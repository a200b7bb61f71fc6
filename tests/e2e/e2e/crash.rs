//! kill -9 on the daemon: nothing that was answered is lost.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lockgate_testkit::{Daemon, eventually, request};
use rustix::process::{Pid, Signal};

#[test]
fn containers_logs_and_exit_codes_survive_the_daemon() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let script = "i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); sleep 0.05; done; exit 9";
    daemon
        .docker(&[
            "run", "-d", "--name", "worker", "busybox", "sh", "-c", script,
        ])
        .ok();
    daemon
        .docker(&[
            "run", "-d", "--name", "stays", "-p", "18090:80", "busybox", "sleep", "600",
        ])
        .ok();
    let pid = daemon.inspect("stays", "{{.State.Pid}}");
    daemon.kill();
    assert!(
        std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "the container died with the daemon"
    );
    std::thread::sleep(std::time::Duration::from_secs(2));
    daemon.spawn();
    assert_eq!(daemon.docker(&["wait", "worker"]).ok(), "9");
    let expected: Vec<String> = (0..30).map(|n| format!("line {n}")).collect();
    assert_eq!(daemon.docker(&["logs", "worker"]).ok(), expected.join("\n"));
    assert_eq!(
        daemon.inspect("stays", "{{.State.Pid}} {{.State.Running}}"),
        format!("{pid} true")
    );
    assert_eq!(
        daemon.docker(&["exec", "stays", "echo", "again"]).ok(),
        "again"
    );
    assert_eq!(
        daemon.docker(&["port", "stays", "80"]).ok().lines().next(),
        Some("0.0.0.0:18090")
    );
    daemon.docker(&["stop", "-t", "0", "stays"]).ok();
    assert_eq!(daemon.inspect("stays", "{{.State.ExitCode}}"), "137");
}

/// What the load was told: containers that were created, and those whose removal was confirmed.
#[derive(Default)]
struct Answered {
    created: Vec<String>,
    removed: Vec<String>,
    volumes: Vec<String>,
}

#[test]
fn ten_rounds_of_sigkill_under_load_lose_nothing() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "steady",
            "busybox",
            "sh",
            "-c",
            "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done",
        ])
        .ok();
    let answered = Arc::new(Mutex::new(Answered::default()));
    for round in 0..10 {
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..3)
            .map(|worker| load(&daemon, round, worker, &stop, &answered))
            .collect();
        eventually("some work was answered", || {
            (answered.lock().unwrap().created.len() > round * 3).then_some(())
        });
        daemon.kill();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().unwrap();
        }
        daemon.spawn();
        check(&daemon, &answered.lock().unwrap());
    }
    let pid = daemon.inspect("steady", "{{.State.Pid}} {{.RestartCount}}");
    assert!(pid.ends_with(" 0") && !pid.starts_with("0 "), "{pid}");
    daemon.docker(&["kill", "steady"]).ok();
    let logs = daemon.docker(&["logs", "steady"]);
    for (expected, line) in logs.ok().lines().enumerate() {
        assert_eq!(line, expected.to_string(), "a log line is missing");
    }
}

fn load(
    daemon: &Daemon,
    round: usize,
    worker: usize,
    stop: &Arc<AtomicBool>,
    answered: &Arc<Mutex<Answered>>,
) -> std::thread::JoinHandle<()> {
    let (socket, stop, answered) = (daemon.socket(), Arc::clone(stop), Arc::clone(answered));
    std::thread::spawn(move || {
        for number in 0..1000 {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            // A request that the kill cuts off panics in the client; it was not answered.
            let work = std::panic::catch_unwind(|| {
                let name = format!("r{round}w{worker}n{number}");
                let body =
                    r#"{"Image":"busybox","Cmd":["true"],"HostConfig":{"NetworkMode":"none"}}"#;
                let target = format!("/containers/create?name={name}");
                if request(&socket, "POST", &target, Some(body)).status == 201 {
                    answered.lock().unwrap().created.push(name.clone());
                }
                let volume = format!("v{name}");
                let body = format!(r#"{{"Name":"{volume}"}}"#);
                if request(&socket, "POST", "/volumes/create", Some(&body)).status == 201 {
                    answered.lock().unwrap().volumes.push(volume);
                }
                request(&socket, "POST", &format!("/containers/{name}/start"), None);
                if number % 2 == 0
                    && request(
                        &socket,
                        "DELETE",
                        &format!("/containers/{name}?force=1"),
                        None,
                    )
                    .status
                        == 204
                {
                    answered.lock().unwrap().removed.push(name);
                }
            });
            if work.is_err() {
                return;
            }
        }
    })
}

fn check(daemon: &Daemon, answered: &Answered) {
    let list = daemon.api("GET", "/containers/json?all=1", None).json();
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["Names"][0].as_str()?.strip_prefix('/'))
        .collect();
    for name in &answered.removed {
        assert!(
            !names.contains(&name.as_str()),
            "{name} is back after its removal was answered"
        );
    }
    let volumes = daemon.docker(&["volume", "ls", "-q"]).ok().to_owned();
    for volume in &answered.volumes {
        assert!(
            volumes.lines().any(|v| v == volume),
            "the volume {volume} is lost"
        );
    }
    // Created, not answered as removed: it may be gone only if a removal was under way.
    let missing: Vec<_> = answered
        .created
        .iter()
        .filter(|name| !names.contains(&name.as_str()) && !answered.removed.contains(name))
        .filter(|name| {
            name.rsplit('n')
                .next()
                .and_then(|n| n.parse::<u32>().ok())
                .is_some_and(|n| n % 2 == 1)
        })
        .collect();
    assert!(missing.is_empty(), "containers are lost: {missing:?}");
    let folders = std::fs::read_dir(daemon.path("data/containers"))
        .unwrap()
        .count();
    assert_eq!(folders, names.len(), "debris of unanswered requests");
    assert!(names.contains(&"steady"));
}

#[test]
fn a_follower_can_come_back_after_the_daemon_did() {
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let script = "i=0; while [ $i -lt 60 ]; do echo $i; i=$((i+1)); sleep 0.03; done";
    daemon
        .docker(&["run", "-d", "--name", "cf", "busybox", "sh", "-c", script])
        .ok();
    let mut first: Child = daemon
        .docker_command()
        .args(["logs", "-f", "cf"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    daemon.kill();
    first.wait().unwrap();
    daemon.spawn();
    let all = daemon.docker(&["logs", "-f", "cf"]).ok().to_owned();
    let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    assert_eq!(all, expected.join("\n"));
}

#[test]
fn a_killed_shim_is_told_honestly() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["run", "-d", "--name", "cs", "busybox", "sleep", "600"])
        .ok();
    let pid = daemon.inspect("cs", "{{.State.Pid}}");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let shim = stat
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap()
        .trim()
        .to_owned();
    lockgate_testkit::run(lockgate_testkit::program("kill").args(["-9", &shim]), b"").ok();
    // Its process runs on, without anybody who reads its output; that is what is told.
    assert_eq!(
        daemon.inspect("cs", "{{.State.Running}} {{.State.Pid}}"),
        format!("true {pid}")
    );
    daemon.docker(&["stop", "-t", "0", "cs"]).ok();
    assert_eq!(daemon.inspect("cs", "{{.State.Status}}"), "exited");
    eventually("its process is gone", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
    daemon.docker(&["rm", "cs"]).ok();
}

/// The daemon learns of the end and is asked at the same moment, in whichever order.
#[test]
fn what_ends_by_itself_can_be_killed_stopped_and_removed_at_that_moment() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let body = r#"{"Image":"busybox","Cmd":["sleep","600"],"HostConfig":{"NetworkMode":"none"}}"#;
    for round in 0..4 {
        for (method, verb, wanted) in [
            ("DELETE", "?force=1", [204, 204]),
            ("POST", "/stop", [204, 304]),
            ("POST", "/kill", [204, 409]),
        ] {
            let target = format!("/containers/create?name=c{round}");
            let created = daemon.api("POST", &target, Some(body)).json();
            let id = created["Id"].as_str().unwrap();
            let target = format!("/containers/{id}/start");
            assert_eq!(daemon.api("POST", &target, None).status, 204);
            let pid: i32 = daemon.inspect(id, "{{.State.Pid}}").parse().unwrap();
            signal(daemon.pid().cast_signed(), Signal::STOP);
            let (socket, target) = (daemon.socket(), format!("/containers/{id}{verb}"));
            let asked = std::thread::spawn(move || request(&socket, method, &target, None));
            signal(pid, Signal::KILL);
            eventually("the supervisor ends", || (!is_supervised(id)).then_some(()));
            signal(daemon.pid().cast_signed(), Signal::CONT);
            let answer = asked.join().unwrap();
            let text = answer.text();
            assert!(wanted.contains(&answer.status), "{method} {verb}: {text}");
            daemon.api("DELETE", &format!("/containers/{id}?force=1"), None);
        }
    }
}

fn signal(pid: i32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Whether there is a process whose arguments name this container.
fn is_supervised(id: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.map(|one| std::fs::read(one.path().join("cmdline")));
    arguments.flatten().any(|line| {
        let line = String::from_utf8_lossy(&line);
        line.contains("lockgate-shim") && line.contains(id)
    })
}
