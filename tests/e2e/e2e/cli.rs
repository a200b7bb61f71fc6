//! `lockgate` says and does what `docker` says and does.

use lockgate_testkit::Daemon;

/// Commands whose output must be the same from both clients.
const SAME: &[&[&str]] = &[
    &[
        "ps",
        "-a",
        "--no-trunc",
        "--format",
        "{{.Names}} {{.Image}} {{.Command}} {{.Status}} {{.Ports}}",
    ],
    &["ps", "-aq", "--no-trunc"],
    &[
        "images",
        "--format",
        "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}",
    ],
    &["images"],
    &[
        "inspect",
        "--format",
        "{{.Id}} {{json .Config.Cmd}} {{.HostConfig.NetworkMode}}",
        "one",
    ],
    &["inspect", "one"],
    &["logs", "one"],
    &["logs", "--tail", "1", "-t", "one"],
    &["port", "two"],
    &["history", "--no-trunc", "busybox"],
    &["volume", "ls"],
    &["volume", "inspect", "data"],
    &["network", "ls", "--no-trunc"],
    &["top", "two"],
    &[
        "run",
        "--rm",
        "busybox",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 9",
    ],
    &["run", "--rm", "busybox", "nope"],
    &["exec", "two", "sh", "-c", "exit 3"],
    &["inspect", "nope"],
    &["rm", "nope"],
    &["stop", "nope"],
    &["rm", "two"],
    &["rmi", "nope"],
    &["logs", "nope"],
    &["container", "ls", "-a", "--format", "{{.Names}}"],
    &["system", "df"],
];

#[test]
fn agrees_with_the_docker_cli() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    daemon
        .docker(&["volume", "create", "--label", "a=b", "data"])
        .ok();
    daemon
        .docker(&[
            "run",
            "--name",
            "one",
            "busybox",
            "sh",
            "-c",
            "echo first; echo second",
        ])
        .ok();
    daemon
        .docker(&[
            "run", "-d", "--name", "two", "-p", "18070:80", "-v", "data:/d", "busybox", "sleep",
            "600",
        ])
        .ok();
    let mut differences = Vec::new();
    for args in SAME {
        let (theirs, ours) = (daemon.docker(args), daemon.lockgate(args));
        let same = theirs.code() == ours.code()
            && theirs.stdout == ours.stdout
            && theirs.stderr.replace("docker", "lockgate")
                == ours.stderr.replace("docker", "lockgate");
        if !same {
            differences.push(format!("{theirs}\n=== but\n{ours}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n\n")
    );
}

#[test]
fn runs_detached_interactive_and_with_limits() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let flags = [
        "run", "-d", "--name", "cc", "-e", "A=1", "--memory", "64m", "--cpus", "0.5", "-u", "user",
        "-w", "/tmp",
    ];
    let id = daemon
        .lockgate(&[&flags[..], &["busybox", "sleep", "60"]].concat())
        .ok()
        .to_owned();
    assert_eq!(id.len(), 64);
    assert_eq!(
        daemon.inspect("cc", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}"),
        "67108864 500000000"
    );
    assert_eq!(
        daemon
            .lockgate(&["exec", "cc", "sh", "-c", "echo $A; pwd; id -u"])
            .ok(),
        "1\n/tmp\n1000"
    );
    assert_eq!(
        daemon
            .lockgate(&["stats", "--no-stream", "--format", "{{.Name}}"])
            .ok(),
        "cc"
    );
    assert_eq!(daemon.lockgate(&["kill", "cc"]).ok(), "cc");
    assert_eq!(daemon.lockgate(&["rm", "cc"]).ok(), "cc");
}

#[test]
fn loads_saves_tags_and_removes_images() {
    let daemon = Daemon::start();
    daemon.load_busybox();
    let file = daemon.path("image.tar").display().to_string();
    daemon.lockgate(&["save", "-o", &file, "busybox"]).ok();
    daemon.lockgate(&["tag", "busybox", "other:1"]).ok();
    assert!(
        daemon
            .lockgate(&["rmi", "busybox", "other:1"])
            .ok()
            .contains("Deleted: sha256:")
    );
    assert!(
        daemon
            .lockgate(&["load", "-i", &file])
            .ok()
            .ends_with("Loaded image: busybox:latest")
    );
}

#[test]
fn tells_what_is_built() {
    let daemon = Daemon::start();
    let table = daemon.lockgate(&["coverage"]).ok().to_owned();
    assert!(
        table.contains("ContainerCreate") && table.contains("ImageBuild"),
        "{table}"
    );
    let link = daemon.path("docker");
    std::os::unix::fs::symlink(lockgate_testkit::binary("lockgate"), &link).unwrap();
    let mut command = lockgate_testkit::program(&link);
    command
        .env(
            "DOCKER_HOST",
            format!("unix://{}", daemon.socket().display()),
        )
        .args(["version", "--format", "{{.Server.Os}}"]);
    assert_eq!(lockgate_testkit::run(&mut command, b"").ok(), "linux");
}
