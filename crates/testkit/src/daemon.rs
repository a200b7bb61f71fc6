//! A real `lockgated` in a network namespace, with roots, bridge, table and cgroup of its own.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Ended, HttpResponse, NetNs, binary, busybox_archive, eventually, program, request,
    request_with, run, unique,
};

/// What a test wants to be different.
#[derive(Debug, Default)]
pub struct DaemonOptions {
    /// More command-line arguments.
    pub args: Vec<String>,
    /// More keys of `daemon.json`.
    pub config: Option<Value>,
}

/// A running daemon; ended, its containers with it, when dropped.
#[derive(Debug)]
pub struct Daemon {
    dir: TempDir,
    name: String,
    netns: NetNs,
    args: Vec<String>,
    /// Files of the host, and what the daemon sees in their places.
    seen: Vec<(String, PathBuf)>,
    /// The mount namespace in which it sees them; a daemon that is started again joins it.
    mounts: Option<File>,
    child: Option<Child>,
}

impl Daemon {
    /// Starts a daemon with defaults and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(DaemonOptions::default())
    }

    /// Starts a daemon and waits until it answers.
    pub fn start_with(options: DaemonOptions) -> Self {
        Self::start_in(NetNs::new("lgd"), options)
    }

    /// Starts a daemon that sees these texts in the places of files of the host, in a mount namespace of its own.
    pub fn start_seeing(files: &[(&str, &str)], options: DaemonOptions) -> Self {
        Self::start_as(NetNs::new("lgd"), files, options)
    }

    /// Starts a daemon in a namespace that the test prepared.
    pub fn start_in(netns: NetNs, options: DaemonOptions) -> Self {
        Self::start_as(netns, &[], options)
    }

    fn start_as(netns: NetNs, files: &[(&str, &str)], options: DaemonOptions) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("lockgate-e2e-")
            .tempdir()
            .unwrap();
        let name = unique("lge");
        let mut config = json!({
            "data-root": dir.path().join("data"),
            "exec-root": dir.path().join("exec"),
            "pidfile": dir.path().join("pid"),
            "cgroup-parent": format!("/{name}"),
            "nft-table": name,
        });
        for (key, value) in options.config.iter().filter_map(Value::as_object).flatten() {
            config[key] = value.clone();
        }
        fs::write(dir.path().join("daemon.json"), config.to_string()).unwrap();
        let mut daemon = Self {
            dir,
            name,
            netns,
            args: options.args,
            seen: Vec::new(),
            mounts: None,
            child: None,
        };
        for (index, (file, text)) in files.iter().enumerate() {
            let instead = daemon.path(&format!("seen-{index}"));
            fs::write(&instead, text).unwrap();
            daemon.seen.push(((*file).to_owned(), instead));
        }
        daemon.spawn();
        daemon
    }

    /// Starts the daemon again on the same roots; it must not be running.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "the daemon is running");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let mut command = self.command();
        command
            .arg("--config-file")
            .arg(self.path("daemon.json"))
            .arg("-H")
            .arg(format!("unix://{}", self.socket().display()))
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut child = command.spawn().expect("starting lockgated");
        let socket = self.socket();
        eventually("lockgated answers", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("lockgated ended with {status}:\n{}", self.log());
            }
            std::os::unix::net::UnixStream::connect(&socket).ok()
        });
        if !self.seen.is_empty() {
            self.mounts = Some(File::open(format!("/proc/{}/ns/mnt", child.id())).unwrap());
        }
        self.child = Some(child);
    }

    /// The daemon, where it belongs. Each program on the way becomes the next one.
    fn command(&self) -> Command {
        if self.seen.is_empty() {
            return self.netns.command(binary("lockgated"));
        }
        if let Some(mounts) = &self.mounts {
            let (me, number) = (std::process::id(), mounts.as_raw_fd());
            let mut command = self.netns.command("nsenter");
            command.arg(format!("--mount=/proc/{me}/fd/{number}"));
            command.arg(binary("lockgated"));
            return command;
        }
        let mut command = self.netns.command("unshare");
        command.args(["--mount", "--propagation", "slave", "sh", "-ec"]);
        let bind = |(file, instead): &(String, PathBuf)| {
            format!("mount --bind {} {file}; ", instead.display())
        };
        let binds: String = self.seen.iter().map(bind).collect();
        command.arg(format!("{binds}exec \"$0\" \"$@\""));
        command.arg(binary("lockgated"));
        command
    }

    /// The process id of the daemon.
    pub fn pid(&self) -> u32 {
        // All before it exec, so the first one's pid is the daemon's.
        self.child.as_ref().expect("the daemon is running").id()
    }

    /// Ends the daemon with SIGKILL; containers stay.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the daemon is running");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends the daemon with SIGTERM and waits for it.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("the daemon is running");
        run(program("kill").arg(child.id().to_string()), b"").ok();
        let status = child.wait().unwrap();
        assert!(
            status.success(),
            "lockgated ended with {status}:\n{}",
            self.log()
        );
    }

    /// A path in the daemon's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The unix socket.
    pub fn socket(&self) -> PathBuf {
        self.path("lockgate.sock")
    }

    /// The namespace that the daemon lives in.
    pub fn netns(&self) -> &NetNs {
        &self.netns
    }

    /// Everything the daemon logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.path("lockgated.log")
    }

    /// One request on the unix socket, without version prefix unless `target` has one.
    #[track_caller]
    pub fn api(&self, method: &str, target: &str, body: Option<&str>) -> HttpResponse {
        request(&self.socket(), method, target, body)
    }

    /// `PUT` of a tar archive.
    #[track_caller]
    pub fn put_archive(&self, target: &str, archive: &[u8]) -> HttpResponse {
        let body = Some(("application/x-tar", archive));
        request_with(&self.socket(), "PUT", target, body)
    }

    /// A `docker` command that talks to this daemon, and to no other by accident.
    pub fn docker_command(&self) -> Command {
        self.client("docker")
    }

    /// A `lockgate` command that talks to this daemon.
    pub fn lockgate_command(&self) -> Command {
        self.client(binary("lockgate"))
    }

    fn client(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = program(name);
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.path("docker-config"))
            .env("HOME", self.dir.path());
        command
    }

    /// Runs the docker CLI.
    #[track_caller]
    pub fn docker(&self, args: &[&str]) -> Ended {
        run(self.docker_command().args(args), b"")
    }

    /// Runs our CLI.
    #[track_caller]
    pub fn lockgate(&self, args: &[&str]) -> Ended {
        run(self.lockgate_command().args(args), b"")
    }

    /// Loads `busybox:latest`.
    #[track_caller]
    pub fn load_busybox(&self) {
        self.load_busybox_as(&["busybox:latest"]);
    }

    /// Loads busybox under the names that other people's tests expect.
    #[track_caller]
    pub fn load_busybox_as(&self, tags: &[&str]) {
        run(self.docker_command().arg("load"), &busybox_archive(tags)).ok();
    }

    /// Lines that `docker inspect --format` prints.
    #[track_caller]
    pub fn inspect(&self, name: &str, format: &str) -> String {
        self.docker(&["inspect", "--format", format, name])
            .ok()
            .to_owned()
    }

    fn end_containers(&self) {
        let list = run(self.docker_command().args(["ps", "--all", "--quiet"]), b"");
        if !list.stdout.trim().is_empty() {
            run(
                self.docker_command()
                    .args(["rm", "--force", "--volumes"])
                    .args(list.stdout.split_whitespace()),
                b"",
            );
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.name, self.log());
        }
        if self.child.is_some() {
            self.end_containers();
        }
        if let Some(mut child) = self.child.take() {
            let ended = run(program("kill").arg(child.id().to_string()), b"");
            if !ended.status.success() || child.wait().is_err() {
                eprintln!("cannot end lockgated: {ended}");
            }
        }
        end_those_of(self.dir.path(), "lockgate-shim");
        remove_cgroups(&self.name);
    }
}

/// Processes that keep containers which a killed daemon left behind, with these; found by the test's
/// folder in their command.
pub(crate) fn end_those_of(dir: &Path, keeper: &str) {
    let needle = dir.to_string_lossy().into_owned();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(pid) = name.parse::<i32>() else {
            continue;
        };
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_keeper = String::from_utf8_lossy(&command).contains(keeper);
        if is_keeper && String::from_utf8_lossy(&command).contains(&needle) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            for child in children
                .unwrap_or_default()
                .split_whitespace()
                .chain([name.as_str()])
            {
                run(program("kill").args(["-9", child]), b"");
            }
        }
    }
}

fn remove_cgroups(name: &str) {
    for controller in fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten()
    {
        let parent = controller.path().join(name);
        for child in fs::read_dir(&parent).into_iter().flatten().flatten() {
            drop(fs::remove_dir(child.path()));
        }
        drop(fs::remove_dir(parent));
    }
}
