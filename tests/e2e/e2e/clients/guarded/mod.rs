//! Clients that other people wrote through the guard, before a stock dockerd: they notice nothing.
//!
//! The dockerd is Debian's, or the one that `LOCKGATE_GUARD_DOCKERD` names: `cargo xtask guarded --dockerd PATH`.

mod builder;
mod cli;
mod docker_py;
mod remote;
mod services;

use std::path::PathBuf;
use std::process::Command;

use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, NetNs};

/// Where another dockerd is.
const DOCKERD: &str = "LOCKGATE_GUARD_DOCKERD";

/// A dockerd in a network of its own.
pub(crate) fn stock() -> Dockerd {
    let program = std::env::var_os(DOCKERD).map_or_else(|| "dockerd".into(), PathBuf::from);
    Dockerd::start_program_in(&program, NetNs::new("lgp"), &[])
}

/// A dockerd and the door before it; the door ends first.
pub(crate) struct Guarded {
    pub(crate) door: Daemon,
    pub(crate) behind: Dockerd,
}

impl Guarded {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(args: &[String]) -> Self {
        let behind = stock();
        let guard = format!("--guard=unix://{}", behind.socket().display());
        let door = Daemon::start_with(DaemonOptions {
            args: [&[guard], args].concat(),
            config: None,
        });
        Self { door, behind }
    }

    fn with_busybox() -> Self {
        let guarded = Self::start();
        guarded.door.load_busybox();
        guarded
    }

    /// The address of dockerd itself, and that of the door.
    fn sides(&self) -> [PathBuf; 2] {
        [self.behind.socket(), self.door.socket()]
    }

    /// A command beside the containers, where the usual socket is not; it knows the door alone.
    fn beside(&self) -> Command {
        let mut command = self.behind.netns().command("unshare");
        let hide = "mount -t tmpfs t /run && exec \"$@\"";
        command
            .args(["--mount", "sh", "-c", hide, "sh"])
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.door.socket().display()),
            )
            .env("TESTCONTAINERS_RYUK_DISABLED", "true")
            .env("HOME", self.door.path(""));
        command
    }
}
