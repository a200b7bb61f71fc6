//! Containers that another runtime makes, and our runtime under other engines.

use std::path::{Path, PathBuf};

use lockgate_testkit::{
    Daemon, DaemonOptions, Dockerd, NetNs, binary, busybox_layer, docker_archive, eventually,
    program, run,
};
use serde_json::json;

fn with_config(config: serde_json::Value) -> Daemon {
    let daemon = Daemon::start_with(DaemonOptions {
        config: Some(config),
        ..DaemonOptions::default()
    });
    daemon.load_busybox();
    daemon
}

/// An executable script in the daemon's directory.
fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The whole life of a container whose runtime is `name`.
fn live(daemon: &mut Daemon, name: &str) {
    let loop_script = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done";
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "box",
            "--runtime",
            name,
            "-m",
            "64m",
            "busybox",
            "sh",
            "-c",
            loop_script,
        ])
        .ok();
    assert_eq!(daemon.inspect("box", "{{.HostConfig.Runtime}}"), name);
    // The runtime's own state is the proof that it made the container.
    let id = daemon.inspect("box", "{{.Id}}");
    assert!(daemon.path("exec/runtime").join(&id).exists());
    let exec = daemon.docker(&[
        "exec",
        "-e",
        "A=b",
        "-w",
        "/tmp",
        "-u",
        "7",
        "box",
        "sh",
        "-c",
        "id -u; pwd; echo $A; exit 9",
    ]);
    assert_eq!(exec.code(), 9, "{exec}");
    assert_eq!(exec.stdout, "7\n/tmp\nb\n");
    let echoed = run(
        daemon.docker_command().args(["exec", "-i", "box", "cat"]),
        b"through",
    );
    assert_eq!(echoed.ok(), "through");
    eventually("it writes", || {
        daemon
            .docker(&["logs", "box"])
            .stdout
            .contains("line 3")
            .then_some(())
    });
    let stats = daemon
        .api("GET", "/containers/box/stats?stream=0&one-shot=1", None)
        .json();
    assert_eq!(stats["memory_stats"]["limit"], 64 << 20);
    assert!(
        stats["cpu_stats"]["cpu_usage"]["total_usage"]
            .as_u64()
            .unwrap()
            > 0
    );
    daemon.docker(&["pause", "box"]).ok();
    assert_eq!(daemon.inspect("box", "{{.State.Status}}"), "paused");
    daemon.docker(&["unpause", "box"]).ok();
    daemon.docker(&["update", "--pids-limit", "44", "box"]).ok();
    assert!(daemon.docker(&["top", "box"]).ok().contains("sleep"));
    let before = daemon.docker(&["logs", "box"]).stdout.lines().count();
    daemon.kill();
    daemon.spawn();
    assert_eq!(daemon.inspect("box", "{{.State.Running}}"), "true");
    eventually("it goes on to write", || {
        (daemon.docker(&["logs", "box"]).stdout.lines().count() > before).then_some(())
    });
    assert_eq!(
        daemon.docker(&["exec", "box", "echo", "again"]).ok(),
        "again"
    );
    daemon.docker(&["stop", "-t", "1", "box"]).ok();
    assert_eq!(daemon.inspect("box", "{{.State.ExitCode}}"), "137");
    daemon.docker(&["start", "box"]).ok();
    daemon.docker(&["rm", "-f", "box"]).ok();
    eventually("the runtime forgets it", || {
        (!daemon.path("exec/runtime").join(&id).exists()).then_some(())
    });
    let ended = daemon.docker(&[
        "run",
        "--rm",
        "-t",
        "--runtime",
        name,
        "busybox",
        "sh",
        "-c",
        "tty; exit 3",
    ]);
    assert_eq!(ended.code(), 3, "{ended}");
    assert!(ended.stdout.contains("/dev/"), "{ended}");
    let missing = daemon.docker(&["run", "--rm", "--runtime", name, "busybox", "nope"]);
    // The client looks for words of runc's, which crun does not use.
    let code = if name == "masked" { 125 } else { 127 };
    assert_eq!(missing.code(), code, "{missing}");
    assert!(missing.stderr.contains("nope"), "{missing}");
}

#[test]
fn runc_makes_containers_by_its_name_alone() {
    live(&mut with_config(json!({})), "runc");
}

#[test]
fn our_own_command_line_makes_containers_by_its_path() {
    let path = binary("lockgate-oci");
    live(&mut with_config(json!({})), path.to_str().unwrap());
}

// crun refuses hosts with controllers on both versions of cgroups: it is not shown those of the second.
#[test]
fn crun_makes_containers() {
    let directory = tempfile::tempdir().unwrap();
    let text = "#!/bin/sh\nf=/sys/fs/cgroup/unified/cgroup.controllers\n\
        [ ! -e $f ] || exec unshare --mount --propagation slave sh -c \
        \"mount --bind /dev/null $f && exec /usr/bin/crun \\\"\\$@\\\"\" crun \"$@\"\n\
        exec /usr/bin/crun \"$@\"\n";
    let path = script(directory.path(), "crun", text);
    live(
        &mut with_config(json!({ "runtimes": { "masked": { "path": path } } })),
        "masked",
    );
}

#[test]
fn a_configured_runtime_gets_its_arguments_and_can_be_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("calls");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nshift\nexec /usr/sbin/runc \"$@\"\n",
        log.display()
    );
    let path = script(directory.path(), "recording", &text);
    let daemon = with_config(json!({
        "runtimes": { "recording": { "path": path, "runtimeArgs": ["--first"] } },
        "default-runtime": "recording",
    }));
    assert_eq!(
        daemon
            .docker(&["run", "--rm", "busybox", "echo", "out"])
            .ok(),
        "out"
    );
    let calls = std::fs::read_to_string(&log).unwrap();
    assert!(
        calls
            .lines()
            .all(|line| line.starts_with("--first --root ")),
        "{calls}"
    );
    for verb in [" create ", " start ", " delete "] {
        assert!(calls.contains(verb), "{calls}");
    }
    let info = daemon.api("GET", "/info", None).json();
    assert_eq!(info["DefaultRuntime"], "recording");
    assert_eq!(
        info["Runtimes"]["recording"]["runtimeArgs"],
        json!(["--first"])
    );
    // The built-in one can still be chosen.
    let before = std::fs::read_to_string(&log).unwrap();
    daemon
        .docker(&["run", "--rm", "--runtime", "lockgate", "busybox", "true"])
        .ok();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), before);
}

#[test]
fn an_unknown_runtime_is_refused_in_dockers_words() {
    let daemon = with_config(json!({}));
    for name in ["nope", "/etc/passwd", "../runc"] {
        let refused = daemon.docker(&["run", "--runtime", name, "busybox", "true"]);
        refused.failed_with(125, &format!("unknown or invalid runtime name: {name}"));
    }
}

#[test]
fn a_runtime_that_is_gone_is_not_replaced_by_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "mine",
        "#!/bin/sh\nexec /usr/sbin/runc \"$@\"\n",
    );
    let daemon = with_config(json!({}));
    let path = path.to_str().unwrap();
    daemon
        .docker(&[
            "create",
            "--name",
            "box",
            "--runtime",
            path,
            "busybox",
            "true",
        ])
        .ok();
    std::fs::remove_file(path).unwrap();
    let refused = daemon.docker(&["start", "box"]);
    refused.failed_with(1, "unknown or invalid runtime name");
}

/// dockerd of the host's Debian with our runtime as its only one.
#[test]
fn a_stock_dockerd_runs_containers_with_our_runtime() {
    let runtime = format!("ours={}", binary("lockgate-oci").display());
    let args = [
        "--add-runtime",
        &runtime,
        "--default-runtime",
        "ours",
        "--exec-opt",
        "native.cgroupdriver=cgroupfs",
    ];
    let peer = Dockerd::start_in(NetNs::new("lgp"), &args);
    let socket = format!("unix://{}", peer.socket().display());
    let docker = |args: &[&str]| {
        run(
            program("docker").env("DOCKER_HOST", &socket).args(args),
            b"",
        )
    };
    let archive = docker_archive(&["busybox:latest"], &json!({}), &[busybox_layer()]);
    run(
        program("docker").env("DOCKER_HOST", &socket).arg("load"),
        &archive,
    )
    .ok();
    let info = docker(&["info", "--format", "{{.DefaultRuntime}}"]);
    assert_eq!(info.ok(), "ours");
    let ended = docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "echo out; exit 6",
    ]);
    assert_eq!(
        (ended.code(), ended.stdout.as_str()),
        (6, "out\n"),
        "{ended}"
    );
    docker(&[
        "run", "-d", "--name", "box", "-m", "64m", "--cpus", "0.5", "busybox", "sleep", "100",
    ])
    .ok();
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", "box"]).stdout;
    let exe = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap();
    assert_eq!(exe, "sleep\x00100\x00");
    let exec = docker(&[
        "exec",
        "-u",
        "7",
        "-w",
        "/tmp",
        "box",
        "sh",
        "-c",
        "id -u; pwd; exit 9",
    ]);
    assert_eq!(
        (exec.code(), exec.stdout.as_str()),
        (9, "7\n/tmp\n"),
        "{exec}"
    );
    docker(&["pause", "box"]).ok();
    assert_eq!(
        docker(&["inspect", "--format", "{{.State.Status}}", "box"]).ok(),
        "paused"
    );
    docker(&["unpause", "box"]).ok();
    docker(&["update", "-m", "32m", "--memory-swap", "32m", "box"]).ok();
    let limit = docker(&["stats", "--no-stream", "--format", "{{.MemUsage}}", "box"]);
    assert!(limit.ok().contains("/ 32MiB"), "{limit}");
    assert!(docker(&["top", "box"]).ok().contains("sleep 100"));
    docker(&["stop", "-t", "1", "box"]).ok();
    docker(&["rm", "box"]).ok();
    let missing = docker(&["run", "--rm", "--network", "none", "busybox", "nope"]);
    assert_eq!(missing.code(), 127, "{missing}");
}

/// podman with our runtime, away from the host's storage.
#[test]
fn podman_runs_containers_with_our_runtime() {
    let podman = Podman::new();
    let archive = docker_archive(&["busybox:latest"], &json!({}), &[busybox_layer()]);
    podman.run_with(&["load"], &archive).ok();
    let network = ["--network", "none"];
    let ended = podman.run(
        &[
            &["run", "--rm"][..],
            &network,
            &["busybox", "sh", "-c", "echo out; exit 6"],
        ]
        .concat(),
    );
    assert_eq!(
        (ended.code(), ended.stdout.as_str()),
        (6, "out\n"),
        "{ended}"
    );
    podman
        .run(
            &[
                &["run", "-d", "--name", "box"][..],
                &network,
                &["busybox", "sleep", "100"],
            ]
            .concat(),
        )
        .ok();
    let runtime = podman.run(&["inspect", "--format", "{{.OCIRuntime}}", "box"]);
    assert!(runtime.ok().trim().ends_with("lockgate-oci"), "{runtime}");
    let exec = podman.run(&[
        "exec",
        "-u",
        "7",
        "-w",
        "/tmp",
        "box",
        "sh",
        "-c",
        "id -u; pwd; exit 9",
    ]);
    assert_eq!(
        (exec.code(), exec.stdout.as_str()),
        (9, "7\n/tmp\n"),
        "{exec}"
    );
    podman.run(&["pause", "box"]).ok();
    assert_eq!(
        podman
            .run(&["inspect", "--format", "{{.State.Status}}", "box"])
            .ok(),
        "paused"
    );
    podman.run(&["unpause", "box"]).ok();
    assert!(podman.run(&["top", "box"]).ok().contains("sleep 100"));
    podman.run(&["stop", "-t", "1", "box"]).ok();
    podman.run(&["rm", "box"]).ok();
    let missing = podman.run(&[&["run", "--rm"][..], &network, &["busybox", "nope"]].concat());
    assert_eq!(missing.code(), 127, "{missing}");
}

struct Podman {
    directory: tempfile::TempDir,
    netns: NetNs,
}

impl Podman {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            netns: NetNs::new("lgq"),
        }
    }

    fn run(&self, args: &[&str]) -> lockgate_testkit::Ended {
        self.run_with(args, b"")
    }

    fn run_with(&self, args: &[&str], stdin: &[u8]) -> lockgate_testkit::Ended {
        let mut command = self.netns.command("podman");
        for (flag, name) in [
            ("--root", "root"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
        ] {
            command.arg(flag).arg(self.directory.path().join(name));
        }
        command
            .args([
                "--cgroup-manager",
                "cgroupfs",
                "--events-backend",
                "none",
                "--storage-driver",
                "vfs",
            ])
            .arg("--runtime")
            .arg(binary("lockgate-oci"))
            .args(args);
        run(&mut command, stdin)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        drop(self.run(&["rm", "--all", "--force", "-t", "0"]));
    }
}
