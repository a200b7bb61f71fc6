//! A stock dockerd beside us, in a network namespace of its own and away from the host's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{NetNs, eventually, program, run};

/// Debian's dockerd; ended when dropped.
#[derive(Debug)]
pub struct Dockerd {
    dir: TempDir,
    child: Option<Child>,
    netns: NetNs,
    program: PathBuf,
    args: Vec<String>,
}

impl Dockerd {
    /// Starts dockerd with more arguments and waits until it answers.
    pub fn start_in(netns: NetNs, args: &[&str]) -> Self {
        Self::start_program_in("dockerd".as_ref(), netns, args)
    }

    /// The same with a dockerd of one's own choice; what it needs is beside it or in `bin` and
    /// `libexec` as usual.
    pub fn start_program_in(dockerd: &Path, netns: NetNs, args: &[&str]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("lockgate-peer-")
            .tempdir()
            .unwrap();
        fs::write(dir.path().join("daemon.json"), "{}").unwrap();
        let mut peer = Self {
            dir,
            child: None,
            netns,
            program: dockerd.to_owned(),
            args: args.iter().map(ToString::to_string).collect(),
        };
        peer.spawn();
        peer
    }

    /// Starts dockerd again on the same roots; it must not be running.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "dockerd is running");
        let dir = &self.dir;
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.path().join("log"))
            .unwrap();
        let mut command = self.netns.command(&self.program);
        command
            .arg("--config-file")
            .arg(dir.path().join("daemon.json"));
        for (flag, name) in [
            ("--data-root", "root"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            command.arg(flag).arg(dir.path().join(name));
        }
        let mut child = command
            .arg("-H")
            .arg(format!(
                "unix://{}",
                dir.path().join("docker.sock").display()
            ))
            .arg("--userland-proxy=false")
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("starting dockerd");
        eventually("dockerd answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("dockerd ended with {status}:\n{}", self.log());
            }
            self.command(&["version"])
                .status()
                .ok()
                .filter(std::process::ExitStatus::success)
        });
        self.child = Some(child);
    }

    /// Ends dockerd with SIGTERM and waits for it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            run(program("kill").arg(child.id().to_string()), b"");
            drop(child.wait());
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program("docker");
        command
            .args(args)
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.dir.path().join("config"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The namespace that it lives in.
    pub fn netns(&self) -> &NetNs {
        &self.netns
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("docker.sock")
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.stop();
        // dockerd leaves its network namespace directory mounted.
        run(
            program("umount").arg(self.dir.path().join("exec/netns/default")),
            b"",
        );
    }
}
