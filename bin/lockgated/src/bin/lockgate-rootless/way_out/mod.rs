//! How the inner network reaches the world: through pasta or slirp4netns, whichever there is.
//!
//! Neither needs privileges. Both are told to forward nothing inwards (ports are published by this process)
//! and to hide the host's own loopback, whose services often trust everybody who can reach them.

mod inside;
mod leash;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lockgate_net::outside::RESOLVER;

use crate::note;
use crate::outside::Outside;
pub(crate) use inside::has_route;
pub(crate) use leash::{leash, leashed};

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

/// Lets the network of the calling thread out, and keeps it so. Where the host itself has no way out yet, it is
/// tried for again and again, and the answer is why there is none now.
pub(crate) fn open(outside: &Outside, socket: &Path) -> Result<Option<String>> {
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
    let ways = Ways {
        found,
        outside: outside.clone(),
        namespace: inside::name_network(socket)?,
    };
    inside::resolve_through_it(socket);
    let (running, why) = match ways.start() {
        Ok(running) => (Some(running), None),
        Err(error) if outside.has_route()? => return Err(error),
        Err(error) => (
            None,
            Some(format!("the host has no default route; {error}")),
        ),
    };
    std::thread::Builder::new()
        .name("way-out".to_owned())
        .spawn(move || ways.keep(running))?;
    Ok(why)
}

/// The programs that are there, and what they need.
struct Ways {
    found: Vec<(&'static Way, PathBuf)>,
    outside: Outside,
    namespace: PathBuf,
}

impl Ways {
    /// Starts the first that leads out.
    fn start(&self) -> Result<Running> {
        let mut reasons = Vec::new();
        if let Err(error) = OpenOptions::new().read(true).write(true).open(TUN) {
            reasons.push(format!("{TUN}: {error} (its usual mode is 0666)"));
        }
        for (way, program) in &self.found {
            match Running::start(&self.outside, way, (program, &self.namespace)) {
                Ok(running) => return Ok(running),
                Err(error) => reasons.push(format!("{}: {error:#}", way.program)),
            }
        }
        bail!(
            "no way out of the network namespace: {}",
            reasons.join("; ")
        )
    }

    /// Starts one again whenever there is none.
    fn keep(&self, mut running: Option<Running>) {
        let (mut pause, mut last) = (PAUSE, String::new());
        loop {
            if let Some((words, lasted)) = running.take().map(Running::wait) {
                note(&words);
                if lasted > LONGEST {
                    pause = PAUSE;
                }
            }
            sleep(pause);
            pause = (pause * 2).min(LONGEST);
            match self.start() {
                Ok(new) => {
                    last.clear();
                    running = Some(new);
                }
                // Said once.
                Err(error) if error.to_string() == last => {}
                Err(error) => {
                    last = error.to_string();
                    note(&last);
                }
            }
        }
    }
}

struct Running {
    child: Child,
    way: &'static Way,
    since: Instant,
}

impl Running {
    /// Starts it and waits until there is a route.
    fn start(
        outside: &Outside,
        way: &'static Way,
        (program, namespace): (&Path, &Path),
    ) -> Result<Self> {
        let mut child = outside.spawn(command(way, program, namespace))?;
        let since = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}; its words are in rootless.log");
            }
            if has_route() {
                return Ok(Self { child, way, since });
            }
            if since.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                bail!("no default route after {} s", PATIENCE.as_secs());
            }
            // The kernel tells of routes on a socket that nobody else here needs.
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits for its end, and tells of it and how long it lasted.
    fn wait(mut self) -> (String, Duration) {
        let program = self.way.program;
        let words = match self.child.wait() {
            Ok(status) => format!("{program} ended with {status}; starting it again"),
            Err(error) => format!("{program}: {error}"),
        };
        (words, self.since.elapsed())
    }
}

fn command(way: &Way, program: &Path, namespace: &Path) -> Command {
    let mut command = leash::command(program);
    command
        .args((way.args)(&namespace.to_string_lossy()))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
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
/// Between attempts to start it again: at first, and after many.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
