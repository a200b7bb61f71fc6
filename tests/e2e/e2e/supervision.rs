//! Containers that behave badly: each is told honestly, and neither another container nor the daemon is harmed.

use std::fs;
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lockgate_testkit::{Daemon, Ended, eventually, program, run};

/// A daemon with a container that has nothing to do with the matter.
struct Scene {
    daemon: Daemon,
    bystander: String,
}

impl Scene {
    fn new() -> Self {
        let daemon = Daemon::start();
        daemon.load_busybox();
        daemon
            .docker(&[
                "run",
                "-d",
                "--name",
                "bystander",
                "busybox",
                "sleep",
                "900",
            ])
            .ok();
        let bystander = daemon.inspect("bystander", FACTS);
        Self { daemon, bystander }
    }

    /// Starts the container that the test is about.
    fn start(&self, options: &[&str], script: &str) {
        let first = ["run", "-d", "--name", "bad"];
        self.daemon
            .docker(&[&first[..], options, &["busybox", "sh", "-c", script]].concat())
            .ok();
    }

    fn exec(&self, script: &str) -> Ended {
        self.daemon.docker(&["exec", "bad", "sh", "-c", script])
    }

    fn waits_for(&self, script: &str) {
        eventually(script, || self.exec(script).status.success().then_some(()));
    }

    fn shim_of(&self, name: &str) -> u32 {
        let pid = self.daemon.inspect(name, "{{.State.Pid}}");
        number(&pid, "PPid:")
    }

    /// The others are as they were, and answer.
    fn is_unharmed(&self) {
        let begin = Instant::now();
        let said = self.daemon.docker(&["exec", "bystander", "echo", "well"]);
        assert_eq!(said.ok(), "well");
        assert_eq!(self.daemon.inspect("bystander", FACTS), self.bystander);
        let ran =
            self.daemon
                .docker(&["run", "--rm", "--network", "none", "busybox", "echo", "new"]);
        assert_eq!(ran.ok(), "new");
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it took {:?}",
            begin.elapsed()
        );
    }
}

const FACTS: &str = "{{.State.Pid}} {{.State.Status}} {{.RestartCount}} {{.State.StartedAt}}";

/// A number of `/proc/PID/status`.
fn number(pid: &str, field: &str) -> u32 {
    find_number(pid, field).unwrap()
}

/// The same of a process that may have ended.
fn find_number(pid: &str, field: &str) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn zombies_are_reaped_by_init_and_harm_nobody_without() {
    let scene = Scene::new();
    // Orphans that end only when their first process is no shell any more, which would reap them.
    let script = "mkfifo /f; for i in $(seq 200); do (cat /f &); done; exec sleep 600";
    let zombies = "ps -o stat | grep -c Z";
    scene.start(&[], script);
    scene.waits_for("pidof sleep");
    scene.waits_for(&format!(": <>/f; [ $({zombies}) = 200 ]"));
    scene.is_unharmed();
    scene.daemon.docker(&["rm", "-f", "bad"]).ok();
    scene.start(&["--init"], script);
    scene.waits_for("pidof sleep");
    scene.waits_for(": <>/f; ! pidof cat");
    assert_eq!(scene.exec(zombies).stdout.trim(), "0");
    scene.is_unharmed();
}

#[test]
fn signals_that_come_twice_during_a_stop_end_it_once() {
    let scene = Scene::new();
    scene.start(
        &["--stop-timeout", "2"],
        "trap 'echo again' TERM; while :; do sleep 0.1; done",
    );
    scene.waits_for("true");
    let stops: Vec<_> = (0..3)
        .map(|_| {
            scene
                .daemon
                .docker_command()
                .args(["stop", "bad"])
                .spawn()
                .unwrap()
        })
        .collect();
    for _ in 0..3 {
        // It may be gone by then, which is said as well.
        drop(scene.daemon.docker(&["kill", "-s", "TERM", "bad"]));
    }
    for mut stop in stops {
        assert!(stop.wait().unwrap().success());
    }
    assert_eq!(
        scene
            .daemon
            .inspect("bad", "{{.State.Status}} {{.State.ExitCode}}"),
        "exited 137"
    );
    let until = crate::files::now();
    let events = [
        "events",
        "--since",
        "10m",
        "--until",
        &until,
        "--filter",
        "container=bad",
    ];
    let events = scene
        .daemon
        .docker(&[&events[..], &["--filter", "event=die"]].concat());
    assert_eq!(events.ok().lines().count(), 1, "{events}");
    scene.is_unharmed();
}

#[test]
fn a_container_that_closes_its_output_goes_on() {
    let scene = Scene::new();
    scene.start(
        &[],
        "echo first; exec >&- 2>&-; until [ -e /go ]; do sleep 0.1; done; exit 7",
    );
    eventually("its output", || {
        (scene.daemon.docker(&["logs", "bad"]).stdout == "first\n").then_some(())
    });
    assert_eq!(scene.daemon.inspect("bad", "{{.State.Status}}"), "running");
    scene.is_unharmed();
    scene.exec("touch /go");
    assert_eq!(scene.daemon.docker(&["wait", "bad"]).ok(), "7");
}

/// As many MiB as `LOCKGATE_TEST_OUTPUT_MIB` says; few unless it is set.
#[test]
fn output_without_end_costs_neither_memory_nor_disk() {
    let scene = Scene::new();
    let mib = std::env::var("LOCKGATE_TEST_OUTPUT_MIB").unwrap_or_else(|_| "64".to_owned());
    // A debug build on a busy machine takes 4 MiB in a second.
    let patience = Duration::from_secs(900.max(mib.parse::<u64>().unwrap() / 2));
    let rotated = ["--log-opt", "max-size=4m", "--log-opt", "max-file=3"];
    let script =
        format!("yes 0123456789012345678901234567890123456789 | head -c {mib}m; echo; echo end");
    scene.start(&rotated, &script);
    scene.is_unharmed();
    let shim = scene.shim_of("bad").to_string();
    let daemon = scene.daemon.pid().to_string();
    let mut peak = 0;
    let mut command = scene.daemon.docker_command();
    let wait = command.args(["wait", "bad"]).stdout(Stdio::null());
    let mut end = wait.spawn().unwrap();
    let begin = Instant::now();
    // What it took at most is to be had only while it is there.
    while end.try_wait().unwrap().is_none() {
        peak = peak.max(find_number(&shim, "VmHWM:").unwrap_or(0));
        assert!(begin.elapsed() < patience, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = begin.elapsed();
    assert!(peak > 0 && peak < 24 << 10, "the shim took {peak} KiB");
    let daemons = number(&daemon, "VmHWM:");
    assert!(daemons < 200 << 10, "the daemon took {daemons} KiB");
    let id = scene.daemon.inspect("bad", "{{.Id}}");
    let folder = scene.daemon.path("data/containers").join(&id);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let logs = files.filter(|entry| entry.file_name().to_string_lossy().contains("-json.log"));
    let kept: u64 = logs.map(|entry| entry.metadata().unwrap().len()).sum();
    assert!(kept > 4 << 20 && kept < 13 << 20, "{kept} bytes are kept");
    let tail = scene.daemon.docker(&["logs", "--tail", "1", "bad"]);
    assert_eq!(tail.ok(), "end");
    println!("{mib} MiB in {took:?}: shim {peak} KiB, daemon {daemons} KiB, {kept} bytes kept");
}

#[test]
fn a_container_with_twenty_thousand_open_files_takes_nobody_elses() {
    let scene = Scene::new();
    let script = "import resource, time
most = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
files = []
try:
    while True: files.append(open('/dev/null'))
except OSError as error:
    print(len(files) > most - 16, most, error.errno, flush=True)
time.sleep(600)";
    let python = [
        "-v",
        "/usr:/usr:ro",
        "-v",
        "/usr/lib:/lib:ro",
        "-v",
        "/usr/lib64:/lib64:ro",
        "--ulimit",
        "nofile=20000:20000",
        "busybox",
        "/usr/bin/python3",
        "-c",
        script,
    ];
    scene
        .daemon
        .docker(&[&["run", "-d", "--name", "bad"], &python[..]].concat())
        .ok();
    eventually("all its files", || {
        let said = scene.daemon.docker(&["logs", "bad"]);
        (said.stdout == "True 20000 24\n").then_some(())
    });
    scene.is_unharmed();
}

#[test]
fn a_fork_bomb_ends_at_its_limit() {
    let scene = Scene::new();
    scene.start(
        &["--pids-limit", "64"],
        "sh -c 'while :; do sleep 600 & done'; exec sleep 600",
    );
    let target = "/containers/bad/stats?stream=false";
    eventually("it is at its limit, or has fallen over it", || {
        let tasks = scene.daemon.api("GET", target, None).json()["pids_stats"]["current"].as_u64();
        let runs = scene.daemon.inspect("bad", "{{.State.Running}}") == "true";
        assert!(tasks.is_none_or(|count| count <= 64), "{tasks:?} tasks");
        (!runs || tasks.is_some_and(|count| count > 50)).then_some(())
    });
    scene.is_unharmed();
    scene.daemon.docker(&["rm", "-f", "bad"]).ok();
    scene.is_unharmed();
}

#[test]
fn a_shim_that_is_killed_takes_nobody_with_it() {
    let scene = Scene::new();
    scene.start(&[], "sleep 600");
    let pid = scene.daemon.inspect("bad", "{{.State.Pid}}");
    let shim = scene.shim_of("bad").to_string();
    run(program("kill").args(["-9", &shim]), b"").ok();
    scene.is_unharmed();
    scene.daemon.docker(&["rm", "-f", "bad"]).ok();
    eventually("its process is gone", || {
        fs::metadata(format!("/proc/{pid}")).is_err().then_some(())
    });
    scene.is_unharmed();
}

#[test]
fn a_log_shipper_that_is_killed_is_started_again() {
    let scene = Scene::new();
    let name = scene.daemon.netns().name().to_owned();
    let namespace = fs::File::open(format!("/run/netns/{name}")).unwrap();
    let socket = std::thread::spawn(move || {
        let kind = rustix::thread::LinkNameSpaceType::Network;
        let namespace = std::os::fd::AsFd::as_fd(&namespace);
        rustix::thread::move_into_link_name_space(namespace, Some(kind)).unwrap();
        UdpSocket::bind("127.0.0.1:5599").unwrap()
    });
    let socket = socket.join().unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let next = || {
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let target = [
        "--log-driver",
        "syslog",
        "--log-opt",
        "syslog-address=udp://127.0.0.1:5599",
    ];
    scene.start(
        &target,
        "n=0; while :; do n=$((n+1)); echo line $n; until [ -e /go$n ]; do sleep 0.1; done; done",
    );
    assert!(next().contains("line 1"));
    for round in 1..=2 {
        let shim = scene.shim_of("bad").to_string();
        let shippers = run(
            program("pgrep").args(["-P", &shim, "-f", "lockgate-log ship"]),
            b"",
        );
        let shipper = shippers.ok().lines().last().unwrap().to_owned();
        run(program("kill").args(["-9", &shipper]), b"").ok();
        // A second start within a second of the first has to wait.
        std::thread::sleep(Duration::from_millis(1100));
        scene.exec(&format!("touch /go{round}"));
        let line = next();
        assert!(line.contains(&format!("line {}", round + 1)), "{line}");
        scene.is_unharmed();
    }
    // The copy for `docker logs` has every line.
    let copy = scene.daemon.docker(&["logs", "bad"]);
    assert_eq!(copy.ok(), "line 1\nline 2\nline 3");
}
