//! How the inner network reaches the world: through pasta or slirp4netns, whichever there is.
//!
//! Neither needs privileges. Both are told to forward nothing inwards (ports are published by this process)
//! and to hide the host's own loopback, whose services often trust everybody who can reach them.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lockgate_net::outside::RESOLVER;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use crate::note;
use crate::outside::Outside;

/// One of the programs.
struct Way {
    program: &'static str,
    package: &'static str,
    args: fn(namespace: &str) -> Vec<String>,
}

/// In order of preference: pasta is faster, and copies the host's addresses.
const WAYS: [Way; 2] = [
    Way {
        program: "pasta",
        package: "passt",
        args: pasta,
    },
    Way {
        program: "slirp4netns",
        package: "slirp4netns",
        args: slirp,
    },
];

fn pasta(namespace: &str) -> Vec<String> {
    let fixed = "--config-net --foreground --quiet --no-map-gw --netns-only -t none -u none -T none -U none";
    let mut args: Vec<String> = fixed.split(' ').map(str::to_owned).collect();
    args.extend(["--dns-forward".to_owned(), RESOLVER.to_owned()]);
    args.extend(["--netns".to_owned(), namespace.to_owned()]);
    args
}

fn slirp(namespace: &str) -> Vec<String> {
    let fixed = "--configure --mtu=65520 --disable-host-loopback --netns-type=path";
    let mut args: Vec<String> = fixed.split(' ').map(str::to_owned).collect();
    args.extend([namespace.to_owned(), "tap0".to_owned()]);
    args
}

/// Lets the network of the calling thread out, and keeps it so.
pub(crate) fn open(outside: &Outside, socket: &Path) -> Result<()> {
    let found: Vec<(&Way, PathBuf)> = WAYS
        .iter()
        .filter_map(|way| Some((way, in_path(way.program)?)))
        .collect();
    if found.is_empty() {
        let names = WAYS.map(|way| format!("{} (Debian: {})", way.program, way.package));
        bail!(
            "the network of an ordinary user needs {}, and neither is in $PATH",
            names.join(" or ")
        );
    }
    let mut reasons = Vec::new();
    if let Err(error) = OpenOptions::new().read(true).write(true).open(TUN) {
        reasons.push(format!("{TUN}: {error} (its usual mode is 0666)"));
    }
    let namespace = name_network(socket)?;
    for (way, program) in found {
        match Running::start(outside, way, (&program, &namespace)) {
            Ok(running) => {
                resolve_through_it(socket);
                running.keep(outside.clone(), program, namespace)?;
                return Ok(());
            }
            Err(error) => reasons.push(format!("{}: {error:#}", way.program)),
        }
    }
    bail!(
        "no way out of the network namespace: {}",
        reasons.join("; ")
    )
}

/// Gives the calling thread's network a name: its place in `/proc` is for those alone who may trace us, and
/// pasta gives that up before it looks.
fn name_network(socket: &Path) -> Result<PathBuf> {
    let name = socket.with_extension("netns");
    std::fs::write(&name, "").with_context(|| format!("cannot write {}", name.display()))?;
    rustix::mount::mount_bind("/proc/thread-self/ns/net", &name)
        .context("cannot name the network namespace")?;
    Ok(name)
}

struct Running {
    child: Child,
    way: &'static Way,
}

impl Running {
    /// Starts it and waits until there is a route.
    fn start(
        outside: &Outside,
        way: &'static Way,
        (program, namespace): (&Path, &Path),
    ) -> Result<Self> {
        let mut child = outside.spawn(command(way, program, namespace))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if has_route() {
                return Ok(Self { child, way });
            }
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}; its words are in the log above");
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("no default route after {} s", PATIENCE.as_secs());
            }
            // The kernel tells of routes on a socket that nobody else here needs.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it again when it ends, on a thread.
    fn keep(mut self, outside: Outside, program: PathBuf, namespace: PathBuf) -> Result<()> {
        let work = move || loop {
            match self.child.wait() {
                Ok(status) => note(&format!(
                    "{} ended with {status}; starting it again",
                    self.way.program
                )),
                Err(error) => return note(&format!("{}: {error}", self.way.program)),
            }
            std::thread::sleep(PAUSE);
            match outside.spawn(command(self.way, &program, &namespace)) {
                Ok(child) => self.child = child,
                Err(error) => return note(&format!("{}: {error}", self.way.program)),
            }
        };
        std::thread::Builder::new()
            .name("way-out".to_owned())
            .spawn(work)?;
        Ok(())
    }
}

fn command(way: &Way, program: &Path, namespace: &Path) -> Command {
    let me = std::process::id();
    // Not by its path: there may be a newer one by now.
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["leash", &me.to_string()])
        .arg(program)
        .args((way.args)(&namespace.to_string_lossy()))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Becomes `program`, which is killed when its parent ends.
pub(crate) fn leash(parent: &str, program: &str, args: &[&str]) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("prctl(PR_SET_PDEATHSIG)")?;
    let now = getppid().map_or(0, Pid::as_raw_pid);
    if now.to_string() != parent {
        bail!("process {parent} has ended");
    }
    let error = Command::new(program).args(args).exec();
    Err(error).with_context(|| format!("cannot execute {program}"))
}

/// Whether the calling thread's network has a default route.
fn has_route() -> bool {
    let table = std::fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    table
        .lines()
        .skip(1)
        .any(|line| line.split_whitespace().nth(1) == Some("00000000"))
}

/// Lets this mount namespace, and with it the daemon, resolve names by the inner resolver: the host's
/// may be on its loopback.
fn resolve_through_it(socket: &Path) {
    let host = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let kept = host
        .lines()
        .filter(|line| line.starts_with("search") || line.starts_with("options"));
    let lines: Vec<&str> = kept.collect();
    let text = format!("nameserver {RESOLVER}\n{}\n", lines.join("\n"));
    let file = socket.with_file_name("resolv.conf");
    let bound = std::fs::write(&file, text).and_then(|()| {
        rustix::mount::mount_bind(&file, "/etc/resolv.conf")?;
        Ok(())
    });
    if let Err(error) = bound {
        note(&format!("names are resolved as on the host: {error}"));
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from(DEFAULT_PATH));
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

const TUN: &str = "/dev/net/tun";
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const PATIENCE: Duration = Duration::from_secs(10);
/// Between attempts to start it again.
const PAUSE: Duration = Duration::from_secs(2);
