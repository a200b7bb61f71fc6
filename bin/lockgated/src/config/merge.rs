//! The command line and `daemon.json` become one set of settings; the command line wins.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use super::error::ConfigError;
use super::places;
use super::table::{self, Kind, Role, SETTINGS, Setting};
use super::value::{self, Said, Settings};

/// The configuration file if none is named.
pub(crate) const DEFAULT_FILE: &str = "/etc/lockgate/daemon.json";

/// What was typed.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) file: PathBuf,
    /// Whether the file was named, so that it must exist.
    pub(crate) named: bool,
    pub(crate) validate: bool,
    matches: ArgMatches,
}

/// The command line, made from the table.
pub(crate) fn command() -> Command {
    let mut command = Command::new("lockgated")
        .about("A container engine that can be exposed: Docker's API behind proven identities")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .args_override_self(true)
        .arg(
            Arg::new("config-file")
                .long("config-file")
                .value_name("FILE")
                .help(format!(
                    "Settings in JSON; flags win [default: {DEFAULT_FILE}]"
                )),
        )
        .arg(
            Arg::new("validate")
                .long("validate")
                .action(ArgAction::SetTrue)
                .help("Check the configuration and exit"),
        )
        .arg(
            Arg::new("manual")
                .long("manual")
                .action(ArgAction::SetTrue)
                .hide(true)
                .help("Print the manual page"),
        )
        .arg(
            Arg::new("version")
                .long("version")
                .short('v')
                .action(ArgAction::SetTrue)
                .help("Print version information and quit"),
        );
    for setting in SETTINGS.iter().filter(|setting| !setting.flag.is_empty()) {
        command = command.arg(argument(setting));
    }
    command
}

fn argument(setting: &Setting) -> Arg {
    let arg = Arg::new(setting.flag)
        .long(setting.flag)
        .short(setting.short)
        .help(setting.help)
        .hide(setting.role != Role::Used)
        .action(ArgAction::Append);
    match setting.kind {
        Kind::Bool => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::Number => arg.value_name("NUMBER").allow_negative_numbers(true),
        Kind::Any | Kind::List | Kind::Map | Kind::Objects | Kind::Size | Kind::Text => {
            arg.value_name("VALUE")
        }
    }
}

impl Typed {
    pub(crate) fn new(matches: ArgMatches) -> Self {
        let file = matches.get_one::<String>("config-file").cloned();
        Self {
            named: file.is_some(),
            file: file.map_or_else(|| default_file(&matches), PathBuf::from),
            validate: matches.get_flag("validate"),
            matches,
        }
    }

    /// Reads the file and puts the flags over it. The second part is what to tell the operator.
    pub(crate) fn merge(&self) -> Result<(Settings, Vec<String>), ConfigError> {
        let mut settings = Settings::default();
        let mut notes = Vec::new();
        for (key, value) in self.read_file()? {
            let (setting, said) = from_file(&self.file, &key, value)?;
            settings.0.insert(setting.key, said);
        }
        for setting in SETTINGS.iter().filter(|setting| !setting.flag.is_empty()) {
            let Some(texts) = self.matches.get_many::<String>(setting.flag) else {
                continue;
            };
            let said = from_flag(setting, texts.cloned().collect())?;
            if let Some(other) = settings.0.insert(setting.key, said) {
                notes.push(format!(
                    "--{} and {} both say something: the flag wins",
                    setting.flag, other.place
                ));
            }
        }
        for (key, said) in &settings.0 {
            notes.extend(check_role(key, said)?);
        }
        Ok((settings, notes))
    }

    fn read_file(&self) -> Result<Map<String, Value>, ConfigError> {
        let path = || self.file.clone();
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.named => {
                return Ok(Map::new());
            }
            Err(source) => {
                return Err(ConfigError::Read {
                    path: path(),
                    source,
                });
            }
        };
        if text.trim().is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_str(&text).map_err(|source| ConfigError::Json {
            path: path(),
            source,
        })
    }
}

/// Root's, or the user's own with `--rootless`.
fn default_file(matches: &ArgMatches) -> PathBuf {
    let said = matches.get_many::<String>("rootless").into_iter().flatten();
    let of_user = (said.last().map(String::as_str) == Some("true"))
        .then(|| places::file_of_user(|name| std::env::var(name).ok()))
        .flatten();
    of_user.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE))
}

fn from_file(
    path: &Path,
    key: &str,
    value: Value,
) -> Result<(&'static Setting, Said), ConfigError> {
    let setting = table::by_key(key).ok_or_else(|| unknown(path, key))?;
    let place = format!("`{key}` in {}", path.display());
    let value = value::of_file(setting.kind, value).map_err(|value| ConfigError::Value {
        place: place.clone(),
        value: value.to_string(),
        expected: value::expected(setting.kind),
    })?;
    Ok((setting, Said { value, place }))
}

fn from_flag(setting: &Setting, texts: Vec<String>) -> Result<Said, ConfigError> {
    let place = format!("--{}", setting.flag);
    let shown = texts.join(", ");
    let value = value::of_flag(setting.kind, texts).ok_or_else(|| ConfigError::Value {
        place: place.clone(),
        value: shown,
        expected: value::expected(setting.kind),
    })?;
    Ok(Said { value, place })
}

/// Refuses what would be less safe than it says; tells about what does nothing.
fn check_role(key: &str, said: &Said) -> Result<Option<String>, ConfigError> {
    let setting = SETTINGS.iter().find(|setting| setting.key == key);
    match setting.map(|setting| setting.role) {
        Some(Role::Refused(instead)) if value::is_yes(&said.value) => Err(ConfigError::Refused {
            place: said.place.clone(),
            instead,
        }),
        Some(Role::Moot(why)) if !said.value.is_null() => {
            Ok(Some(format!("{} has no effect: {why}", said.place)))
        }
        Some(Role::Moot(_) | Role::Refused(_) | Role::Used) | None => Ok(None),
    }
}

fn unknown(path: &Path, key: &str) -> ConfigError {
    let renamed = table::RENAMED
        .iter()
        .find(|(old, _)| *old == key)
        .map(|(_, new)| *new);
    let hint = renamed
        .or_else(|| nearest(key))
        .map_or_else(String::new, |key| format!("; did you mean `{key}`?"));
    ConfigError::UnknownKey {
        path: path.to_owned(),
        key: key.to_owned(),
        hint,
    }
}

/// The key that takes the fewest changes of letters, if they are few.
fn nearest(key: &str) -> Option<&'static str> {
    let keys = SETTINGS
        .iter()
        .filter(|setting| table::by_key(setting.key).is_some());
    let distances = keys.map(|setting| (distance(key, setting.key), setting.key));
    let (distance, nearest) = distances.min()?;
    (distance <= 3 && distance < key.len()).then_some(nearest)
}

/// Levenshtein's distance, with `-` and `_` the same.
fn distance(a: &str, b: &str) -> usize {
    let letter = |c: char| {
        if c == '_' {
            '-'
        } else {
            c.to_ascii_lowercase()
        }
    };
    let b: Vec<char> = b.chars().map(letter).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().map(letter).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            let changed = diagonal + usize::from(x != *y);
            left = changed.min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
