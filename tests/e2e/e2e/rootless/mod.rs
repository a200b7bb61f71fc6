//! The daemon of an ordinary user (`lockgated --rootless`).

mod lab;
mod network;
mod way_out;

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use lockgate_testkit::{binary, eventually, run};

use lab::{FIRST, Host, Kind, UID};

/// The life of a container, as its owner sees it.
#[test]
fn an_ordinary_user_runs_containers() {
    let host = Host::with_daemon(&Kind::default());
    host.load_busybox();
    let id = host.docker(&["run", "--rm", "busybox", "id", "-u"]);
    assert_eq!(id.ok(), "0", "root inside");
    host.docker(&[
        "run",
        "--detach",
        "--name=one",
        "--volume=data:/data",
        "busybox",
        "sh",
        "-c",
        "echo hello; echo kept > /data/file; exec sleep 600",
    ])
    .ok();
    eventually("the container speaks", || {
        host.docker(&["logs", "one"])
            .stdout
            .contains("hello")
            .then_some(())
    });
    assert_eq!(
        host.docker(&["exec", "one", "cat", "/data/file"]).ok(),
        "kept"
    );
    let other = ["exec", "--user=1000:1000", "one", "id", "-u"];
    assert_eq!(host.docker(&other).ok(), "1000");
    assert!(host.docker(&["top", "one"]).ok().contains("sleep 600"));
    host.docker(&[
        "exec",
        "one",
        "sh",
        "-c",
        "rm -r /home; mkdir /home; echo new > /etc/new; mv /root /r",
    ])
    .ok();
    let diff = host.docker(&["diff", "one"]);
    assert!(
        diff.ok().contains("A /etc/new") && diff.ok().contains("D /root"),
        "{diff}"
    );
    host.docker(&["commit", "one", "changed"]).ok();
    let made = "cat /etc/new; ls -d /home /r; ls /root 2>&1";
    let made = host.docker(&["run", "--rm", "changed", "sh", "-c", made]);
    assert!(made.stdout.starts_with("new\n/home\n/r\n"), "{made}");
    assert!(
        made.stdout.contains("No such file"),
        "a whiteout hides: {made}"
    );
    host.docker(&["rm", "--force", "one"]).ok();
    let again = [
        "run",
        "--rm",
        "--volume=data:/data",
        "busybox",
        "cat",
        "/data/file",
    ];
    assert_eq!(host.docker(&again).ok(), "kept");
    let info = host.docker(&[
        "info",
        "--format",
        "{{.SecurityOptions}} {{.DockerRootDir}}",
    ]);
    assert!(info.ok().contains("name=rootless"), "{info}");
    assert!(info.ok().contains("home/.local/share/lockgate"), "{info}");
}

/// Root in a container is the user outside, other ids are those of `/etc/subuid`, and what is the host's
/// root's stays out of reach.
#[test]
fn root_inside_is_not_root_outside() {
    let host = Host::with_daemon(&Kind::default());
    host.load_busybox();
    let shared = host.path("home/shared");
    run(host.user("/bin/mkdir").arg(&shared), b"").ok();
    fs::write(host.path("home/secret"), "of the host's root").unwrap();
    let secret = host.path("home/secret");
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let volume = format!("--volume={}:/home", host.path("home").display());
    let script = "echo a > /home/shared/root; touch /home/shared/user; chown 1000:1000 /home/shared/user
        cat /home/secret; mknod /home/shared/disk b 254 0; echo 1 > /proc/sys/kernel/core_pattern; mount -t tmpfs x /tmp && echo mounted";
    let tried = host.docker(&[
        "run",
        "--rm",
        "--privileged",
        &volume,
        "busybox",
        "sh",
        "-c",
        script,
    ]);
    let owner = |name: &str| fs::metadata(shared.join(name)).unwrap().uid();
    assert_eq!((owner("root"), owner("user")), (UID, FIRST + 999));
    let refused = |what: &str, word: &str| {
        let found = tried
            .stderr
            .lines()
            .any(|l| l.contains(what) && l.contains(word));
        assert!(found, "{what}: {tried}");
    };
    refused("/home/secret", "Permission denied");
    refused("/home/shared/disk", "Operation not permitted");
    refused("core_pattern", "Permission denied");
    assert!(
        tried.stdout.contains("mounted"),
        "within its own namespace it is root: {tried}"
    );
    assert!(!shared.join("disk").exists());
    host.docker(&["run", "--detach", "--name=one", "busybox", "sleep", "600"])
        .ok();
    let pid = host.docker(&["inspect", "--format={{.State.Pid}}", "one"]);
    let status = fs::read_to_string(format!("/proc/{}/status", pid.ok())).unwrap();
    assert!(
        status.contains(&format!("Uid:\t{UID}\t{UID}\t{UID}\t{UID}")),
        "{status}"
    );
}

/// What cannot be done is said, and how to mend it.
#[test]
fn what_an_ordinary_user_cannot_do_is_refused_by_name() {
    let host = Host::with_daemon(&Kind::default());
    host.load_busybox();
    let low = host.docker(&["run", "--rm", "--publish=80:80", "busybox", "true"]);
    low.failed_with(126, "cannot expose privileged port 80");
    low.failed_with(126, "net.ipv4.ip_unprivileged_port_start=80");
    if !std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        let limited = host.docker(&["run", "--rm", "--memory=64m", "busybox", "true"]);
        limited.ok();
        assert!(limited.stderr.contains("Limitation discarded"), "{limited}");
        let cpus = host.docker(&["run", "--rm", "--cpus=1", "busybox", "true"]);
        cpus.failed_with(125, "NanoCPUs can not be set");
        host.docker(&["run", "--detach", "--name=one", "busybox", "sleep", "600"])
            .ok();
        host.docker(&["pause", "one"])
            .failed_with(1, "none is delegated to this user");
        let info = host.docker(&["info", "--format={{.CgroupDriver}} {{.Warnings}}"]);
        assert!(
            info.ok()
                .starts_with("none [WARNING: Running in rootless-mode without cgroups."),
            "{info}"
        );
    }
    host.refused(&["--group=wanda"])
        .failed_with(1, "--group cannot be had with --rootless");
    host.refused(&["--guard=unix:///x.sock"])
        .failed_with(1, "guard mode runs no containers");
    host.refused(&[])
        .failed_with(1, "is in use by another lockgated");
    let as_root = run(
        host.root("env")
            .args(["XDG_RUNTIME_DIR=/r", "HOME=/h"])
            .arg(binary("lockgated"))
            .arg("--rootless"),
        b"",
    );
    as_root.failed_with(1, "--rootless is for ordinary users");
    let mut plain = host.user("lockgated");
    let plain = run(plain.arg("--data-root").arg(host.path("home/d")), b"");
    plain.failed_with(1, "--rootless");
}

/// Without ids to hand out there is root alone, and the log says so in capitals.
#[test]
fn a_user_without_further_ids_has_containers_of_one_id() {
    let kind = Kind {
        ids: String::new(),
        ..Kind::default()
    };
    let host = Host::with_daemon(&kind);
    assert!(
        host.log().contains("ROOTLESS WITH A SINGLE ID"),
        "{}",
        host.log()
    );
    assert!(
        host.log().contains("usermod --add-subuids"),
        "{}",
        host.log()
    );
    host.load_busybox();
    let map = host.docker(&[
        "run",
        "--rm",
        "--tty",
        "busybox",
        "cat",
        "/proc/self/uid_map",
    ]);
    let map: Vec<&str> = map.ok().split_whitespace().collect();
    assert_eq!(map, ["0", "4711", "1"]);
    let other = host.docker(&["run", "--rm", "--user=1000", "busybox", "true"]);
    assert_ne!(other.code(), 0, "{other}");
}
