//! podman's Docker API beside us, in a network namespace of its own.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{NetNs, eventually, program, run};

/// Debian's podman, serving; ended when dropped.
#[derive(Debug)]
pub struct Podman {
    dir: TempDir,
    child: Child,
    _netns: NetNs,
}

/// podman raises limits beyond what a host without CAP_SYS_RESOURCE allows.
const LIMITS: &str = "[containers]\nlog_driver = \"k8s-file\"\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
/// crun refuses a v2 hierarchy with controllers beside v1: hide them from it.
const HIDE: &str = "f=/sys/fs/cgroup/unified/cgroup.controllers; [ -e $f ] && mount --bind /dev/null $f; exec podman \"$@\"";

impl Podman {
    /// Starts the service and waits until it answers.
    pub fn start_in(netns: NetNs) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("lockgate-podman-")
            .tempdir()
            .unwrap();
        fs::write(dir.path().join("containers.conf"), LIMITS).unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = netns.command("unshare");
        command.args(["--mount", "sh", "-c", HIDE, "podman"]);
        command.env("CONTAINERS_CONF", dir.path().join("containers.conf"));
        command.arg("--root").arg(dir.path().join("root"));
        command.arg("--runroot").arg(dir.path().join("run"));
        command.args(["--cgroup-manager=cgroupfs", "--events-backend=file"]);
        command.args(["system", "service", "--time=0"]);
        let socket = dir.path().join("podman.sock");
        command.arg(format!("unix://{}", socket.display()));
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("starting podman");
        let mut podman = Self {
            dir,
            child,
            _netns: netns,
        };
        eventually("podman answers", || {
            if let Some(status) = podman.child.try_wait().unwrap() {
                panic!("podman ended with {status}:\n{}", podman.log());
            }
            std::os::unix::net::UnixStream::connect(podman.socket()).ok()
        });
        podman
    }

    /// `podman 4.3.1`
    pub fn version() -> String {
        run(program("podman").arg("--version"), b"")
            .ok()
            .replace(" version", "")
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("podman.sock")
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let mut remove = Command::new("podman");
        remove.arg("--root").arg(self.dir.path().join("root"));
        remove.arg("--runroot").arg(self.dir.path().join("run"));
        remove.args([
            "--cgroup-manager=cgroupfs",
            "rm",
            "--all",
            "--force",
            "--time=0",
        ]);
        run(&mut remove, b"");
        run(program("kill").arg(self.child.id().to_string()), b"");
        drop(self.child.wait());
        crate::daemon::end_those_of(self.dir.path(), "conmon");
        for mount in fs::read_to_string("/proc/self/mounts")
            .unwrap_or_default()
            .lines()
            .rev()
        {
            let path = mount.split(' ').nth(1).unwrap_or_default();
            if std::path::Path::new(path).starts_with(self.dir.path()) {
                run(program("umount").args(["--lazy", path]), b"");
            }
        }
    }
}
