//! `userns-remap`: root of a container is nobody on the host, and sees nothing of that.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use lockgate_testkit::{Daemon, DaemonOptions, program, run};
use serde_json::json;

/// First of the subordinate ids.
const FIRST: u32 = 700_000;

fn start() -> Daemon {
    let passwd = fs::read_to_string("/etc/passwd").unwrap() + "lgsub:x:4711:4711::/:/bin/sh\n";
    let ranges = format!("lgsub:{FIRST}:65536\n");
    let files = [
        ("/etc/passwd", passwd.as_str()),
        ("/etc/subuid", &ranges),
        ("/etc/subgid", &ranges),
    ];
    let daemon = Daemon::start_seeing(
        &files,
        DaemonOptions {
            config: Some(json!({ "userns-remap": "lgsub" })),
            ..DaemonOptions::default()
        },
    );
    daemon.load_busybox();
    daemon
}

fn data(daemon: &Daemon) -> PathBuf {
    daemon.path("data").join(format!("{FIRST}.{FIRST}"))
}

fn owner(path: &Path) -> (u32, u32) {
    let metadata = fs::symlink_metadata(path).unwrap();
    (metadata.uid() - FIRST, metadata.gid() - FIRST)
}

fn run_shell(daemon: &Daemon, options: &[&str], script: &str) -> String {
    let mut args = vec!["run", "--rm"];
    args.extend(options);
    args.extend(["busybox", "sh", "-c", script]);
    daemon.docker(&args).ok().to_owned()
}

#[test]
fn root_of_a_container_is_an_ordinary_user_of_the_host() {
    let daemon = start();
    let bind = daemon.path("made");
    let at = format!("{}:/bound", bind.display());
    let script = "touch /own /vol/f /bound/f; chown 5:6 /vol/f; sleep 600";
    let args = ["run", "-d", "--name", "cx", "-v", "vol:/vol", "-v", &at];
    daemon
        .docker(&[&args[..], &["busybox", "sh", "-c", script]].concat())
        .ok();
    let pid = daemon.inspect("cx", "{{.State.Pid}}");
    let map = fs::read_to_string(format!("/proc/{pid}/uid_map")).unwrap();
    let numbers: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(numbers, ["0", "700000", "65536"]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(
        status.contains("Uid:\t700000\t700000\t700000\t700000"),
        "{status}"
    );

    let data = data(&daemon);
    let volume = data.join("volumes/vol/_data");
    lockgate_testkit::eventually("its files", || {
        (owner_or(&volume.join("f")) == Some((5, 6))).then_some(())
    });
    assert_eq!(
        (owner(&volume), owner(&bind), owner(&bind.join("f"))),
        ((0, 0), (0, 0), (0, 0))
    );
    let id = daemon.inspect("cx", "{{.Id}}");
    assert_eq!(
        owner(&data.join("overlay").join(&id).join("upper/own")),
        (0, 0)
    );
    let layer = fs::read_dir(data.join("layers"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(owner(&layer.path().join("diff/bin/busybox")), (0, 0));
    let root = fs::metadata(&data).unwrap();
    assert_eq!(
        (root.mode() & 0o777, root.uid(), root.gid()),
        (0o710, 0, FIRST)
    );

    let inside = daemon.docker(&[
        "exec",
        "cx",
        "sh",
        "-c",
        "id -u; stat -c %u:%g /vol/f /etc/hosts",
    ]);
    assert_eq!(inside.ok(), "0\n5:6\n0:0");
    let info = daemon.docker(&[
        "info",
        "--format",
        "{{.SecurityOptions}} {{.DockerRootDir}}",
    ]);
    assert!(info.ok().contains("name=userns"), "{info}");
    assert!(info.ok().ends_with(&format!("{FIRST}.{FIRST}")), "{info}");
}

fn owner_or(path: &Path) -> Option<(u32, u32)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((
        metadata.uid().checked_sub(FIRST)?,
        metadata.gid().checked_sub(FIRST)?,
    ))
}

#[test]
fn a_remapped_container_does_what_others_do() {
    let daemon = start();
    assert_eq!(run_shell(&daemon, &[], "echo out > /dev/stdout"), "out");
    assert_eq!(
        run_shell(&daemon, &["-u", "7:8"], "echo out > /dev/stdout; id -u"),
        "out\n7"
    );
    assert_eq!(
        run_shell(&daemon, &["--init"], "cat /proc/1/comm"),
        "docker-init"
    );
    assert_eq!(
        run_shell(
            &daemon,
            &["--read-only", "--tmpfs", "/t"],
            "touch /t/x; echo $?"
        ),
        "0"
    );
    let limited = [
        "-m",
        "64m",
        "--pids-limit",
        "50",
        "--sysctl",
        "net.ipv4.ip_forward=1",
    ];
    assert_eq!(
        run_shell(&daemon, &limited, "cat /proc/sys/net/ipv4/ip_forward"),
        "1"
    );
    let ping = "ping -c1 -w5 $(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p') >/dev/null; echo $?";
    assert_eq!(run_shell(&daemon, &[], ping), "0");
    daemon.docker(&["network", "create", "n"]).ok();
    daemon
        .docker(&[
            "run",
            "-d",
            "--name",
            "peer",
            "--network",
            "n",
            "busybox",
            "sleep",
            "600",
        ])
        .ok();
    assert_eq!(
        run_shell(
            &daemon,
            &["--network", "n"],
            "ping -c1 -w5 peer >/dev/null; echo $?"
        ),
        "0"
    );
    daemon
        .docker(&["network", "connect", "bridge", "peer"])
        .ok();
    let links = daemon.docker(&["exec", "peer", "sh", "-c", "ls /sys/class/net"]);
    assert_eq!(links.ok(), "eth0\neth1\nlo");
    daemon.docker(&["restart", "-t", "0", "peer"]).ok();
    assert_eq!(
        run_shell(
            &daemon,
            &["--network", "n"],
            "ping -c1 -w5 peer >/dev/null; echo $?"
        ),
        "0"
    );
    // What it must not: devices, the host's kernel, other people's files.
    let forbidden =
        "mknod /n c 1 3; echo 1 > /proc/sys/kernel/panic; cat /etc/shadow; mount -t tmpfs t /mnt";
    let shadow = ["-v", "/etc/shadow:/etc/shadow:ro", "--cap-add", "ALL"];
    let said = daemon.docker(
        &[
            &["run", "--rm"],
            &shadow[..],
            &["busybox", "sh", "-c", forbidden],
        ]
        .concat(),
    );
    assert!(
        said.stderr
            .contains("can't open '/etc/shadow': Permission denied"),
        "{said}"
    );
    assert!(
        said.stderr.contains("mknod: /n: Operation not permitted"),
        "{said}"
    );
    assert!(
        said.stderr.contains("can't create /proc/sys/kernel/panic"),
        "{said}"
    );
}

#[test]
fn files_go_in_and_out_with_the_owners_that_the_container_sees() {
    let daemon = start();
    let make = "touch /a /v/a; chown 5:6 /a /v/a; sleep 600";
    daemon
        .docker(&[
            "run", "-d", "--name", "cx", "-v", "vol:/v", "busybox", "sh", "-c", make,
        ])
        .ok();
    lockgate_testkit::eventually("its files", || {
        let seen = daemon.docker(&["exec", "cx", "stat", "-c", "%u", "/v/a"]);
        (seen.stdout.trim() == "5").then_some(())
    });
    for state in ["running", "stopped"] {
        for path in ["/a", "/v/a"] {
            let listed = list(&daemon, &["cp", &format!("cx:{path}"), "-"]);
            assert!(
                listed.starts_with("-rw-r--r-- 5/6 "),
                "{state} {path}: {listed}"
            );
        }
        let exported = list(&daemon, &["export", "cx"]);
        let line = exported.lines().find(|line| line.ends_with(" a")).unwrap();
        assert!(line.contains(" 5/6 "), "{state}: {exported}");
        put(&daemon, "cx:/etc", state);
        put(&daemon, "cx:/v", state);
        let image = format!("of-{state}");
        daemon.docker(&["commit", "cx", &image]).ok();
        let script = format!("stat -c %u:%g /a /etc/{state}");
        let seen = daemon.docker(&["run", "--rm", &image, "sh", "-c", &script]);
        assert_eq!(seen.ok(), "5:6\n7:8");
        let script = format!("stat -c %u:%g /v/{state}");
        assert_eq!(run_shell(&daemon, &["-v", "vol:/v"], &script), "7:8");
        daemon.docker(&["stop", "-t", "0", "cx"]).ok();
    }
    // An image that is saved is the same as elsewhere.
    let saved = daemon.path("saved.tar").display().to_string();
    daemon.docker(&["save", "-o", &saved, "of-stopped"]).ok();
    let plain = Daemon::start();
    plain.docker(&["load", "-i", &saved]).ok();
    let seen = plain.docker(&[
        "run",
        "--rm",
        "of-stopped",
        "stat",
        "-c",
        "%u:%g",
        "/a",
        "/bin/busybox",
    ]);
    assert_eq!(seen.ok(), "5:6\n0:0");
}

/// What a command's tar stream holds, owners as numbers.
fn list(daemon: &Daemon, args: &[&str]) -> String {
    let archive = daemon.path("listed.tar");
    let mut command = daemon.docker_command();
    let out = fs::File::create(&archive).unwrap();
    assert!(command.args(args).stdout(out).status().unwrap().success());
    let listed = run(
        program("tar")
            .arg("--numeric-owner")
            .arg("-tvf")
            .arg(&archive),
        b"",
    );
    listed.ok().to_owned()
}

/// Copies a file of user 7 and group 8 into a container.
fn put(daemon: &Daemon, to: &str, name: &str) {
    let folder = daemon.path("put");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), "x").unwrap();
    let tar = [
        "--owner=7",
        "--group=8",
        "-C",
        folder.to_str().unwrap(),
        "-cf",
    ];
    let archive = daemon.path("put.tar");
    run(program("tar").args(tar).arg(&archive).arg(name), b"").ok();
    let bytes = fs::read(&archive).unwrap();
    run(daemon.docker_command().args(["cp", "-", to]), &bytes).ok();
}

#[test]
fn what_needs_the_hosts_namespaces_is_refused_in_dockerds_words() {
    let daemon = start();
    for (option, words) in [
        (
            "--privileged",
            "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
        ),
        (
            "--network=host",
            "cannot share the host's network namespace when user namespaces are enabled",
        ),
        (
            "--pid=host",
            "cannot share the host PID namespace when user namespaces are enabled",
        ),
    ] {
        let refused = daemon.docker(&["create", option, "busybox"]);
        assert!(refused.stderr.contains(words), "{option}: {refused}");
    }
    let host = [
        "--userns=host",
        "--privileged",
        "--network=host",
        "--pid=host",
    ];
    let map = run_shell(&daemon, &host, "cat /proc/self/uid_map");
    let numbers: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(numbers, ["0", "0", "4294967295"]);
}

#[test]
fn a_layer_with_users_that_do_not_exist_inside_is_refused() {
    let daemon = start();
    let folder = daemon.path("layer");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "x").unwrap();
    let archive = daemon.path("layer.tar");
    let tar = ["--owner=65536", "-C", folder.to_str().unwrap(), "-cf"];
    run(program("tar").args(tar).arg(&archive).arg("file"), b"").ok();
    let refused = daemon.docker(&["import", archive.to_str().unwrap(), "x"]);
    assert!(refused.stderr.contains("65536"), "{refused}");
    assert!(refused.stderr.contains("cannot be mapped"), "{refused}");
    assert_eq!(daemon.docker(&["images", "-q", "x"]).ok(), "");
}

/// A namespace belongs to a user namespace: whoever joins one comes into that as well.
#[test]
fn a_remapped_container_joins_the_namespaces_of_another() {
    let daemon = start();
    let first = "echo kept > /dev/shm/file; exec sleep 600";
    let args = ["run", "-d", "--name", "first", "--ipc=shareable"];
    daemon
        .docker(&[&args[..], &["busybox", "sh", "-c", first]].concat())
        .ok();
    lockgate_testkit::eventually("its shared memory", || {
        let seen = daemon.docker(&["exec", "first", "cat", "/dev/shm/file"]);
        (seen.stdout == "kept\n").then_some(())
    });
    let joins = [
        "--network=container:first",
        "--ipc=container:first",
        "--pid=container:first",
    ];
    let address = daemon.docker(&["exec", "first", "cat", "/sys/class/net/eth0/address"]);
    let address = address.ok();
    let seen = "cat /sys/class/net/eth0/address; cat /dev/shm/file; ps -o args | grep -c '^sleep 600'; id -u; touch /own; stat -c %u /own";
    let expected = format!("{address}\nkept\n1\n0\n0");
    assert_eq!(run_shell(&daemon, &joins, seen), expected, "all at once");
    let alone = format!("{address}\n1");
    for (one, script, expected) in [
        (
            joins[0],
            "cat /sys/class/net/eth0/address; echo $$",
            alone.as_str(),
        ),
        (
            joins[1],
            "cat /dev/shm/file; ls /sys/class/net",
            "kept\neth0\nlo",
        ),
        (
            joins[2],
            "ps -o args | grep -c '^sleep 600'; ls /sys/class/net",
            "1\neth0\nlo",
        ),
    ] {
        assert_eq!(run_shell(&daemon, &[one], script), expected, "{one}");
    }
    let args = [
        "run", "-d", "--name", "second", joins[0], "-v", "vol:/v", "busybox", "sleep", "600",
    ];
    daemon.docker(&args).ok();
    let user = |name: &str| {
        let pid = daemon.inspect(name, "{{.State.Pid}}");
        fs::metadata(format!("/proc/{pid}/ns/user")).unwrap().ino()
    };
    assert_eq!(user("second"), user("first"));
    let inside = [
        "exec",
        "second",
        "sh",
        "-c",
        "touch /v/f; stat -c %u /v/f; cat /sys/class/net/eth0/address",
    ];
    assert_eq!(daemon.docker(&inside).ok(), format!("0\n{address}"));
    // A power that the user namespace gives ends at the host's.
    let said = daemon.docker(&[
        "exec",
        "second",
        "sh",
        "-c",
        "echo 1 > /proc/sys/kernel/panic",
    ]);
    assert!(said.stderr.contains("can't create"), "{said}");
    daemon.docker(&["rm", "-f", "second", "first"]).ok();
}

#[test]
fn namespaces_of_different_user_namespaces_do_not_go_together() {
    let daemon = start();
    for (name, option) in [
        ("one", "--userns="),
        ("two", "--userns="),
        ("hosts", "--userns=host"),
    ] {
        daemon
            .docker(&[
                "run", "-d", "--name", name, option, "busybox", "sleep", "600",
            ])
            .ok();
    }
    for (options, words) in [
        (
            &["--network=container:hosts"][..],
            "a container that runs with --userns=host from one that does not",
        ),
        (
            &["--network=container:one", "--pid=container:two"],
            "two containers whose user namespaces differ",
        ),
    ] {
        let refused = daemon.docker(&[&["run", "--rm"], options, &["busybox", "true"]].concat());
        assert!(refused.stderr.contains(words), "{refused}");
    }
    let host = [
        "--userns=host",
        "--network=container:one",
        "--pid=container:two",
    ];
    let script = "ps -o args | grep -c '^sleep 600'; cut -c 1-32 /proc/self/uid_map | tr -s ' '";
    assert_eq!(run_shell(&daemon, &host, script), "1\n 0 0 4294967295");
}

#[test]
fn a_killed_daemon_finds_remapped_containers_again() {
    let mut daemon = start();
    let web = "echo page > /index.html; trap 'echo bye; exit 7' TERM; httpd -p 80 -h /; while :; do sleep 0.1; done";
    let args = [
        "run",
        "-d",
        "--name",
        "cx",
        "-v",
        "vol:/v",
        "-p",
        "127.0.0.1:8080:80",
    ];
    daemon
        .docker(&[&args[..], &["busybox", "sh", "-c", web]].concat())
        .ok();
    let peer = [
        "run",
        "-d",
        "--name",
        "peer",
        "--network=container:cx",
        "busybox",
        "sleep",
        "600",
    ];
    daemon.docker(&peer).ok();
    let facts =
        |daemon: &Daemon, name| daemon.inspect(name, "{{.Id}} {{.State.Pid}} {{.State.Status}}");
    let before = (facts(&daemon, "cx"), facts(&daemon, "peer"));
    daemon.kill();
    daemon.spawn();
    assert_eq!((facts(&daemon, "cx"), facts(&daemon, "peer")), before);
    let inside = daemon.docker(&[
        "exec",
        "cx",
        "sh",
        "-c",
        "id -u; touch /v/f; stat -c %u /v/f",
    ]);
    assert_eq!(inside.ok(), "0\n0");
    let page = ["exec", "peer", "wget", "-qO-", "http://127.0.0.1/"];
    assert_eq!(daemon.docker(&page).ok(), "page");
    assert_eq!(owner(&data(&daemon).join("volumes/vol/_data/f")), (0, 0));
    let pids: Vec<String> = ["cx", "peer"]
        .map(|name| daemon.inspect(name, "{{.State.Pid}}"))
        .to_vec();
    daemon.docker(&["stop", "-t", "20", "cx"]).ok();
    assert_eq!(daemon.inspect("cx", "{{.State.ExitCode}}"), "7");
    assert_eq!(daemon.docker(&["logs", "cx"]).ok(), "bye");
    daemon.docker(&["start", "cx"]).ok();
    assert_eq!(
        daemon.docker(&["exec", "cx", "cat", "/index.html"]).ok(),
        "page"
    );
    let ids = [
        daemon.inspect("cx", "{{.Id}}"),
        daemon.inspect("peer", "{{.Id}}"),
    ];
    // Killed once more, with a container that ends while nobody looks.
    let pid = daemon.inspect("cx", "{{.State.Pid}}");
    daemon.kill();
    run(program("kill").args(["-9", &pid]), b"").ok();
    daemon.spawn();
    lockgate_testkit::eventually("its end is known", || {
        (daemon.inspect("cx", "{{.State.ExitCode}} {{.State.Status}}") == "137 exited")
            .then_some(())
    });
    daemon.docker(&["rm", "-f", "-v", "peer", "cx"]).ok();
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
    let mounts = run(
        program("nsenter").args([
            &format!("--mount=/proc/{}/ns/mnt", daemon.pid()),
            "cat",
            "/proc/self/mounts",
        ]),
        b"",
    );
    for id in ids {
        assert!(!mounts.stdout.contains(&id), "{}", mounts.stdout);
        assert!(!data(&daemon).join("overlay").join(&id).exists());
        assert!(!daemon.path("exec/containers").join(&id).exists());
    }
}
