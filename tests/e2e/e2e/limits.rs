//! Resource limits, as the kernel and the API show them.

use lockgate_testkit::{Daemon, eventually};

/// A file of the container's cgroup, on v1 (per controller) or v2.
fn cgroup_file(pid: &str, controller: &str, v1: &str, v2: &str) -> String {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let of = |name: &str| {
        groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let controllers = parts.nth(1)?;
            controllers
                .split(',')
                .any(|c| c == name)
                .then(|| parts.next().unwrap_or_default().to_owned())
        })
    };
    let path = match of(controller) {
        Some(group) => format!("/sys/fs/cgroup/{controller}{group}/{v1}"),
        None => format!("/sys/fs/cgroup{}/{v2}", of("").unwrap()),
    };
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
        .trim()
        .to_owned()
}

#[test]
fn limits_reach_the_kernel() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "run",
        "-d",
        "--name",
        "cl",
        "--memory",
        "64m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "50",
        "--cpuset-cpus",
        "0",
    ];
    daemon
        .docker(&[&flags[..], &["busybox", "sleep", "60"]].concat())
        .ok();
    let pid = daemon.inspect("cl", "{{.State.Pid}}");
    assert_eq!(
        cgroup_file(&pid, "memory", "memory.limit_in_bytes", "memory.max"),
        "67108864"
    );
    assert_eq!(cgroup_file(&pid, "pids", "pids.max", "pids.max"), "50");
    assert_eq!(
        cgroup_file(&pid, "cpuset", "cpuset.cpus", "cpuset.cpus"),
        "0"
    );
    let quota = cgroup_file(&pid, "cpu", "cpu.cfs_quota_us", "cpu.max");
    assert!(quota.starts_with("50000"), "{quota}");
    let stats = daemon
        .api("GET", "/containers/cl/stats?stream=0&one-shot=1", None)
        .json();
    assert_eq!(stats["memory_stats"]["limit"], 67_108_864);
    assert_eq!(stats["pids_stats"]["current"], 1);
}

#[test]
fn tells_that_memory_ran_out() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "x=a; while :; do x=$x$x; done";
    let ended = daemon.docker(&[
        "run",
        "--name",
        "co",
        "-m",
        "32m",
        "--memory-swap",
        "32m",
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(ended.code(), 137, "{ended}");
    assert_eq!(
        daemon.inspect("co", "{{.State.OOMKilled}} {{.State.ExitCode}}"),
        "true 137"
    );
}

#[test]
fn a_fork_bomb_stays_in_its_cage() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let script = "i=0; while [ $i -lt 60 ]; do sleep 60 & i=$((i+1)); done; wait";
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "cb",
            "--pids-limit",
            "20",
            "busybox",
            "sh",
            "-c",
            script,
        ])
        .ok();
    eventually("the limit is reached", || {
        let stats = daemon
            .api("GET", "/containers/cb/stats?stream=0&one-shot=1", None)
            .json();
        let exited = daemon.inspect("cb", "{{.State.Running}}") == "false";
        (exited
            || stats["pids_stats"]["current"]
                .as_u64()
                .is_some_and(|n| n >= 18))
        .then_some(())
    });
    daemon.docker(&["run", "--rm", "busybox", "true"]).ok();
    daemon.docker(&["rm", "-f", "cb"]).ok();
}

#[test]
fn ulimits_are_set_within_what_the_host_allows() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let ended = daemon.docker(&[
        "run",
        "--rm",
        "--ulimit",
        "nofile=512:1024",
        "busybox",
        "sh",
        "-c",
        "ulimit -Sn; ulimit -Hn",
    ]);
    assert_eq!(ended.ok(), "512\n1024");
}
