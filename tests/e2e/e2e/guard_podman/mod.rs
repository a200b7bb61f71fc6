//! The guard before podman's service: each kind of stream is what it is without a door.

mod bodies;
mod refusals;
mod streams;

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lockgate_testkit::{
    Daemon, DaemonOptions, Ended, NetNs, Podman, busybox_archive, program, request_with, run,
};

/// podman and the door before it; the door ends first.
pub(crate) struct Before {
    pub(crate) door: Daemon,
    behind: Podman,
}

impl Before {
    pub(crate) fn podman() -> Self {
        let behind = Podman::start_in(NetNs::new("lgpo"));
        let door = Daemon::start_with(DaemonOptions {
            args: vec![format!("--guard=unix://{}", behind.socket().display())],
            config: None,
        });
        let before = Self { door, behind };
        let archive = busybox_archive(&["busybox:latest"]);
        let body = Some(("application/x-tar", archive.as_slice()));
        let loaded = request_with(&before.behind.socket(), "POST", "/images/load", body);
        assert_eq!(loaded.status, 200, "{}", loaded.text());
        before
    }

    /// podman itself, and the door.
    pub(crate) fn sides(&self) -> [PathBuf; 2] {
        [self.behind.socket(), self.door.socket()]
    }

    fn command(&self, socket: &Path) -> Command {
        let mut docker = program("docker");
        docker
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env("DOCKER_CONFIG", self.door.path("docker-config"))
            .env("DOCKER_BUILDKIT", "0");
        docker
    }

    pub(crate) fn docker(&self, socket: &Path, args: &[&str]) -> Ended {
        run(self.command(socket).args(args), b"")
    }

    fn box_that(&self, socket: &Path, flags: &[&str], script: &str) {
        let mut args = vec!["create", "--name=box", "--network=none"];
        args.extend(flags);
        args.extend(["busybox", "sh", "-c", script]);
        self.docker(socket, &args).ok();
    }

    fn remove(&self, socket: &Path) {
        self.docker(socket, &["rm", "--force", "box"]).ok();
    }
}

/// A connection that has become a stream, and everything that was read from it.
struct Stream {
    socket: UnixStream,
    seen: Vec<u8>,
}

impl Stream {
    fn open(side: &Path, target: &str, upgrade: bool, body: &str) -> Self {
        let socket = UnixStream::connect(side).unwrap();
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).unwrap();
        let asks = if upgrade {
            "Connection: Upgrade\r\nUpgrade: tcp\r\n"
        } else {
            ""
        };
        let length = body.len();
        let mut stream = Self {
            socket,
            seen: Vec::new(),
        };
        stream.say(&format!(
            "POST {target} HTTP/1.1\r\nHost: d\r\n{asks}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        stream.until("\r\n\r\n");
        stream
    }

    fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).unwrap();
    }

    fn until(&mut self, word: &str) {
        let mut byte = [0];
        while !String::from_utf8_lossy(&self.seen).ends_with(word) {
            self.socket.read_exact(&mut byte).unwrap();
            self.seen.extend(byte);
        }
    }

    /// The end of our side, and all that is said until the end of the other.
    fn end(mut self, half: bool) -> String {
        if half {
            self.socket.shutdown(Shutdown::Write).unwrap();
        }
        self.socket.read_to_end(&mut self.seen).unwrap();
        String::from_utf8(self.seen).unwrap()
    }
}
