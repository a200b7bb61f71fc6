//! The engines under measurement, each in a network namespace and a folder of its own.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lockgate_testkit::{NetNs, binary};
use tempfile::TempDir;

use crate::http::Client;
use crate::memory;

/// A running engine; ended when dropped.
pub(crate) struct Engine {
    pub(crate) name: String,
    dir: TempDir,
    child: Child,
    netns: NetNs,
    tls_port: Option<u16>,
    peak_kib: Cell<f64>,
}

impl Engine {
    pub(crate) fn lockgated() -> Result<Self> {
        Self::ours("lockgated", None)
    }

    /// Our door before the engine at that socket.
    pub(crate) fn guard(behind: &Path) -> Result<Self> {
        let flag = format!("--guard=unix://{}", behind.display());
        Self::ours("guard", Some(&flag))
    }

    fn ours(name: &str, flag: Option<&str>) -> Result<Self> {
        let dir = folder()?;
        let pki = certificates(dir.path())?;
        let config = format!(
            r#"{{"data-root":"{0}/data","exec-root":"{0}/exec","pidfile":"{0}/pid","cgroup-parent":"/lgbench{1}",
               "tlsverify":true,"tlscacert":"{2}/ca.pem","tlscert":"{2}/cert.pem","tlskey":"{2}/key.pem"}}"#,
            dir.path().display(),
            std::process::id(),
            pki.display(),
        );
        fs::write(dir.path().join("daemon.json"), config)?;
        let program = binary("lockgated");
        Self::start(name.to_owned(), dir, Some(PORT), |netns, dir| {
            let mut command = netns.command(&program);
            command.args(flag);
            command.arg("--config-file").arg(dir.join("daemon.json"));
            command.arg(format!("--host=unix://{}", socket(dir).display()));
            command.arg(format!("--host=tcp://127.0.0.1:{PORT}"));
            command
        })
    }

    pub(crate) fn dockerd(program: &Path) -> Result<Self> {
        let path = path_beside(program);
        let version = Command::new(program)
            .arg("--version")
            .env("PATH", &path)
            .output();
        let version = version.with_context(|| format!("dockerd `{}`", program.display()))?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let version = version
            .split(['+', ',', ' '])
            .nth(2)
            .unwrap_or("?")
            .to_owned();
        let dir = folder()?;
        let pki = certificates(dir.path())?;
        fs::write(dir.path().join("daemon.json"), "{}")?;
        Self::start(
            format!("dockerd {version}"),
            dir,
            Some(PORT),
            |netns, dir| {
                let mut command = netns.command(program);
                command
                    .env("PATH", &path)
                    .arg("--config-file")
                    .arg(dir.join("daemon.json"));
                command.arg("--userland-proxy=false");
                for (flag, name) in [
                    ("--data-root", "root"),
                    ("--exec-root", "exec"),
                    ("--pidfile", "pid"),
                ] {
                    command.arg(flag).arg(dir.join(name));
                }
                command
                    .arg("--tlsverify")
                    .arg(format!("--host=tcp://127.0.0.1:{PORT}"));
                for (flag, name) in [
                    ("--tlscacert", "ca.pem"),
                    ("--tlscert", "cert.pem"),
                    ("--tlskey", "key.pem"),
                ] {
                    command.arg(flag).arg(pki.join(name));
                }
                command.arg(format!("--host=unix://{}", socket(dir).display()));
                command
            },
        )
    }

    pub(crate) fn podman() -> Result<Self> {
        let version = Command::new("podman")
            .arg("--version")
            .output()
            .context("podman")?;
        let version = String::from_utf8_lossy(&version.stdout)
            .trim()
            .replace(" version", "");
        let dir = folder()?;
        // podman raises limits beyond what a host without CAP_SYS_RESOURCE allows.
        let limits = "[containers]\nlog_driver = \"k8s-file\"\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
        fs::write(dir.path().join("containers.conf"), limits)?;
        Self::start(version, dir, None, |netns, dir| {
            // crun refuses a v2 hierarchy with controllers beside v1: hide them from it.
            let hide = "f=/sys/fs/cgroup/unified/cgroup.controllers; [ -e $f ] && mount --bind /dev/null $f; exec podman \"$@\"";
            let mut command = netns.command("unshare");
            command.args(["--mount", "sh", "-c", hide, "podman"]);
            command
                .env("CONTAINERS_CONF", dir.join("containers.conf"))
                .arg("--root")
                .arg(dir.join("root"))
                .arg("--runroot")
                .arg(dir.join("run"));
            command.args([
                "--cgroup-manager=cgroupfs",
                "--events-backend=file",
                "system",
                "service",
                "--time=0",
            ]);
            command.arg(format!("unix://{}", socket(dir).display()));
            command
        })
    }

    fn start(
        name: String,
        dir: TempDir,
        tls_port: Option<u16>,
        command: impl FnOnce(&NetNs, &Path) -> Command,
    ) -> Result<Self> {
        let netns = NetNs::new("lgb");
        let log = File::create(dir.path().join("log"))?;
        let mut command = command(&netns, dir.path());
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut engine = Self {
            name,
            dir,
            child,
            netns,
            tls_port,
            peak_kib: Cell::new(0.0),
        };
        let deadline = Instant::now() + Duration::from_secs(40);
        while engine.ping().is_err() {
            if engine.child.try_wait()?.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(engine.dir.path().join("log"))?;
                bail!("{} did not start:\n{log}", engine.name);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(engine)
    }

    fn ping(&self) -> Result<()> {
        self.client()?.call("GET", "/_ping", b"", "").map(drop)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(self.dir.path())
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(&socket(self.dir.path()))
    }

    /// The engine's main process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The engine's own processes: itself and, for dockerd, the containerd that it started.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let own = self.child.id();
        let mut all = vec![own];
        all.extend(
            memory::children(own)
                .into_iter()
                .filter(|pid| memory::name(*pid) == "containerd"),
        );
        let pss = memory::pss_kib(&all);
        self.peak_kib.set(self.peak_kib.get().max(pss));
        all
    }

    /// The largest PSS seen after any measurement.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.processes();
        self.peak_kib.get() / 1024.0
    }

    /// Where mutual TLS is served, and with which certificates a client comes in.
    pub(crate) fn tls(&self) -> Option<(u16, PathBuf, &NetNs)> {
        Some((
            self.tls_port?,
            self.dir.path().join("pki/client-bench"),
            &self.netns,
        ))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(
            Command::new("kill")
                .arg(self.child.id().to_string())
                .status(),
        );
        drop(self.child.wait());
        // podman's conmon stays for five minutes after each exec (`--exit-delay`).
        drop(
            Command::new("pkill")
                .args(["--signal", "KILL", "--full"])
                .arg(self.dir.path())
                .status(),
        );
        for mount in fs::read_to_string("/proc/self/mounts")
            .unwrap_or_default()
            .lines()
            .rev()
        {
            let path = mount.split(' ').nth(1).unwrap_or_default();
            if Path::new(path).starts_with(self.dir.path()) {
                drop(Command::new("umount").arg("--lazy").arg(path).status());
            }
        }
    }
}

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("lockgate-bench-")
        .tempdir()?)
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("engine.sock")
}

/// The same certificate type for every engine: ECDSA P-256 from our own CA.
fn certificates(dir: &Path) -> Result<PathBuf> {
    let pki = dir.join("pki");
    let made = Command::new(binary("lockgate"))
        .args([
            "ca",
            "quick",
            "--no-passphrase",
            "--client",
            "bench",
            "--san",
            "127.0.0.1",
        ])
        .arg(&pki)
        .output()?;
    if !made.status.success() {
        bail!(
            "lockgate ca quick: {}",
            String::from_utf8_lossy(&made.stderr)
        );
    }
    Ok(pki.join("server"))
}

/// `PATH` with the folders of a peer's own helpers first.
fn path_beside(program: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    match program.parent().filter(|parent| parent.is_absolute()) {
        Some(parent) => format!("{0}:{0}/../bin:{0}/../sbin:{path}", parent.display()),
        None => format!("{path}:/usr/sbin:/sbin"),
    }
}

/// Every engine has a network namespace of its own, so the port is free.
const PORT: u16 = 2376;
