//! A host with one ordinary user: its own mounts, network, and lists of users.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lockgate_testkit::{Ended, binary, busybox_archive, eventually, program, run};
use tempfile::TempDir;

/// Our user, whom no machine knows.
pub(super) const UID: u32 = 4711;
/// The first of the ids that the user may hand out.
pub(super) const FIRST: u32 = 500_000;
/// The host's address.
pub(super) const ADDRESS: &str = "198.51.100.2";

/// How the host gets its way out.
pub(super) const ROUTE: &str = "ip route add default via 198.51.100.1";

/// What the host is like.
#[derive(Debug)]
pub(super) struct Kind {
    /// Lines of `/etc/subuid` and `/etc/subgid`.
    pub(super) ids: String,
    /// The programs that lead out of the user's network.
    pub(super) ways: &'static [&'static str],
    /// Those of the programs that do nothing but fail.
    pub(super) broken: &'static [&'static str],
    /// Whether the host has a way out itself.
    pub(super) has_route: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            ids: format!("wanda:{FIRST}:65536\n"),
            ways: &["pasta"],
            broken: &[],
            has_route: true,
        }
    }
}

/// The host, and the user's daemon on it.
#[derive(Debug)]
pub(super) struct Host {
    dir: TempDir,
    /// Keeps the namespaces; ends with its standard input.
    anchor: Child,
    daemon: Option<Child>,
}

impl Host {
    pub(super) fn new(kind: &Kind) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("lockgate-user-")
            .tempdir()
            .unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        for name in ["home", "run"] {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            chown(&path, Some(UID), Some(UID)).unwrap();
        }
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::create_dir(dir.path().join("ways")).unwrap();
        for way in kind.ways {
            let found = Path::new("/usr/bin").join(way);
            assert!(found.exists(), "{way} is missing: run `cargo xtask setup`");
            std::os::unix::fs::symlink(found, dir.path().join("ways").join(way)).unwrap();
        }
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        for way in kind.broken {
            std::os::unix::fs::symlink("/bin/false", dir.path().join("ways").join(way)).unwrap();
        }
        file(
            "passwd",
            "root:x:0:0::/root:/bin/sh\nwanda:x:4711:4711::/:/bin/sh\n",
        );
        file("group", "root:x:0:\nwanda:x:4711:\n");
        file("subid", &kind.ids);
        let script = format!(
            "set -e; d={dir}; ip link set lo up; ip link add up0 type veth peer name up1; ip link set up1 up
            ip address add {ADDRESS}/24 dev up0; ip link set up0 up; {route}
            for f in passwd group; do mount --bind $d/$f /etc/$f; done
            for f in subuid subgid; do test -e /etc/$f || : > /etc/$f; mount --bind $d/subid /etc/$f; done
            mknod -m 666 $d/tun c 10 200; mount --bind $d/tun /dev/net/tun
            mount --bind {bins} $d/bin; echo ready; exec cat",
            dir = dir.path().display(),
            route = if kind.has_route { ROUTE } else { ":" },
            bins = binary("lockgated").parent().unwrap().display(),
        );
        let mut anchor = program("unshare")
            .args(["--mount", "--net", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = anchor.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the host was not made");
        Self {
            dir,
            anchor,
            daemon: None,
        }
    }

    /// A host on which the daemon runs.
    pub(super) fn with_daemon(kind: &Kind) -> Self {
        let mut host = Self::new(kind);
        host.start(&[]);
        host
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command of the host's root.
    pub(super) fn root(&self, name: &str) -> Command {
        let mut command = program("nsenter");
        command
            .arg(format!("--target={}", self.anchor.id()))
            .args(["--mount", "--net", "--", name]);
        command
    }

    /// A command of the user.
    pub(super) fn user(&self, name: &str) -> Command {
        let mut command = self.root("env");
        let dir = self.dir.path().display();
        command
            .arg("-i")
            .arg(format!("PATH={dir}/bin:{dir}/ways"))
            .arg(format!("HOME={dir}/home"))
            .arg(format!("XDG_RUNTIME_DIR={dir}/run"))
            .arg(format!("DOCKER_HOST=unix://{dir}/run/docker.sock"))
            .args(["/usr/bin/setpriv", "--reuid=4711", "--regid=4711"])
            .args(["--clear-groups", "--", name]);
        command
    }

    /// Runs the docker CLI as the user.
    #[track_caller]
    pub(super) fn docker(&self, args: &[&str]) -> Ended {
        run(self.user("/usr/bin/docker").args(args), b"")
    }

    #[track_caller]
    pub(super) fn load_busybox(&self) {
        let archive = busybox_archive(&["busybox:latest"]);
        run(self.user("/usr/bin/docker").arg("load"), &archive).ok();
    }

    /// Starts the daemon and waits until it answers.
    pub(super) fn start(&mut self, args: &[&str]) {
        let log = self.path("daemon.log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = self
            .user("lockgated")
            .arg("--rootless")
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let socket = self.path("run/docker.sock");
        eventually("the user's daemon answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{}", self.log());
            }
            std::os::unix::net::UnixStream::connect(&socket).ok()
        });
        self.daemon = Some(child);
    }

    /// Runs a daemon that ends by itself.
    #[track_caller]
    pub(super) fn refused(&self, args: &[&str]) -> Ended {
        run(self.user("lockgated").arg("--rootless").args(args), b"")
    }

    pub(super) fn kill(&mut self) {
        let mut child = self.daemon.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for a daemon that ends by itself, and is no success.
    pub(super) fn fails(&mut self) {
        let status = self.daemon.take().unwrap().wait().unwrap();
        assert_eq!(status.code(), Some(1), "{}", self.log());
    }

    pub(super) fn stop(&mut self) {
        let mut child = self.daemon.take().unwrap();
        run(program("kill").arg(child.id().to_string()), b"").ok();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    pub(super) fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("daemon.log") + &read("run/lockgate/rootless.log")
    }

    /// Processes of the host that name this test's folder.
    pub(super) fn processes(&self, name: &str) -> Vec<i32> {
        let folder = self.dir.path().to_string_lossy().into_owned();
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line);
                line.contains(name) && line.contains(&folder)
            })
            .collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = format!("--- log of the user's daemon\n{}\n", self.log());
            std::io::stderr().write_all(text.as_bytes()).unwrap();
        }
        if let Some(mut child) = self.daemon.take() {
            let list = self.docker(&["ps", "--all", "--quiet"]);
            for id in list.stdout.split_whitespace() {
                self.docker(&["rm", "--force", "--volumes", id]);
            }
            run(program("kill").arg(child.id().to_string()), b"");
            drop(child.wait());
        }
        for name in ["lockgate-shim", "lockgate-rootless"] {
            for pid in self.processes(name) {
                run(program("kill").args(["-9", &pid.to_string()]), b"");
            }
        }
        drop(self.anchor.stdin.take());
        drop(self.anchor.wait());
    }
}
