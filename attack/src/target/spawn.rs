//! Targets that we start ourselves.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use lockgate_testkit::{Daemon, DaemonOptions, Dockerd, NetNs, Podman};
use tempfile::TempDir;

use super::fixture;
use crate::authority::Authority;
use crate::case::Outcome;

/// What can be started.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Spawn {
    /// Lockgate with its own engine
    Lockgate,
    /// Lockgate before a stock dockerd
    GuardDockerd,
    /// Lockgate before podman
    GuardPodman,
    /// A stock dockerd with mutual TLS, for comparison
    Dockerd,
}

/// Who may do what at Lockgate's door.
const POLICY: &str = r#"
certificate_roles = ["viewer"]

[roles.tenant]
allow = ["operator"]
own = true

[roles.kept]
allow = ["operator", "build"]
host = { paths = ["{given}:ro"], drivers = ["local"] }

[roles.kept.only]
images = ["busybox:latest", "kept/*"]
networks = ["none"]
published_ports = ["8000-8999"]
users = ["1000"]
volumes = ["kept-*"]
labels = { team = "kept" }
memory = "64m"
cpus = 1
pids = 50

[[bindings]]
roles = ["kept"]
common_name = "kept"

[[bindings]]
roles = ["admin"]
common_name = "admin"

[[bindings]]
roles = ["operator"]
common_name = "operator"

[[bindings]]
roles = ["viewer"]
common_name = "viewer"

[[bindings]]
roles = ["tenant"]
common_name = "alice"

[[bindings]]
roles = ["tenant"]
common_name = "bob"
"#;

const ADDRESS: &str = "127.0.0.1:2376";

/// A target that runs. Fields end in this order: the door before what is behind it.
pub(crate) struct Running {
    pub(crate) name: String,
    server: Server,
    _behind: Option<Behind>,
    files: TempDir,
}

enum Server {
    Lockgate(Daemon),
    Dockerd(Dockerd),
}

#[expect(dead_code, reason = "kept for their end")]
enum Behind {
    Dockerd(Dockerd),
    Podman(Podman),
}

impl Spawn {
    pub(crate) fn start(self, dockerd: &Path) -> Result<Running> {
        let files = tempfile::Builder::new()
            .prefix("lockgate-attack-")
            .tempdir()?;
        Authority::new("attack authority")?.furnish(files.path())?;
        let given = fixture::paths(files.path())?;
        let policy = POLICY.replace("{given}", &given.display().to_string());
        std::fs::write(files.path().join("policy.toml"), policy)?;
        let version = || version(dockerd);
        let (name, server, behind) = match self {
            Self::Lockgate => ("Lockgate".to_owned(), door(files.path(), None), None),
            Self::GuardDockerd => {
                let behind = Dockerd::start_program_in(dockerd, NetNs::new("lgab"), &[]);
                let door = door(files.path(), Some(behind.socket()));
                let name = format!("guard, dockerd {}", version()?);
                (name, door, Some(Behind::Dockerd(behind)))
            }
            Self::GuardPodman => {
                let behind = Podman::start_in(NetNs::new("lgab"));
                let door = door(files.path(), Some(behind.socket()));
                (
                    format!("guard, {}", Podman::version()),
                    door,
                    Some(Behind::Podman(behind)),
                )
            }
            Self::Dockerd => {
                let mut args = vec![format!("--host=tcp://{ADDRESS}")];
                args.extend(tls(files.path()));
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let server = Dockerd::start_program_in(dockerd, NetNs::new("lga"), &args);
                (
                    format!("dockerd {}", version()?),
                    Server::Dockerd(server),
                    None,
                )
            }
        };
        Ok(Running {
            name,
            server,
            _behind: behind,
            files,
        })
    }
}

fn version(dockerd: &Path) -> Result<String> {
    let said = std::process::Command::new(dockerd)
        .arg("--version")
        .output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let word = said.split(['+', ',', ' ']).nth(2);
    Ok(word.context("dockerd does not say its version")?.to_owned())
}

fn tls(files: &Path) -> Vec<String> {
    let mut args = vec!["--tlsverify".to_owned()];
    for (flag, name) in [
        ("tlscacert", "ca.pem"),
        ("tlscert", "cert.pem"),
        ("tlskey", "key.pem"),
    ] {
        args.push(format!(
            "--{flag}={}",
            files.join("server").join(name).display()
        ));
    }
    args
}

fn door(files: &Path, behind: Option<PathBuf>) -> Server {
    let mut args = vec![
        format!("--host=tcp://{ADDRESS}"),
        format!("--policy={}", files.join("policy.toml").display()),
    ];
    args.extend(tls(files));
    args.extend(behind.map(|socket| format!("--guard=unix://{}", socket.display())));
    let options = DaemonOptions { args, config: None };
    Server::Lockgate(Daemon::start_in(NetNs::new("lga"), options))
}

impl Running {
    /// Runs the cases in the target's network namespace.
    pub(crate) fn attack(&self, which: &str) -> Result<Vec<Outcome>> {
        let netns = match &self.server {
            Server::Lockgate(daemon) => daemon.netns(),
            Server::Dockerd(dockerd) => dockerd.netns(),
        };
        println!("== {}", self.name);
        let outcomes = self.files.path().join("outcomes.json");
        let mut command = netns.command(std::env::current_exe()?);
        command
            .args(["endpoint", ADDRESS, "--case", which, "--certs"])
            .arg(self.files.path())
            .arg("--json")
            .arg(&outcomes);
        if matches!(self.server, Server::Lockgate(_)) {
            command
                .arg("--policy")
                .arg(self.files.path().join("policy.toml"));
        }
        let status = command.status()?;
        let Ok(text) = std::fs::read(&outcomes) else {
            bail!("the cases broke off with {status}; {}", self.log());
        };
        Ok(serde_json::from_slice(&text)?)
    }

    fn log(&self) -> String {
        match &self.server {
            Server::Lockgate(daemon) => daemon.log(),
            Server::Dockerd(dockerd) => dockerd.log(),
        }
    }
}
