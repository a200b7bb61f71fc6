//! The process that holds the namespaces: found by its socket, or started.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{cgroup, ids, left};

/// A handle on it.
#[derive(Debug)]
pub(super) struct Holder {
    pid: Pid,
    handle: OwnedFd,
}

impl Holder {
    /// The one that serves this socket.
    pub(super) fn find(socket: &Path) -> Result<Option<Self>> {
        let Ok(stream) = UnixStream::connect(socket) else {
            return Ok(None);
        };
        let peer = socket_peercred(&stream).context("who holds the namespaces?")?;
        Self::of(peer.pid).map(Some)
    }

    /// Starts one and waits until its network is there: in the namespaces of containers that a dead one left,
    /// else in new ones.
    pub(super) fn start(socket: &Path) -> Result<Self> {
        let log = socket.with_extension("log");
        let program = program()?;
        let left = left::find(socket.parent().unwrap_or(socket))?;
        let mut command = command(&program);
        match left {
            None => command.arg("hold").arg(socket),
            Some(pid) => command.arg("take-over").arg(socket).arg(pid.to_string()),
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| log.display().to_string())?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let ready = greet(&mut child, left.is_none());
        if let Err(error) = ready {
            // If it cannot be killed it has ended.
            child.kill().unwrap_or_default();
            child.wait()?;
            let words = std::fs::read_to_string(&log).unwrap_or_default();
            bail!(
                "cannot make namespaces for this user: {error:#}\n{}",
                words.trim_end()
            );
        }
        if let Some(process) = left {
            tracing::warn!(
                process,
                "the process that held the namespaces has ended; another holds those of its containers now"
            );
        }
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self::of(pid.context("a process without an id")?)
    }

    fn of(pid: Pid) -> Result<Self> {
        let handle = pidfd_open(pid, PidfdFlags::empty()).context("who holds the namespaces?")?;
        Ok(Self { pid, handle })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(super) fn into_handle(self) -> OwnedFd {
        self.handle
    }
}

/// In a scope of its own where the user has a service manager: what is delegated to a scope is not in the way
/// when the daemon's service is started again under running containers.
fn command(program: &Path) -> Command {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let has_manager = runtime.is_some_and(|path| path.join("systemd/private").exists());
    if !(has_manager && cgroup::is_v2() && Path::new(SYSTEMD_RUN).exists()) {
        return Command::new(program);
    }
    let mut command = Command::new(SYSTEMD_RUN);
    command
        .args(["--user", "--scope", "--quiet", "--collect"])
        .args([
            "--property=Delegate=yes",
            "--description=Lockgate's namespaces",
        ])
        .arg("--")
        .arg(program);
    command
}

fn greet(child: &mut Child, is_new: bool) -> Result<()> {
    let mut input = child.stdin.take().context("no pipe")?;
    let mut output = BufReader::new(child.stdout.take().context("no pipe")?);
    if is_new {
        if read_line(&mut output)? != "unshared" {
            bail!(ENDED);
        }
        ids::map(child.id())?;
        input.write_all(b"mapped\n")?;
    }
    let line = read_line(&mut output)?;
    match line.strip_prefix("alone ") {
        Some(why) => tracing::warn!(
            why,
            "NO NETWORK TO THE OUTSIDE YET: containers reach each other, published ports are open; the way out is \
             tried for again and again"
        ),
        None if line == "ready" => {}
        None => bail!(ENDED),
    }
    Ok(())
}

fn read_line(output: &mut impl std::io::BufRead) -> Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

const ENDED: &str = "the process that was to hold them has ended";
const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";

/// Beside this executable, else where packages put it.
fn program() -> Result<PathBuf> {
    const NAME: &str = "lockgate-rootless";
    let me = std::env::current_exe().context("our own path")?;
    let places = [
        me.with_file_name(NAME),
        Path::new("/usr/libexec/lockgate").join(NAME),
    ];
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.with_context(|| format!("{} is not installed", places[1].display()))
}
