//! Network namespaces that a test makes for itself.

use std::path::PathBuf;
use std::process::Command;

use crate::{program, run, unique};

/// A named network namespace with its loopback up; deleted when dropped.
#[derive(Debug)]
pub struct NetNs {
    name: String,
}

impl NetNs {
    /// Makes a namespace with a unique name that starts with `prefix`.
    pub fn new(prefix: &str) -> Self {
        let name = unique(prefix);
        run(program("ip").args(["netns", "add", &name]), b"").ok();
        let namespace = Self { name };
        namespace.run("ip", &["link", "set", "lo", "up"]);
        namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }

    /// A command that runs inside. `nsenter`, not `ip netns exec`: that one hides /sys/fs/cgroup.
    pub fn command(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = program("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg("--")
            .arg(name);
        command
    }

    /// Runs a program inside that must succeed.
    #[track_caller]
    pub fn run(&self, name: &str, args: &[&str]) -> String {
        run(self.command(name).args(args), b"").ok().to_owned()
    }
}

impl Drop for NetNs {
    fn drop(&mut self) {
        let ended = run(program("ip").args(["netns", "delete", &self.name]), b"");
        if !ended.status.success() {
            eprintln!("{ended}");
        }
    }
}
