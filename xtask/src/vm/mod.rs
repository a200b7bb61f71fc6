//! `cargo xtask vm`: the runtime's tests, and a daemon's, on a kernel with the unified cgroup hierarchy alone.
//!
//! Debian's cloud kernel, unpacked from its package, boots in QEMU without KVM. The guest is one initial
//! ramdisk: busybox, our binaries, the tests and the modules that they need, at the same paths as here.

mod image;
mod page;
mod system;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::build::{Profile, binaries};
use crate::test::Tally;
use system::Checks;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Minutes after which the guest is given up
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Only the cases of the conformance suite whose name contains this; with --systemd, the checks whose
    /// name matches this expression
    #[arg(long)]
    only: Option<String>,
    /// Only a daemon's checks, without the conformance suite
    #[arg(long, conflicts_with_all = ["only", "systemd"])]
    smoke: bool,
    /// Another guest: Debian with systemd, our package, and a user with a daemon of their own
    #[arg(long)]
    systemd: bool,
    /// Another guest: Debian with systemd and its dockerd, set up as docs/guard.md says
    #[arg(long, conflicts_with_all = ["only", "smoke", "systemd"])]
    guard: bool,
}

impl Args {
    fn suites(&self) -> Suites<'_> {
        match &self.only {
            Some(name) => Suites::Conformance(name),
            None if self.smoke => Suites::Daemon,
            None => Suites::All,
        }
    }
}

/// What CI has of it: does a daemon live on a kernel with cgroup v2 alone?
pub(crate) fn smoke() -> Result<()> {
    let args = Args {
        minutes: 10,
        only: None,
        smoke: true,
        systemd: false,
        guard: false,
    };
    run(&args).map(drop)
}

/// What the guest without systemd runs.
enum Suites<'a> {
    All,
    /// The cases whose name contains this.
    Conformance(&'a str),
    Daemon,
}

/// Boots the guest and waits for its tests; a guest that says nothing of their end has failed.
pub(crate) fn run(args: &Args) -> Result<Tally> {
    crate::setup::run_vm()?;
    let bin_dir = binaries(Profile::Dev)?;
    let folder = bin_dir.join("vm");
    fs::create_dir_all(&folder)?;
    let kernel = image::kernel(&folder)?;
    let (ramdisk, disk) = if args.systemd || args.guard {
        let package = crate::deb::pack(&bin_dir)?;
        let checks = if args.guard {
            Checks::Guard
        } else {
            Checks::Engine(args.only.as_deref())
        };
        let system = system::make(&folder, &package, &kernel, &checks)?;
        (system.ramdisk, Some(system.disk))
    } else {
        let suites = args.suites();
        (image::ramdisk(&folder, &bin_dir, &kernel, &suites)?, None)
    };
    let started = Instant::now();
    let mut guest = Guest::boot(&kernel.image, &ramdisk, disk.as_deref())?;
    let tally = guest.listen(started + Duration::from_secs(args.minutes * 60))?;
    println!(
        "guest: {} passed, {} failed, {} s",
        tally.passed,
        tally.failed,
        started.elapsed().as_secs()
    );
    if tally.failed > 0 {
        bail!("{} tests failed in the guest", tally.failed);
    }
    Ok(tally)
}

/// A running QEMU; ended when dropped.
struct Guest(Child);

impl Guest {
    fn boot(kernel: &Path, ramdisk: &Path, disk: Option<&Path>) -> Result<Self> {
        let mut qemu = Command::new("qemu-system-x86_64");
        if let Some(disk) = disk {
            // What the guest writes is not kept.
            let drive = format!("file={},format=raw,if=virtio,snapshot=on", disk.display());
            qemu.args(["-drive", &drive]);
        }
        let child = qemu
            .args([
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                "max",
                "-smp",
                "2",
                "-m",
                "1536",
            ])
            .arg("-kernel")
            .arg(kernel)
            .arg("-initrd")
            .arg(ramdisk)
            .args(["-append", "console=ttyS0 quiet panic=-1 rdinit=/init"])
            .args(["-display", "none", "-serial", "stdio", "-monitor", "none"])
            .args(["-no-reboot", "-nodefaults"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start qemu-system-x86_64")?;
        Ok(Self(child))
    }

    /// Shows what the guest writes, up to its end.
    fn listen(&mut self, end: Instant) -> Result<Tally> {
        let output = self.0.stdout.take().context("the guest has no console")?;
        let (lines, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let (mut tally, mut suites) = (Tally::default(), None);
        loop {
            let patience = end.saturating_duration_since(Instant::now());
            match heard.recv_timeout(patience) {
                Ok(line) => {
                    println!("| {}", line.trim_end());
                    if let Some((passed, failed)) = summary(&line) {
                        tally.passed += passed;
                        tally.failed += failed;
                    }
                    if let Some(code) = line.trim().strip_prefix("guest: end ") {
                        suites = Some(code == "0");
                    }
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => bail!("the guest is too slow"),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        match suites {
            Some(true) if tally.passed > 0 => Ok(tally),
            Some(false) if tally.failed > 0 => Ok(tally),
            Some(_) => bail!("a suite of the guest's ended without a summary"),
            None => bail!("the guest ended before its tests did"),
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have switched itself off.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `test result: ok. 3 passed; 0 failed; …`
fn summary(line: &str) -> Option<(u32, u32)> {
    let (_, counts) = line
        .trim()
        .strip_prefix("test result: ")?
        .split_once(". ")?;
    let count = |word: &str| {
        let part = counts.split(';').find(|part| part.trim().ends_with(word))?;
        part.trim().split(' ').next()?.parse::<u32>().ok()
    };
    Some((count("passed")?, count("failed")?))
}

/// Opens a file that is written anew.
fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_summaries_of_a_suite() {
        let line =
            "test result: FAILED. 80 passed; 2 failed; 0 ignored; 0 measured; 1 filtered out";
        assert_eq!(summary(line), Some((80, 2)));
        assert_eq!(summary("test lifecycle::x ... ok"), None);
    }
}
