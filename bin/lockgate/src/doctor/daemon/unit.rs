//! A systemd unit with its drop-ins, as far as it starts a daemon.
//!
//! ```text
//! /etc > /run > /usr/lib > /lib: the first docker.service is the unit
//! docker.service.d/*.conf of all four: by name, the first of a name counts
//! ExecStart=            empties the list; two entries are one too many
//! EnvironmentFile=, Environment=   are what $DOCKER_OPTS stands for
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::words::split as words;
use crate::doctor::world::World;

/// Where units are looked for, the first one counts.
pub(crate) const FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// One command that a unit would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The file that says it.
    pub(crate) file: PathBuf,
    /// As written, `/usr/bin/dockerd -H fd://`.
    pub(crate) line: String,
    /// Its words, variables replaced.
    pub(crate) words: Vec<String>,
}

/// A unit as systemd would see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The unit itself and its drop-ins, on this machine's paths.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) starts: Vec<Start>,
    /// Every other setting, the last one given: `SocketMode`, `ListenStream` …
    pub(crate) settings: BTreeMap<String, String>,
}

impl Unit {
    /// Reads a unit by name; `None` if there is none.
    pub(crate) fn read(world: &World, name: &str) -> Option<Self> {
        let folder = FOLDERS
            .iter()
            .find(|folder| world.look(format!("{folder}/{name}")).is_some())?;
        let mut paths = vec![format!("{folder}/{name}")];
        let mut drop_ins = BTreeMap::new();
        for folder in FOLDERS {
            for file in world.names(format!("{folder}/{name}.d")) {
                let is_conf = file.strip_suffix(".conf").is_some();
                if is_conf && !drop_ins.contains_key(&file) {
                    let path = format!("{folder}/{name}.d/{file}");
                    drop_ins.insert(file, path);
                }
            }
        }
        paths.extend(drop_ins.into_values());
        let mut reading = Reading::default();
        for path in paths {
            let text = world.text(&path).ok().flatten().unwrap_or_default();
            reading.file(world, &PathBuf::from(&path), &text);
            reading.unit.files.push(world.path(&path));
        }
        Some(reading.end())
    }

    /// The one command that counts.
    pub(crate) fn start(&self) -> Option<&Start> {
        self.starts.last()
    }
}

#[derive(Default)]
struct Reading {
    unit: Unit,
    variables: BTreeMap<String, String>,
}

impl Reading {
    fn file(&mut self, world: &World, path: &std::path::Path, text: &str) {
        for line in joined(text) {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            match key {
                "ExecStart" if value.is_empty() => self.unit.starts.clear(),
                "ExecStart" => self.unit.starts.push(Start {
                    file: world.path(path),
                    line: value.to_owned(),
                    words: Vec::new(),
                }),
                "Environment" => self.assign(words(value).into_iter()),
                "EnvironmentFile" => {
                    let file = value.trim_start_matches('-');
                    let text = world.text(file).ok().flatten().unwrap_or_default();
                    let lines = text.lines().map(str::trim);
                    let lines = lines.filter(|line| !line.starts_with(['#', ';']));
                    self.assign(lines.map(unquoted));
                }
                _ => {
                    self.unit.settings.insert(key.to_owned(), value.to_owned());
                }
            }
        }
    }

    fn assign(&mut self, pairs: impl Iterator<Item = String>) {
        for pair in pairs {
            if let Some((name, value)) = pair.split_once('=') {
                self.variables
                    .insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }

    fn end(self) -> Unit {
        let Self {
            mut unit,
            variables,
        } = self;
        for start in &mut unit.starts {
            let plain = start.line.trim_start_matches(['-', '@', ':', '+', '!']);
            let words = words(plain).into_iter();
            start.words = words.flat_map(|word| expanded(&variables, word)).collect();
        }
        unit
    }
}

/// `$NAME` as a word of its own becomes several words, `${NAME}` one.
fn expanded(variables: &BTreeMap<String, String>, word: String) -> Vec<String> {
    let value = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let braced = word
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = braced {
        vec![value(name)]
    } else if let Some(name) = word.strip_prefix('$') {
        words(&value(name))
    } else {
        vec![word]
    }
}

/// `NAME="a b"` of an environment file, without the quotes.
fn unquoted(line: &str) -> String {
    let Some((name, value)) = line.split_once('=') else {
        return String::new();
    };
    let value = value.trim();
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    format!("{}={}", name.trim(), bare.unwrap_or(value))
}

/// Lines without comments, continued ones joined.
fn joined(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(more) = line.strip_suffix('\\') {
            open.push_str(more);
            open.push(' ');
        } else {
            open.push_str(line);
            lines.push(std::mem::take(&mut open));
        }
    }
    lines.push(open);
    lines.retain(|line| !line.is_empty());
    lines
}
