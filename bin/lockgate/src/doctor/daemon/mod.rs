//! A daemon's side of one machine: file, unit, process, and what they say together.

mod known;
mod settings;
mod unit;
pub(crate) mod words;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub(crate) use known::{is_key, suggestion};
pub(crate) use settings::Settings;
pub(crate) use unit::{FOLDERS, Unit};

use crate::doctor::world::World;

/// Whose daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stock one.
    Dockerd,
    /// Ours.
    Lockgated,
}

impl Kind {
    /// The program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Dockerd => "dockerd",
            Self::Lockgated => "lockgated",
        }
    }

    /// The service.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Dockerd => "docker",
            Self::Lockgated => "lockgated",
        }
    }

    /// Where it listens if nobody says otherwise.
    pub(crate) fn socket(self) -> &'static str {
        match self {
            Self::Dockerd => "/run/docker.sock",
            Self::Lockgated => "/run/lockgate/lockgate.sock",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Dockerd => "/etc/docker/daemon.json",
            Self::Lockgated => "/etc/lockgate/daemon.json",
        }
    }

    fn pidfile(self) -> &'static str {
        match self {
            Self::Dockerd => "/run/docker.pid",
            Self::Lockgated => "/run/lockgate/lockgated.pid",
        }
    }

    /// Where `ca.pem`, `cert.pem` and `key.pem` lie if nobody says otherwise.
    pub(crate) fn certificates(self) -> &'static str {
        match self {
            Self::Dockerd => "/root/.docker",
            Self::Lockgated => "/etc/lockgate/pki/server",
        }
    }
}

/// What `daemon.json` holds.
#[derive(Debug)]
pub(crate) enum File {
    Absent,
    Unreadable(String),
    Broken(String),
    Object(Map<String, Value>),
}

/// The process that runs now.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) started: i64,
    pub(crate) words: Vec<String>,
}

/// One daemon of a machine.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) kind: Kind,
    /// Where its file is or would be.
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) service: Option<Unit>,
    pub(crate) socket: Option<Unit>,
    pub(crate) process: Option<Process>,
    pub(crate) settings: Settings,
}

impl Daemon {
    /// Looks for a daemon; `None` if nothing of it is on that machine.
    pub(crate) fn find(world: &World, kind: Kind) -> Option<Self> {
        Self::new(world, kind, Process::find(world, kind))
    }

    /// As the files say, whatever runs.
    pub(crate) fn of_files(world: &World, kind: Kind) -> Option<Self> {
        Self::new(world, kind, None)
    }

    fn new(world: &World, kind: Kind, process: Option<Process>) -> Option<Self> {
        let service = Unit::read(world, &format!("{}.service", kind.service()));
        let socket = Unit::read(world, &format!("{}.socket", kind.service()));
        let unit_words = service.as_ref().and_then(Unit::start).map(|s| &s.words);
        let words = process.as_ref().map(|p| &p.words).or(unit_words);
        let flags = words
            .map(|words| settings::of_words(words))
            .unwrap_or_default();
        let named = flags.get("config-file").and_then(|list| list.last());
        let path = PathBuf::from(named.map_or_else(|| kind.file(), String::as_str));
        let file = File::read(world, &path);
        let trace = service.is_some() || process.is_some() || !matches!(file, File::Absent);
        let said = match &file {
            File::Object(object) => settings::of_object(object),
            File::Absent | File::Broken(_) | File::Unreadable(_) => settings::Said::new(),
        };
        trace.then(|| Self {
            kind,
            path: world.path(&path),
            file,
            service,
            socket,
            process,
            settings: Settings { flags, file: said },
        })
    }

    /// Where it listens.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let hosts = self.settings.list("hosts");
        if hosts.is_empty() {
            return vec![format!("unix://{}", self.kind.socket())];
        }
        hosts.to_vec()
    }

    /// The TCP addresses among them, `0.0.0.0:2376`.
    pub(crate) fn tcp(&self) -> Vec<String> {
        let hosts = self.hosts().into_iter();
        hosts
            .filter_map(|host| match host.split_once("://") {
                Some(("tcp", rest)) => Some(rest.to_owned()),
                Some(_) => None,
                // dockerd takes `0.0.0.0:2375` for TCP.
                None => Some(host).filter(|host| !host.starts_with('/')),
            })
            .collect()
    }

    /// A file of its TLS set.
    pub(crate) fn tls_file(&self, world: &World, key: &str, name: &str) -> PathBuf {
        let said = self.settings.text(key).map(PathBuf::from);
        let path = said.unwrap_or_else(|| PathBuf::from(self.kind.certificates()).join(name));
        world.path(path)
    }

    /// The command that makes it read everything anew.
    pub(crate) fn restart(&self) -> String {
        let service = self.kind.service();
        format!("systemctl daemon-reload && systemctl restart {service}")
    }
}

impl File {
    fn read(world: &World, path: &std::path::Path) -> Self {
        let text = match world.text(path) {
            Ok(Some(text)) => text,
            Ok(None) => return Self::Absent,
            Err(error) => return Self::Unreadable(crate::config::go_error(&error)),
        };
        if text.trim().is_empty() {
            return Self::Object(Map::new());
        }
        match serde_json::from_str(&text) {
            Ok(object) => Self::Object(object),
            Err(error) => Self::Broken(error.to_string()),
        }
    }
}

impl Process {
    fn find(world: &World, kind: Kind) -> Option<Self> {
        let pid: u32 = world.text(kind.pidfile()).ok()??.trim().parse().ok()?;
        let command = world.text(format!("/proc/{pid}/cmdline")).ok()??;
        let words: Vec<String> = command.split('\0').map(str::to_owned).collect();
        let program = words.first()?.rsplit('/').next()?;
        // Process ids are used again.
        let is_it = matches!(program, "dockerd" | "lockgated");
        is_it.then_some(Self {
            started: world.look(kind.pidfile())?.changed,
            words: words.into_iter().filter(|word| !word.is_empty()).collect(),
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
