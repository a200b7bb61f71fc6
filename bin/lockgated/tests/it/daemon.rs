//! A `lockgated` without a network, in a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Daemon {
    pub(crate) dir: TempDir,
    pub(crate) child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

/// The settings of a daemon in a folder.
pub(crate) fn command(program: &str, dir: &TempDir) -> Command {
    let path = |name: &str| dir.path().join(name);
    let config = path("daemon.json");
    if !config.exists() {
        std::fs::write(&config, "{}").unwrap();
    }
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(config)
        .arg("--data-root")
        .arg(path("data"))
        .arg("--exec-root")
        .arg(path("exec"))
        .args(["--bridge", "none", "--shim-path", "/bin/true"])
        .arg(format!("--cgroup-parent=/lgtest{}", std::process::id()))
        .stdin(Stdio::null());
    command
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_lockgated")
}

/// Runs it to its end.
pub(crate) fn run(dir: &TempDir, args: &[&str]) -> Output {
    command(program(), dir).args(args).output().unwrap()
}

impl Daemon {
    pub(crate) fn start(dir: TempDir) -> Self {
        let host = format!("unix://{}", dir.path().join("sock").display());
        let mut command = command(program(), &dir);
        command.arg("-H").arg(host);
        Self::spawn(command, dir)
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn spawn(mut command: Command, dir: TempDir) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (send, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let Ok(line) = line else { return };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut daemon = Self {
            dir,
            child,
            log,
            seen: Vec::new(),
        };
        daemon.logs("ready");
        daemon
    }

    /// Waits for a line of the log.
    pub(crate) fn logs(&mut self, wanted: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("never logged {wanted:?}: {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if line.contains(wanted) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name])
            .arg(self.child.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The first line of the answer to a ping.
    pub(crate) fn ping(&self) -> String {
        let mut socket = UnixStream::connect(self.path("sock")).unwrap();
        socket
            .write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gone already, if the test went well.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}
